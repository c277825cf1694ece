//! Accounts as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::{User, wraps};
use crate::graphql::{
    context::{admin, app, loaders},
    error::Result,
    loader::{InFlightOf, UsersOfAccount},
    visible,
};

/// A tenant.
#[derive(Clone, Debug)]
pub struct Account(pub Arc<entity::account::Model>);

wraps!(Account, account, listed);

/// A tenant: owns volumes, instances, snapshots and backups.
#[Object]
impl Account {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How many snapshots, backups and restores it has pending or started, over all its volumes.
    async fn operations_in_flight(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = loaders(ctx)?.find(InFlightOf(self.0.id)).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// How many it may have at once.
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn operations_in_flight_limit(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(app(ctx)?.settings.in_flight_limit).unwrap_or(i32::MAX))
    }

    /// Who signs in to it, by email address. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn users(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        admin(ctx)?;
        let users = loaders(ctx)?.find(UsersOfAccount(self.0.id)).await?;
        Ok(users.iter().cloned().map(User).collect())
    }
}
