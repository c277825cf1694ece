//! Reading storage pools: administrators only.

use async_graphql::{Context, Object};
use entity::storage_pool::{Column, Entity};
use sea_orm::QueryOrder;

use crate::graphql::{
    context::{app, requester},
    error::Result,
    types::StoragePool,
    visible,
};

/// Reading storage pools.
#[derive(Debug, Default)]
pub struct StoragePoolQuery;

#[Object]
impl StoragePoolQuery {
    /// All storage pools, by name. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn storage_pools(&self, ctx: &Context<'_>) -> Result<Vec<StoragePool>> {
        requester(ctx).admin()?;
        let rows = Entity::present()
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(rows.into_iter().map(StoragePool::from).collect())
    }
}
