//! How often callers whom nobody knows were refused: a row for each mutation and code.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, drop_all, instant, table, text};

const TABLE: &str = "refusal_counts";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut kind = text("kind");
        kind.primary_key();
        let columns = vec![kind, bytes("count"), instant("last_at")];
        manager.create_table(table(TABLE, columns, &[])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &[TABLE]).await
    }
}
