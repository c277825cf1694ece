//! How a browser shows that a user signed in with it before: by a cookie that only the gateway can have made.
//! Throttles never hold it up for what others did. It opens nothing.
//!
//! Its key is derived from the user's own password hash: all gateways have it, nobody else does, and a new
//! password ends all cookies.

use entity::{UserId, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Ids, Result};
use crate::app::App;

const CONTEXT: &str = "tidemark 2026-11-30 browsers in which a user signed in";

/// What a browser keeps once `user` has signed in with it.
pub fn issue(ids: &Ids, user: &user::Model) -> String {
    let random = ids.secret();
    let mac = mac(&random, user);
    format!("{}.{random}.{}", user.id, mac.to_hex())
}

/// The user who signed in with the browser that keeps `cookie`, if there is one.
pub async fn lookup_user(app: &App, cookie: &str) -> Result<Option<user::Model>> {
    let id: Option<UserId> = cookie.split('.').next().and_then(|id| id.parse().ok());
    let Some(id) = id else {
        return Ok(None);
    };
    let user = user::Entity::find_by_id(id)
        .filter(user::Column::DisabledAt.is_null())
        .one(app.database.reads())
        .await?;
    Ok(user.filter(|user| of_user(cookie, user).is_some()))
}

/// The device that `cookie` names, if `user` signed in with it.
pub fn of_user<'a>(cookie: &'a str, user: &user::Model) -> Option<&'a str> {
    let (_, secret) = cookie.split_once('.')?;
    let (random, claimed) = secret.split_once('.')?;
    let claimed = blake3::Hash::from_hex(claimed).ok()?;
    // It takes as long whether they differ early or late.
    (mac(random, user) == claimed).then_some(random)
}

fn mac(random: &str, user: &user::Model) -> blake3::Hash {
    let key = blake3::derive_key(CONTEXT, user.password_hash.as_bytes());
    blake3::keyed_hash(&key, format!("{random} {}", user.id).as_bytes())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::{AccountId, UserId, user::Role};

    use super::*;

    fn user(password_hash: &str) -> user::Model {
        user::Model {
            id: Ids.next(UserId::from_uuid),
            account_id: Ids.next(AccountId::from_uuid),
            email: "ann@example.com".to_owned(),
            password_hash: password_hash.to_owned(),
            role: Role::User,
            created_at: DateTime::default(),
            disabled_at: None,
        }
    }

    #[test]
    fn a_device_is_the_users_own_until_the_password_changes() {
        let ann = user("hash");
        let cookie = issue(&Ids, &ann);
        assert!(of_user(&cookie, &ann).is_some());
        assert!(of_user(&cookie, &user("hash")).is_none(), "another user");
        let changed = user::Model {
            password_hash: "other".to_owned(),
            ..ann.clone()
        };
        assert!(of_user(&cookie, &changed).is_none());
        let other = issue(&Ids, &ann);
        let (random, _) = cookie.rsplit_once('.').unwrap();
        let (_, mac) = other.rsplit_once('.').unwrap();
        for forged in ["", "..", random, &format!("{random}.{mac}"), "é.é.é"] {
            assert!(of_user(forged, &ann).is_none(), "{forged}");
        }
    }
}
