//! Users: people who sign in.

pub mod change;

use entity::{AccountId, Scope, UserId, account, user, user::Role};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    SqlErr, sea_query::LockType,
};

use super::{
    Error, Requester, Result, account as accounts,
    hashing::Client,
    password,
    transaction::{HOLD, ROW_LOCK, Transaction},
};
use crate::app::App;
use crate::domain::room::ensure_room;
use crate::limits::{MAX_EMAIL_BYTES, MAX_USERS_OF_ACCOUNT};

/// What [`create`] needs to know.
#[derive(Debug)]
pub struct Create {
    /// The account it belongs to.
    pub account_id: AccountId,
    /// What it signs in with.
    pub email: String,
    /// Its password.
    pub password: String,
    /// What it may do.
    pub role: Role,
}

/// Makes a user.
pub async fn create(app: &App, requester: &Requester, input: Create) -> Result<user::Model> {
    let by = Client::Known(requester.admin()?.id);
    let email = checked_email(&input.email)?;
    let hash = password::hash(&app.hashing, &by, input.password).await?;
    let tx = Transaction::begin(app).await?;
    accounts::hold(&tx, input.account_id).await?;
    let user = insert(&tx, input.account_id, email, hash, input.role).await?;
    tx.commit().await?;
    Ok(user)
}

/// Makes a user from the command line, in the account of that name; the account too, if there is
/// none.
pub async fn create_in_account_named(
    app: &App,
    account: &str,
    email: &str,
    password: String,
    role: Role,
) -> Result<user::Model> {
    let email = checked_email(email)?;
    let by = Client::Stranger(String::new());
    let hash = password::hash(&app.hashing, &by, password).await?;
    let tx = Transaction::begin(app).await?;
    let known = account::Entity::visible_to(Scope::Everything)
        .filter(account::Column::Name.eq(account.trim()))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    let account = match known {
        Some(account) => account,
        None => accounts::insert(&tx, account).await?,
    };
    let user = insert(&tx, account.id, email, hash, role).await?;
    tx.commit().await?;
    Ok(user)
}

/// The user `id` unless it is disabled, which nobody else changes before the commit.
pub(super) async fn lock_enabled(tx: &Transaction<'_>, id: UserId) -> Result<Option<user::Model>> {
    Ok(user::Entity::find_by_id(id)
        .filter(user::Column::DisabledAt.is_null())
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?)
}

/// Has the user `id` stay until the commit. One that is gone or disabled is no different from nobody.
pub(super) async fn hold(tx: &Transaction<'_>, id: UserId) -> Result<()> {
    user::Entity::find_by_id(id)
        .filter(user::Column::DisabledAt.is_null())
        .lock(LockType::KeyShare)
        .one(tx.db())
        .await?
        .map(drop)
        .ok_or(Error::Unauthenticated)
}

/// The user with this email address, unless it is disabled.
pub(super) async fn lookup_enabled(app: &App, email: &str) -> Result<Option<user::Model>> {
    let Ok(email) = checked_email(email) else {
        // No user has such an address, and not every database can be asked for it.
        return Ok(None);
    };
    Ok(user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .filter(user::Column::DisabledAt.is_null())
        .one(app.database.reads())
        .await?)
}

async fn insert(
    tx: &Transaction<'_>,
    account_id: AccountId,
    email: String,
    password_hash: String,
    role: Role,
) -> Result<user::Model> {
    let users = user::Entity::find().filter(user::Column::AccountId.eq(account_id));
    ensure_room(tx, users, MAX_USERS_OF_ACCOUNT, "users in the account").await?;
    let user = user::ActiveModel {
        id: Set(tx.app().ids.next(UserId::from_uuid)),
        account_id: Set(account_id),
        email: Set(email),
        password_hash: Set(password_hash),
        role: Set(role),
        created_at: Set(tx.now()),
        disabled_at: Set(None),
    };
    user.insert(tx.db()).await.map_err(taken)
}

/// What the database says of a user, in words where another one has the same email.
fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::invalid("There is a user with this email already.")
        }
        _ => error.into(),
    }
}

/// An email as it is kept: trimmed and in lower case. Whether anybody reads it, only a mail tells.
fn checked_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let parts = email.split_once('@');
    let plausible = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && email.matches('@').count() == 1
        && email.len() <= MAX_EMAIL_BYTES
        && !email
            .chars()
            .any(|char| char.is_whitespace() || char.is_control());
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

    #[test]
    fn an_email_is_kept_in_lower_case_or_refused() {
        assert_eq!(
            checked_email(" Ann@Example.COM ").unwrap(),
            "ann@example.com"
        );
        for text in ["", "ann", "@example.com", "ann@", "a@b@c", "a b@c"] {
            assert!(checked_email(text).is_err(), "{text}");
        }
    }
}
