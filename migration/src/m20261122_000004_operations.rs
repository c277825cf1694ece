//! The queue: operations, their timeline, their logs, and the keys that make requests repeatable.

use sea_orm_migration::prelude::*;

use crate::table::{
    bytes, bytes_null, count, drop_all, flag, id, index, instant, instant_null, table, text,
    text_null,
};

/// An operator may set a status by hand: a word that the gateway does not know is refused.
fn status() -> ColumnDef {
    let mut column = text("status");
    column.check(Expr::col("status").is_in([
        "pending",
        "started",
        "completed",
        "failed",
        "cancelled",
    ]));
    column
}

/// The order of all events, as handed out by the sequence `operation_events`.
fn seq() -> ColumnDef {
    let mut column = bytes("seq");
    column.primary_key();
    column
}

fn serial() -> ColumnDef {
    let mut column = bytes("id");
    column.primary_key().auto_increment();
    column
}

const TABLES: &[&str] = &[
    "operations",
    "operation_events",
    "operation_logs",
    "idempotency_keys",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "operations",
                vec![
                    id(),
                    text("kind"),
                    status(),
                    text("account_id"),
                    text("volume_id"),
                    text_null("snapshot_id"),
                    text_null("backup_id"),
                    text_null("target_volume_id"),
                    text("hypervisor_id"),
                    text_null("requested_by"),
                    count("epoch"),
                    instant_null("lease_expires_at"),
                    instant_null("cancel_requested_at"),
                    flag("volume_touched"),
                    text("phase"),
                    bytes("bytes_done"),
                    bytes("bytes_total"),
                    bytes_null("bytes_per_second"),
                    instant_null("progressed_at"),
                    text_null("error_code"),
                    text_null("error_message"),
                    instant("created_at"),
                    instant_null("started_at"),
                    instant_null("finished_at"),
                ],
                &[
                    ("account_id", "accounts"),
                    ("volume_id", "volumes"),
                    ("target_volume_id", "volumes"),
                    ("snapshot_id", "snapshots"),
                    ("backup_id", "backups"),
                    ("hypervisor_id", "hypervisors"),
                    ("requested_by", "users"),
                ],
            ))
            .await?;
        manager
            .create_index(index("operations", &["account_id", "id"]))
            .await?;
        manager
            .create_index(index("operations", &["volume_id", "id"]))
            .await?;
        manager
            .create_index(index("operations", &["target_volume_id"]))
            .await?;
        manager
            .create_index(index("operations", &["snapshot_id"]))
            .await?;
        manager
            .create_index(index("operations", &["backup_id"]))
            .await?;
        manager
            .create_index(index("operations", &["status", "hypervisor_id"]))
            .await?;
        manager
            .create_index(index("operations", &["account_id", "status"]))
            .await?;
        manager
            .create_table(table(
                "operation_events",
                vec![
                    seq(),
                    text("operation_id"),
                    text("account_id"),
                    text("kind"),
                    text_null("actor"),
                    text_null("message"),
                    instant("at"),
                ],
                &[("operation_id", "operations"), ("account_id", "accounts")],
            ))
            .await?;
        manager
            .create_index(index("operation_events", &["operation_id", "seq"]))
            .await?;
        manager
            .create_index(index("operation_events", &["account_id", "seq"]))
            .await?;
        manager
            .create_table(table(
                "operation_logs",
                vec![
                    serial(),
                    text("operation_id"),
                    instant("at"),
                    text("level"),
                    text("message"),
                    flag("public"),
                ],
                &[("operation_id", "operations")],
            ))
            .await?;
        manager
            .create_index(index("operation_logs", &["operation_id", "id"]))
            .await?;
        manager
            .create_table(
                table(
                    "idempotency_keys",
                    vec![
                        text("account_id"),
                        text("key"),
                        text("input_hash"),
                        text("operation_id"),
                        instant("created_at"),
                    ],
                    &[("account_id", "accounts")],
                )
                .primary_key(Index::create().col("account_id").col("key"))
                .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, TABLES).await
    }
}
