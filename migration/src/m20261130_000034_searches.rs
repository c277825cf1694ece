//! What searches for backups and operations compare: names composed and without their case. And by what the queue is
//! looked through: hosts and times.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::table::{add_columns, drop_columns, index, text};

/// The columns, and the names that they are made of.
const COLUMNS: [(&str, &str, &str); 3] = [
    ("backups", "search_name", "name"),
    ("backups", "search_volume_name", "volume_name"),
    ("operations", "search_subject", "subject_name"),
];
const INDEXES: [(&str, &[&str]); 3] = [
    ("operations", &["hypervisor_id", "id"]),
    ("operations", &["created_at"]),
    ("backups", &["created_at"]),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, name) in COLUMNS {
            add_columns(manager, table, vec![text(column).default("").to_owned()]).await?;
            // The gateway writes it from now on. What is there already is found by this.
            let lower = Query::update()
                .table(table)
                .value(column, Func::lower(Expr::col(name)))
                .to_owned();
            manager.get_connection().execute(&lower).await?;
        }
        for (table, columns) in INDEXES {
            manager.create_index(index(table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            let index = Index::drop()
                .name(format!("{table}_{}", columns.join("_")))
                .table(table)
                .to_owned();
            manager.drop_index(index).await?;
        }
        for (table, column, _) in COLUMNS {
            drop_columns(manager, table, &[column]).await?;
        }
        Ok(())
    }
}
