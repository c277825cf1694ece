//! When accounts, instances and parts of the platform were deleted: history goes on to name them. And by what
//! volumes, backups and instances are found that still use something.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, index, instant_null};

const COLUMN: &str = "deleted_at";
const TABLES: [&str; 7] = [
    "accounts",
    "instances",
    "volume_plans",
    "hypervisor_groups",
    "hypervisors",
    "storage_pools",
    "backup_storages",
];
const INDEXES: [(&str, &str); 8] = [
    ("volumes", "plan_id"),
    ("volumes", "group_id"),
    ("volumes", "pool_id"),
    ("volumes", "hypervisor_id"),
    ("backups", "plan_id"),
    ("backups", "group_id"),
    ("backups", "hypervisor_id"),
    ("instances", "hypervisor_id"),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            add_columns(manager, table, vec![instant_null(COLUMN)]).await?;
        }
        for (table, column) in INDEXES {
            manager.create_index(index(table, &[column])).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDEXES {
            let index = Index::drop()
                .name(format!("{table}_{column}"))
                .table(table)
                .to_owned();
            manager.drop_index(index).await?;
        }
        for table in TABLES {
            drop_columns(manager, table, &[COLUMN]).await?;
        }
        Ok(())
    }
}
