//! By what records are found that end: keys, tokens, audit events, operations, and what was deleted long ago.

use sea_orm_migration::prelude::*;

use crate::table::index;

/// The instants by which records end. Most rows have none yet in those that may be null.
const INSTANTS: [(&str, &str); 8] = [
    ("idempotency_keys", "created_at"),
    ("audit_events", "at"),
    ("tokens", "expires_at"),
    ("tokens", "revoked_at"),
    ("operations", "finished_at"),
    ("snapshots", "deleted_at"),
    ("backups", "deleted_at"),
    ("volumes", "deleted_at"),
];
/// What still refers to an operation.
const REFERENCES: [(&str, &str); 2] = [("snapshots", "operation_id"), ("backups", "operation_id")];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INSTANTS {
            let mut index = index(table, &[column]);
            manager
                .create_index(index.and_where(Expr::col(column).is_not_null()).to_owned())
                .await?;
        }
        for (table, column) in REFERENCES {
            manager.create_index(index(table, &[column])).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in REFERENCES.into_iter().chain(INSTANTS) {
            let index = Index::drop()
                .name(format!("{table}_{column}"))
                .table(table)
                .to_owned();
            manager.drop_index(index).await?;
        }
        Ok(())
    }
}
