//! The audit trail, and the counters that order events.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, drop_all, id, index, instant, table, text, text_null};

const TABLES: &[&str] = &["audit_events", "sequences"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "audit_events",
                vec![
                    id(),
                    instant("at"),
                    text_null("account_id"),
                    text("actor"),
                    text("mutation"),
                    text("resource_ids"),
                    text_null("remote"),
                    text_null("request_id"),
                    text("outcome"),
                ],
                &[("account_id", "accounts")],
            ))
            .await?;
        manager
            .create_index(index("audit_events", &["account_id", "id"]))
            .await?;
        manager
            .create_table(table(
                "sequences",
                vec![text("name").primary_key().to_owned(), bytes("value")],
                &[],
            ))
            .await?;
        let first = Query::insert()
            .into_table("sequences")
            .columns(["name", "value"])
            .values_panic(["operation_events".into(), 0.into()])
            .to_owned();
        manager.execute(first).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, TABLES).await
    }
}
