//! Whose turn it is: an agent takes work from the accounts in turn, not by age alone, and keeps one of its
//! places for what is quick.
//!
//! The account whose last turn was the longest ago comes first, with the oldest of its operations. So an
//! account waits for at most one operation of each other account, however many those have queued.

use chrono::TimeDelta;
use entity::{
    AccountId, HypervisorId, operation,
    operation::{OperationKind, OperationStatus},
    turn,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};

use crate::{
    app::App,
    domain::{Result, transaction::Transaction},
};

/// The most operations that one claim takes.
pub const MAX_LIMIT: u64 = 100;
/// How long a turn is remembered. An account that has had none since is one that comes anew.
const MEMORY: TimeDelta = TimeDelta::days(1);

/// An operation that an agent works on.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Held {
    /// Its id, as it is kept.
    pub id: String,
    /// What it does, as it is kept.
    pub kind: String,
    /// The agent has said no word of it since it was given to it.
    pub is_unanswered: bool,
}

/// What the agent of `hypervisor` works on, or was given and never heard of, in the order of the ids.
pub async fn held(app: &App, hypervisor: HypervisorId) -> Result<Vec<Held>> {
    let held = operation::Entity::find()
        .select_only()
        .columns([operation::Column::Id, operation::Column::Kind])
        .column_as(operation::Column::Offers.gt(0), "is_unanswered")
        .filter(operation::Column::HypervisorId.eq(hypervisor))
        .filter(operation::Column::Status.eq(OperationStatus::Started))
        .order_by_asc(operation::Column::Id)
        .into_model()
        .all(app.database.reads())
        .await?;
    Ok(held)
}

/// How much room an agent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For operations of any kind.
    pub places: u64,
    /// Of these, for backups and restores.
    pub long: u64,
}

impl Room {
    /// The room of an agent that has `free` places and works on what is `held`: of all its places one is kept for what is
    /// quick. An agent that has one place only keeps none.
    pub fn of(held: &[Held], free: u64) -> Self {
        let long = held.iter().filter(|held| is_long(&held.kind)).count();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let places = free.saturating_add(count(held.len()));
        let kept = u64::from(places > 1);
        let long = places.saturating_sub(kept).saturating_sub(count(long));
        Self {
            places: free,
            long: Ord::min(long, free),
        }
    }
}

/// Whether what is kept as `kind` moves a volume's content.
fn is_long(kind: &str) -> bool {
    let mut long = OperationKind::LONG.iter();
    long.any(|long| long.to_value() == kind)
}

/// An operation whose turn it is.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Candidate {
    /// Its id, as it is kept.
    pub id: String,
    /// What it does, as it is kept.
    pub kind: String,
    /// Its account has others that wait.
    pub has_more: bool,
}

impl Candidate {
    /// Whether it moves a volume's content.
    pub fn is_long(&self) -> bool {
        is_long(&self.kind)
    }
}

/// What the agent of `hypervisor` should start next, those in `passed_over` left out: of each account that waits the
/// oldest, in the order of their turns.
pub async fn next(
    app: &App,
    hypervisor: HypervisorId,
    room: Room,
    passed_over: &[String],
) -> Result<Vec<Candidate>> {
    let db = app.database.reads();
    let statement = statement(db.get_database_backend(), hypervisor, room, passed_over);
    Ok(Candidate::find_by_statement(statement).all(db).await?)
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
        SELECT n.id, n.kind, EXISTS (SELECT 1 FROM operations o
            WHERE {waits} AND o.account_id = oldest.account_id AND o.id > oldest.id{fits}) AS has_more
        FROM (
            SELECT w.account_id, (SELECT MIN(o.id) FROM operations o
                WHERE {waits} AND o.account_id = w.account_id{fits}) AS id
            FROM waiting w WHERE w.account_id IS NOT NULL
        ) oldest
        JOIN operations n ON n.id = oldest.id
        LEFT JOIN turns t ON t.hypervisor_id = $1 AND t.account_id = oldest.account_id
        ORDER BY COALESCE(t.turn, 0), oldest.id
        LIMIT {MAX_LIMIT}"
    );
    Statement::from_sql_and_values(backend, sql, values)
}

/// These accounts have had their turns, in this order: all others come before them. None stands there twice.
pub async fn take(
    tx: &Transaction<'_>,
    hypervisor: HypervisorId,
    accounts: &[AccountId],
) -> Result<()> {
    let backend = tx.db().get_database_backend();
    let (taking, values) = if backend == DbBackend::Sqlite {
        let rows = (0..accounts.len()).map(|at| format!("(${}, {})", at + 3, at + 1));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let accounts = accounts.iter().copied().map(Value::from).collect();
        let rows = format!("SELECT column1 AS account, column2 AS place FROM (VALUES {rows})");
        (format!("({rows}) AS one"), accounts)
    } else {
        let accounts = accounts.iter().map(ToString::to_string);
        let accounts = accounts.collect::<Vec<_>>().join(",");
        let taking = "unnest(string_to_array($3, ',')) WITH ORDINALITY AS one (account, place)";
        (taking.to_owned(), vec![Value::from(accounts)])
    };
    let sql = format!(
        "INSERT INTO turns (hypervisor_id, account_id, turn, at)
        SELECT $1, one.account,
            COALESCE((SELECT MAX(t.turn) FROM turns t WHERE t.hypervisor_id = $1), 0) + one.place, $2
        FROM {taking} WHERE true
        ON CONFLICT (hypervisor_id, account_id) DO UPDATE SET turn = excluded.turn, at = excluded.at"
    );
    let mut all = vec![hypervisor.into(), tx.now().into()];
    all.extend::<Vec<Value>>(values);
    let taken = Statement::from_sql_and_values(backend, sql, all);
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
