//! What an agent has acknowledged: offers of an operation that it has not, attempts that it has, and numbered lines
//! of a log, which are kept once however often they are sent.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, bytes_null, count, drop_columns};

const OPERATIONS: &str = "operations";
const LOGS: &str = "operation_logs";
const NUMBERED: &str = "operation_logs_operation_id_epoch_number";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let offers = count("offers").default(0).to_owned();
        let attempts = count("attempts").default(0).to_owned();
        add_columns(manager, OPERATIONS, vec![offers, attempts]).await?;
        // What an agent holds now, it has acknowledged.
        let held = "UPDATE operations SET attempts = epoch WHERE status = 'started'";
        manager.get_connection().execute_unprepared(held).await?;
        let mut epoch = ColumnDef::new("epoch");
        epoch.integer();
        add_columns(manager, LOGS, vec![epoch, bytes_null("number")]).await?;
        let numbered = Index::create()
            .name(NUMBERED)
            .table(LOGS)
            .col("operation_id")
            .col("epoch")
            .col("number")
            .unique()
            .to_owned();
        manager.create_index(numbered).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let numbered = Index::drop().name(NUMBERED).table(LOGS).to_owned();
        manager.drop_index(numbered).await?;
        drop_columns(manager, LOGS, &["epoch", "number"]).await?;
        drop_columns(manager, OPERATIONS, &["offers", "attempts"]).await
    }
}
