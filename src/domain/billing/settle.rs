//! Writes the spans of what a transaction has changed: those that are true no more end, and others begin, all at one instant.

use chrono::{DateTime, Utc};
use entity::billing_item::BillingKind;
use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend};

use super::{
    Marks, measurement,
    moment::{hold, moment, run},
};
use crate::domain::{Clock, Result};

/// Writes the spans of what is marked, before the commit.
pub async fn settle(
    clock: &Clock,
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    marks: &Marks,
) -> Result<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let at_ms = hold(clock, db, now).await?;
    for kind in [
        BillingKind::Snapshot,
        BillingKind::Backup,
        BillingKind::Compute,
    ] {
        let ending = marks.to_end(kind);
        if !ending.is_empty() {
            run(db, &end(kind, ending.len()), at_ms, &ending).await?;
        }
        let beginning = marks.to_begin(kind);
        if !beginning.is_empty() {
            begin(db, kind, at_ms, &beginning).await?;
        }
    }
    for volume in marks.measured() {
        measurement::write(db, at_ms, volume).await?;
    }
    Ok(())
}

/// What there is to be paid for of `kind`, as the rows are now.
fn wanted(kind: BillingKind, ids: &str) -> String {
    match kind {
        BillingKind::Snapshot => format!(
            "SELECT s.id AS resource_id, s.account_id, s.volume_id, s.name, v.plan_id, \
                s.retained_bytes AS bytes, CAST(NULL AS TEXT) AS rate \
             FROM snapshots s JOIN volumes v ON v.id = s.volume_id \
             WHERE s.id IN ({ids}) AND s.status = 'available' AND s.deleted_at IS NULL"
        ),
        BillingKind::Backup => format!(
            "SELECT b.id AS resource_id, b.account_id, b.volume_id, b.name, b.plan_id, \
                b.volume_size_bytes AS bytes, CAST(NULL AS TEXT) AS rate \
             FROM backups b \
             WHERE b.id IN ({ids}) AND b.status = 'available' AND b.deleted_at IS NULL \
                AND (b.verified_ok IS NULL OR b.verified_ok)"
        ),
        BillingKind::Compute | BillingKind::Correction => format!(
            "SELECT i.id AS resource_id, i.account_id, CAST(NULL AS TEXT) AS volume_id, i.name, \
                CAST(NULL AS TEXT) AS plan_id, CAST(NULL AS BIGINT) AS bytes, i.credits_per_hour AS rate \
             FROM instances i \
             WHERE i.id IN ({ids}) AND i.status = 'running' AND i.deleted_at IS NULL"
        ),
    }
}

/// Ends the open spans that are true no more.
fn end(kind: BillingKind, count: usize) -> String {
    let ids = places(count);
    let (wanted, moment) = (wanted(kind, &ids), moment());
    format!(
        "UPDATE billing_spans \
         SET ended_ms = CASE WHEN began_ms > moment.ms THEN began_ms ELSE moment.ms END \
         FROM {moment} AS moment \
         WHERE ended_ms IS NULL \
            AND item IN (SELECT number FROM billing_items WHERE resource_id IN ({ids})) \
            AND NOT EXISTS ( \
                SELECT 1 FROM ({wanted}) AS wanted \
                JOIN billing_items ON billing_items.resource_id = wanted.resource_id \
                WHERE billing_items.number = billing_spans.item \
                    AND wanted.plan_id IS NOT DISTINCT FROM billing_spans.plan_id \
                    AND wanted.bytes IS NOT DISTINCT FROM billing_spans.bytes \
                    AND wanted.rate IS NOT DISTINCT FROM billing_spans.rate)"
    )
}

/// Begins spans of what is to be paid for and has none that is open. What was never billed before gets its number.
async fn begin(
    db: &impl ConnectionTrait,
    kind: BillingKind,
    at_ms: i64,
    ids: &[&str],
) -> Result<()> {
    let places = places(ids.len());
    let (wanted, moment) = (wanted(kind, &places), moment());
    let name = kind.to_value();
    let number = format!(
        "INSERT INTO billing_items (resource_id, kind, account_id, volume_id, name) \
         SELECT resource_id, '{name}', account_id, volume_id, name FROM ({wanted}) AS wanted WHERE true \
         ON CONFLICT (resource_id) DO NOTHING"
    );
    let known =
        format!("SELECT number, resource_id FROM billing_items WHERE resource_id IN ({places})");
    let span = |known: &str| {
        format!(
            "INSERT INTO billing_spans (item, seq, plan_id, bytes, rate, began_ms) \
             SELECT known.number, COALESCE(last.seq, 0) + 1, wanted.plan_id, wanted.bytes, wanted.rate, \
                CASE WHEN last.ended_ms > moment.ms THEN last.ended_ms ELSE moment.ms END \
             FROM ({wanted}) AS wanted \
             JOIN ({known}) AS known ON known.resource_id = wanted.resource_id \
             CROSS JOIN {moment} AS moment \
             LEFT JOIN billing_spans AS last ON last.item = known.number \
                AND last.seq = (SELECT MAX(seq) FROM billing_spans WHERE item = known.number) \
             WHERE last.item IS NULL OR last.ended_ms IS NOT NULL"
        )
    };
    if db.get_database_backend() == DbBackend::Sqlite {
        run(db, &number, at_ms, ids).await?;
        return run(db, &span(&known), at_ms, ids).await;
    }
    let both = format!("SELECT number, resource_id FROM made UNION ALL {known}");
    let sql = format!(
        "WITH made AS ({number} RETURNING number, resource_id) {}",
        span(&both)
    );
    run(db, &sql, at_ms, ids).await
}

/// The parameters `$2` and so on, for so many ids.
fn places(count: usize) -> String {
    let places: Vec<String> = (2..count + 2).map(|at| format!("${at}")).collect();
    places.join(", ")
}
