//! The instant of the facts that a transaction writes.
//!
//! It is never before the watermark of closed hours. So that the watermark does not pass it before it is committed, on
//! PostgreSQL both hold a lock: who writes facts shares it, who moves the watermark holds it alone. SQLite has one writer at
//! a time.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::HOUR_MS;
use crate::domain::{Clock, Result};

/// The first half of the lock's key; the second is the schema.
const LOCK: i32 = 1_414_877_771;

/// Shares the lock with others that write facts, and gives the instant of theirs, in milliseconds.
pub(super) async fn hold(
    clock: &Clock,
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<i64> {
    if db.get_database_backend() == DbBackend::Sqlite {
        return Ok(now.timestamp_millis());
    }
    let sql = format!(
        "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS millis \
         FROM (SELECT pg_advisory_xact_lock_shared({LOCK}, hashtext(current_schema())) OFFSET 0) AS held"
    );
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    match (clock, row) {
        (Clock::Database, Some(row)) => Ok(row.try_get("", "millis")?),
        _ => Ok(clock.now(db).await?.timestamp_millis()),
    }
}

/// The SQL that takes the lock alone, on PostgreSQL, and fails if that takes long.
pub(super) fn hold_alone() -> String {
    format!("SELECT pg_advisory_xact_lock({LOCK}, hashtext(current_schema()))")
}

/// The instant of the transaction's facts, which is the parameter `$1` or the watermark.
pub(super) fn moment() -> String {
    let closed = format!("closed_hour * {HOUR_MS}");
    format!("(SELECT CASE WHEN {closed} > $1 THEN {closed} ELSE $1 END AS ms FROM billing_state)")
}

/// Runs `sql`, in which `$1` is the instant and `$2` and so on are `ids`.
pub(super) async fn run(
    db: &impl ConnectionTrait,
    sql: &str,
    at_ms: i64,
    ids: &[&str],
) -> Result<()> {
    let mut values = vec![Value::from(at_ms)];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await?;
    Ok(())
}
