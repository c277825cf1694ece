//! Users that are disabled, and what is asked before one is deleted.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, index, instant_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, "users", vec![instant_null("disabled_at")]).await?;
        // Which operations a user who is deleted asked for.
        manager
            .create_index(index("operations", &["requested_by"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut drop = Index::drop();
        drop.name("operations_requested_by").table("operations");
        manager.drop_index(drop).await?;
        drop_columns(manager, "users", &["disabled_at"]).await
    }
}
