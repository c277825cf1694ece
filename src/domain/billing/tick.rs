//! The tick: moves the watermark of closed hours. It reads no account, never goes back, and twice or late is as once.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement, Value};

use super::{HOUR_MS, moment};
use crate::{app::App, domain::Result};

/// How long it waits for those that write facts, before it lets them go first: they wait for it, too.
const PATIENCE: &str = "SET LOCAL lock_timeout = '40ms'";
/// What PostgreSQL says of a lock that was not had in time.
const NOT_HAD: &str = "lock timeout";

/// Closes the hours that ended `app.settings.close_after` ago. Whether there were any.
pub async fn tick(app: &App) -> Result<bool> {
    let closed = entity::billing_state::Entity::find_by_id(1)
        .one(app.database.reads())
        .await?;
    let closed = closed.map_or(0, |state| state.closed_hour);
    let now = app.clock.now(app.database.reads()).await?;
    if due(app, now) <= closed {
        return Ok(false);
    }
    let tx = app.database.begin().await?;
    let db = &*tx;
    let backend = db.get_database_backend();
    if backend == DbBackend::Postgres {
        db.execute_unprepared(PATIENCE).await?;
        match db.execute_unprepared(&moment::hold_alone()).await {
            Ok(_) => {}
            Err(error) if error.to_string().contains(NOT_HAD) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    // By the clock as it is once the lock is had.
    let hour = due(app, app.clock.now(db).await?);
    let sql = "UPDATE billing_state SET closed_hour = $1 WHERE closed_hour < $1";
    let moved = db
        .execute_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [Value::from(hour)],
        ))
        .await?;
    tx.commit().await?;
    Ok(moved.rows_affected() > 0)
}

/// The first hour that is not to be closed yet.
fn due(app: &App, now: chrono::DateTime<chrono::Utc>) -> i64 {
    let after = TimeDelta::from_std(app.settings.close_after).unwrap_or(TimeDelta::MAX);
    let ended = now.checked_sub_signed(after).unwrap_or_default();
    ended.timestamp_millis().div_euclid(HOUR_MS)
}
