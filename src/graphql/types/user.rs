//! Users as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};

use super::wraps;
use crate::graphql::{context::admin, error::Result, scalar::DateTime, visible};

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

    /// What it may do. For administrators.
    #[graphql(visible = "visible::to_admins")]
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn role(&self, ctx: &Context<'_>) -> Result<Role> {
        admin(ctx)?;
        Ok(self.0.role.into())
    }

    /// Since when it is kept out; null while it may sign in. For administrators.
    #[graphql(visible = "visible::to_admins")]
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn disabled_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        admin(ctx)?;
        Ok(self.0.disabled_at.map(DateTime))
    }
}
