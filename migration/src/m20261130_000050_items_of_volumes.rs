//! Lists under a row are read from that row's side, with the account beside it: SQLite has no statistics, and would rather
//! read all that the account has.

use sea_orm_migration::prelude::*;

use crate::table::index;

/// The tables, the columns that were in the index, and those that are.
const INDEXES: [(&str, &[&str], &[&str]); 5] = [
    (
        "snapshots",
        &["volume_id", "id"],
        &["volume_id", "account_id", "id"],
    ),
    (
        "backups",
        &["volume_id", "id"],
        &["volume_id", "account_id", "id"],
    ),
    (
        "operations",
        &["volume_id", "id"],
        &["volume_id", "account_id", "id"],
    ),
    (
        "operations",
        &["target_volume_id"],
        &["target_volume_id", "account_id", "id"],
    ),
    (
        "operation_events",
        &["operation_id", "seq"],
        &["operation_id", "account_id", "seq"],
    ),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, former, latter) in INDEXES {
            replace(manager, table, former, latter).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, former, latter) in INDEXES {
            replace(manager, table, latter, former).await?;
        }
        Ok(())
    }
}

async fn replace(
    manager: &SchemaManager<'_>,
    table: &'static str,
    former: &'static [&'static str],
    latter: &'static [&'static str],
) -> Result<(), DbErr> {
    manager.create_index(index(table, latter)).await?;
    let dropped = Index::drop()
        .name(format!("{table}_{}", former.join("_")))
        .table(table)
        .to_owned();
    manager.drop_index(dropped).await
}
