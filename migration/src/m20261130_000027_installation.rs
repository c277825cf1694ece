//! What this database is one of: the installation, by which its pools, destinations and backups are known.

use sea_orm_migration::prelude::*;

use crate::table::{drop_all, flag, id, instant, table};

const TABLE: &str = "installation";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Always true: of two gateways that start at once, one makes the row.
        let mut singleton = flag("singleton");
        singleton.unique_key();
        let columns = vec![id(), singleton, instant("created_at")];
        manager.create_table(table(TABLE, columns, &[])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &[TABLE]).await
    }
}
