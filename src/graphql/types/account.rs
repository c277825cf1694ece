//! Accounts as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::{User, wraps};
use crate::{
    domain::guard::Quota,
    graphql::{
        context::{admin, app, loaders},
        error::Result,
        loader::{InFlightOf, QuotaOf, UsersOfAccount},
        plain::Plain,
        scalar::ByteCount,
        visible,
    },
};

/// A tenant.
#[derive(Clone, Debug)]
pub struct Account(pub Arc<entity::account::Model>);

wraps!(Account, account, listed);

impl Plain for Account {}

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

    /// How many volumes it has, in whatever status.
    async fn volume_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(count(self.quota(ctx).await?.volumes.count))
    }

    /// How many volumes it may have.
    async fn volume_limit(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(count(self.quota(ctx).await?.volumes.limit))
    }

    /// How many bytes its volumes have in all.
    async fn volume_bytes(&self, ctx: &Context<'_>) -> Result<ByteCount> {
        Ok(bytes(self.quota(ctx).await?.bytes.count))
    }

    /// How many bytes its volumes may have in all.
    async fn volume_bytes_limit(&self, ctx: &Context<'_>) -> Result<ByteCount> {
        Ok(bytes(self.quota(ctx).await?.bytes.limit))
    }

    /// Who signs in to it, by email address. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn users(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        admin(ctx)?;
        let users = loaders(ctx)?.find(UsersOfAccount(self.0.id)).await?;
        Ok(users.iter().cloned().map(User).collect())
    }
}

impl Account {
    async fn quota(&self, ctx: &Context<'_>) -> Result<Quota> {
        loaders(ctx)?.find(QuotaOf(self.0.id)).await
    }
}

fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn bytes(bytes: u64) -> ByteCount {
    ByteCount(i64::try_from(bytes).unwrap_or(i64::MAX))
}
