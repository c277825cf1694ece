//! What throttles of sign-in have counted: a fixed number of rows, each for all that is hashed to it.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, count, drop_all, table};

const TABLE: &str = "sign_in_counters";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut id = count("id");
        id.primary_key();
        let columns = vec![id, bytes("until_ms")];
        manager.create_table(table(TABLE, columns, &[])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &[TABLE]).await
    }
}
