//! What bills are computed from: the spans of items and instances, the versions of rates, and up to where hours are closed.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::table::{bytes, bytes_null, drop_all, index, table, text, text_null};

const TABLES: [&str; 4] = [
    "billing_state",
    "billing_items",
    "billing_spans",
    "billing_rates",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let one = bytes("id").primary_key().to_owned();
        let state = table(TABLES[0], vec![one, bytes("closed_hour")], &[]);
        manager.create_table(state).await?;

        let number = bytes("number").auto_increment().primary_key().to_owned();
        let items = vec![
            number,
            text("resource_id").unique_key().to_owned(),
            text("kind"),
            text("account_id"),
            text_null("volume_id"),
            text("name"),
        ];
        manager
            .create_table(table(TABLES[1], items, &[("account_id", "accounts")]))
            .await?;
        manager
            .create_index(index(TABLES[1], &["account_id", "number"]))
            .await?;

        let spans = vec![
            bytes("item"),
            bytes("seq"),
            text_null("plan_id"),
            bytes_null("bytes"),
            text_null("rate"),
            bytes("began_ms"),
            bytes_null("ended_ms"),
        ];
        let mut spans = table(TABLES[2], spans, &[]);
        let key = Index::create().col("item").col("seq").to_owned();
        manager
            .create_table(spans.primary_key(&mut key.clone()).to_owned())
            .await?;
        let mut open = index(TABLES[2], &["item"]);
        let open = open
            .unique()
            .and_where(Expr::col("ended_ms").is_null())
            .to_owned();
        manager.create_index(open).await?;

        let rates = vec![
            bytes("seq").auto_increment().primary_key().to_owned(),
            text("plan_id"),
            text("kind"),
            text("credits"),
            bytes("from_hour"),
        ];
        manager
            .create_table(table(TABLES[3], rates, &[("plan_id", "volume_plans")]))
            .await?;
        manager
            .create_index(index(TABLES[3], &["plan_id", "kind", "from_hour"]))
            .await?;
        fill(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}

/// What is there is billed from this instant on, and at the rates of now.
async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let now = match manager.get_database_backend() {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        _ => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    };
    let sound_backup = "b.status = 'available' AND b.deleted_at IS NULL \
                        AND (b.verified_ok IS NULL OR b.verified_ok)";
    let sound_snapshot = "s.status = 'available' AND s.deleted_at IS NULL";
    let running = "i.status = 'running' AND i.deleted_at IS NULL";
    let statements = [
        "INSERT INTO billing_state (id, closed_hour) VALUES (1, 0)".to_owned(),
        "INSERT INTO billing_rates (plan_id, kind, credits, from_hour) \
         SELECT id, 'snapshot', snapshot_credit_value, 0 FROM volume_plans"
            .to_owned(),
        "INSERT INTO billing_rates (plan_id, kind, credits, from_hour) \
         SELECT id, 'backup', backup_credit_value, 0 FROM volume_plans"
            .to_owned(),
        format!(
            "INSERT INTO billing_items (resource_id, kind, account_id, volume_id, name) \
             SELECT s.id, 'snapshot', s.account_id, s.volume_id, s.name FROM snapshots s WHERE {sound_snapshot}"
        ),
        format!(
            "INSERT INTO billing_items (resource_id, kind, account_id, volume_id, name) \
             SELECT b.id, 'backup', b.account_id, b.volume_id, b.name FROM backups b WHERE {sound_backup}"
        ),
        format!(
            "INSERT INTO billing_items (resource_id, kind, account_id, name) \
             SELECT i.id, 'compute', i.account_id, i.name FROM instances i WHERE {running}"
        ),
        format!(
            "INSERT INTO billing_spans (item, seq, plan_id, bytes, began_ms) \
             SELECT billing_items.number, 1, v.plan_id, s.retained_bytes, {now} FROM snapshots s \
             JOIN volumes v ON v.id = s.volume_id \
             JOIN billing_items ON billing_items.resource_id = s.id"
        ),
        format!(
            "INSERT INTO billing_spans (item, seq, plan_id, bytes, began_ms) \
             SELECT billing_items.number, 1, b.plan_id, b.volume_size_bytes, {now} FROM backups b \
             JOIN billing_items ON billing_items.resource_id = b.id"
        ),
        format!(
            "INSERT INTO billing_spans (item, seq, rate, began_ms) \
             SELECT billing_items.number, 1, i.credits_per_hour, {now} FROM instances i \
             JOIN billing_items ON billing_items.resource_id = i.id"
        ),
    ];
    for statement in statements {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
