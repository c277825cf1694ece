//! How many volumes an account may have, and of how many bytes in all.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, bytes_null, drop_columns, index};

const TABLE: &str = "accounts";
const LIMIT: &str = "volume_limit";
const BYTES_LIMIT: &str = "volume_bytes_limit";
const COUNTED: [&str; 3] = ["account_id", "deleted_at", "size_bytes"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut limit = ColumnDef::new(LIMIT);
        limit.integer();
        add_columns(manager, TABLE, vec![limit, bytes_null(BYTES_LIMIT)]).await?;
        // What an account has is counted and summed without reading the volumes themselves.
        manager.create_index(index("volumes", &COUNTED)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop()
            .name(format!("volumes_{}", COUNTED.join("_")))
            .table("volumes")
            .to_owned();
        manager.drop_index(index).await?;
        drop_columns(manager, TABLE, &[BYTES_LIMIT, LIMIT]).await
    }
}
