//! By what the cleanup finds snapshots, backups and volumes that are on their way somewhere.

use sea_orm_migration::prelude::*;

use crate::table::index;

const INDEXES: [(&str, &str); 3] = [
    ("snapshots", "status"),
    ("backups", "status"),
    ("volumes", "state"),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDEXES {
            let mut index = index(table, &[column]);
            manager
                .create_index(
                    index
                        .and_where(Expr::col("deleted_at").is_null())
                        .to_owned(),
                )
                .await?;
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
        Ok(())
    }
}
