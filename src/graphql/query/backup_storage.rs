//! Reading backup storages: administrators only.

use async_graphql::{Context, Object};
use entity::backup_storage::{Column, Entity};
use sea_orm::QueryOrder;

use crate::graphql::{
    context::{app, requester},
    error::Result,
    types::BackupStorage,
    visible,
};

/// Reading backup storages.
#[derive(Debug, Default)]
pub struct BackupStorageQuery;

#[Object]
impl BackupStorageQuery {
    /// All backup storages, by name. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn backup_storages(&self, ctx: &Context<'_>) -> Result<Vec<BackupStorage>> {
        requester(ctx).admin()?;
        let rows = Entity::present()
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(rows.into_iter().map(BackupStorage::from).collect())
    }
}
