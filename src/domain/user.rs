//! Users and their accounts, as an operator makes them.

use entity::{AccountId, UserId, user::Role};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QuerySelect, SqlErr,
};

use super::{Error, Result, password};
use crate::app::App;

const MAX_EMAIL_BYTES: usize = 254;

/// A user to be made.
#[derive(Debug)]
pub struct NewUser {
    /// The account it is to belong to.
    pub account_id: AccountId,
    /// What it signs in with.
    pub email: String,
    /// In clear, at least `password::MIN_CHARS` long.
    pub password: String,
    /// What it may do.
    pub role: Role,
}

/// Makes a user.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    new: NewUser,
) -> Result<entity::user::Model> {
    let email = normal_email(&new.email)?;
    let user = entity::user::ActiveModel {
        id: Set(app.ids.next(UserId::from_uuid)),
        account_id: Set(new.account_id),
        email: Set(email),
        password_hash: Set(password::hash(new.password).await?),
        role: Set(new.role),
        created_at: Set(app.clock.now(db).await?),
    };
    user.insert(db)
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Error::invalid("There is a user with this email already.")
            }
            _ => error.into(),
        })
}

/// The account called `name`, made if there is none.
pub async fn ensure_account(
    app: &App,
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<entity::account::Model> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 128 || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "An account's name has 1 to 128 characters, none of them a control character.",
        ));
    }
    let mut known = entity::account::Entity::find()
        .filter(entity::account::Column::Name.eq(name))
        .limit(2)
        .all(db)
        .await?;
    match (known.pop(), known.pop()) {
        (Some(account), None) => Ok(account),
        (Some(_), Some(_)) => Err(Error::invalid(format!(
            "There are several accounts named {name:?}."
        ))),
        (None, _) => {
            let account = entity::account::ActiveModel {
                id: Set(app.ids.next(AccountId::from_uuid)),
                name: Set(name.to_owned()),
                created_at: Set(app.clock.now(db).await?),
            };
            Ok(account.insert(db).await?)
        }
    }
}

/// An email as it is kept: trimmed and in lower case. Whether anybody reads it, only a mail can tell.
pub fn normal_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let plausible = email.len() <= MAX_EMAIL_BYTES
        && email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && email.matches('@').count() == 1
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if plausible {
        Ok(email)
    } else {
        Err(Error::invalid(
            "This is no email address: write NAME@DOMAIN.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database::Database, domain::Settings};

    #[test]
    fn an_email_is_kept_in_lower_case_or_refused() {
        assert_eq!(
            normal_email(" Ann@Example.COM ").unwrap(),
            "ann@example.com"
        );
        for text in ["", "ann", "@example.com", "ann@", "a@b@c", "a b@c"] {
            assert!(normal_email(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn an_email_is_taken_once_and_an_account_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/x.db", directory.path().display());
        let app = App::new(
            Database::connect(&url, 2).await.unwrap(),
            Settings::default(),
        );
        app.database.migrate().await.unwrap();
        let db = app.database.writes();
        let account = ensure_account(&app, db, "Acme").await.unwrap();
        assert_eq!(ensure_account(&app, db, " Acme ").await.unwrap(), account);
        let new = |email: &str| NewUser {
            account_id: account.id,
            email: email.to_owned(),
            password: "correct horse battery".to_owned(),
            role: Role::Admin,
        };
        create(&app, db, new("ann@example.com")).await.unwrap();
        let error = create(&app, db, new("ANN@example.com")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
}
