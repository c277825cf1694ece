//! Which gateway does a task that one of them does, and until when.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, drop_all, instant, table, text};

const TABLE: &str = "leaders";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let task = text("task").primary_key().to_owned();
        let columns = vec![task, text("holder"), bytes("term"), instant("expires_at")];
        manager.create_table(table(TABLE, columns, &[])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &[TABLE]).await
    }
}
