//! Users as the API shows them.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object};

use super::wraps;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::user::Role")]
pub enum Role {
    /// Works with its own account.
    User,
    /// Works with all accounts, and sets up the platform.
    Admin,
}

/// A person who signs in.
#[derive(Clone, Debug)]
pub struct User(pub Arc<entity::user::Model>);

wraps!(User, user);

/// A person who signs in.
#[Object]
impl User {
    /// Its id.
    async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it signs in with.
    async fn email(&self) -> &str {
        &self.0.email
    }
}
