//! Whose turn it is: an agent takes work from the accounts in turn, not by age alone, and keeps one of its
//! places for what is quick.
//!
//! The account whose last turn was the longest ago comes first, with the oldest of its operations. So an
//! account waits for at most one operation of each other account, however many those have queued.

use chrono::TimeDelta;
use entity::{
    AccountId, HypervisorId, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    turn,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect,
    Statement, Value,
};

use crate::{
    app::App,
    domain::{Result, transaction::Transaction},
};

/// How long a turn is remembered. An account that has had none since is one that comes anew.
const MEMORY: TimeDelta = TimeDelta::days(1);

/// How much room an agent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For operations of any kind.
    pub places: u64,
    /// Of these, for backups and restores.
    pub long: u64,
}

impl Room {
    /// The room of an agent that has `free` places: of all its places one is kept for what is quick. An agent
    /// that has one place only keeps none.
    pub async fn of(app: &App, hypervisor: &hypervisor::Model, free: u64) -> Result<Self> {
        let held: Vec<String> = operation::Entity::find()
            .select_only()
            .column(operation::Column::Kind)
            .filter(operation::Column::HypervisorId.eq(hypervisor.id))
            .filter(operation::Column::Status.eq(OperationStatus::Started))
            .into_tuple()
            .all(app.database.reads())
            .await?;
        let is_long = |kind: &&String| {
            OperationKind::LONG
                .iter()
                .any(|long| long.to_value() == **kind)
        };
        let long = held.iter().filter(is_long).count();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let places = free.saturating_add(count(held.len()));
        let kept = u64::from(places > 1);
        Ok(Self {
            places: free,
            long: places
                .saturating_sub(kept)
                .saturating_sub(count(long))
                .min(free),
        })
    }
}

/// The id of the operation that the agent of `hypervisor` should start next, those in `passed_over` left out.
pub async fn next(
    app: &App,
    hypervisor: HypervisorId,
    room: Room,
    passed_over: &[String],
) -> Result<Option<String>> {
    let db = app.database.reads();
    let statement = statement(db.get_database_backend(), hypervisor, room, passed_over);
    let row = db.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// The query of [`next`]. It steps from account to account in the index, so what it reads is bounded by the
/// accounts that wait and not by how much each has queued.
fn statement(
    backend: DbBackend,
    hypervisor: HypervisorId,
    room: Room,
    passed_over: &[String],
) -> Statement {
    let waits = "o.status = 'pending' AND o.hypervisor_id = $1";
    let mut values: Vec<Value> = vec![hypervisor.into()];
    let mut fits = String::new();
    if room.long == 0 {
        let kinds = OperationKind::LONG
            .map(|kind| format!("'{}'", kind.to_value()))
            .join(", ");
        fits.extend([" AND o.kind NOT IN (", &kinds, ")"]);
    }
    if !passed_over.is_empty() {
        let places = (2..)
            .take(passed_over.len())
            .map(|place| format!("${place}"));
        let places = places.collect::<Vec<_>>().join(", ");
        fits.extend([" AND o.id NOT IN (", &places, ")"]);
        values.extend(passed_over.iter().map(|id| Value::from(id.as_str())));
    }
    let sql = format!(
        "WITH RECURSIVE waiting (account_id) AS (
            SELECT MIN(o.account_id) FROM operations o WHERE {waits}
            UNION ALL
            SELECT (SELECT MIN(o.account_id) FROM operations o
                    WHERE {waits} AND o.account_id > w.account_id)
            FROM waiting w WHERE w.account_id IS NOT NULL
        )
        SELECT oldest.id FROM (
            SELECT w.account_id, (SELECT MIN(o.id) FROM operations o
                WHERE {waits} AND o.account_id = w.account_id{fits}) AS id
            FROM waiting w WHERE w.account_id IS NOT NULL
        ) oldest
        LEFT JOIN turns t ON t.hypervisor_id = $1 AND t.account_id = oldest.account_id
        WHERE oldest.id IS NOT NULL
        ORDER BY COALESCE(t.turn, 0), oldest.id
        LIMIT 1"
    );
    Statement::from_sql_and_values(backend, sql, values)
}

/// The account has had its turn: all others come before it.
pub async fn take(
    tx: &Transaction<'_>,
    hypervisor: HypervisorId,
    account: AccountId,
) -> Result<()> {
    let sql = "INSERT INTO turns (hypervisor_id, account_id, turn, at)
        SELECT $1, $2, COALESCE(MAX(t.turn), 0) + 1, $3 FROM turns t WHERE t.hypervisor_id = $1
        ON CONFLICT (hypervisor_id, account_id) DO UPDATE SET turn = excluded.turn, at = excluded.at";
    let values = [hypervisor.into(), account.into(), tx.now().into()];
    let backend = tx.db().get_database_backend();
    let taken = Statement::from_sql_and_values(backend, sql, values);
    tx.db().execute_raw(taken).await?;
    Ok(())
}

/// Forgets turns that are long past.
pub async fn forget(app: &App) -> Result<()> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    turn::Entity::delete_many()
        .filter(turn::Column::At.lt(now - MEMORY))
        .exec(db)
        .await?;
    Ok(())
}
