//! The one source of instants: the database's clock, so that all gateways agree.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryResult, Statement,
    sea_query::{Expr, Query, SelectStatement},
};

/// What the column is called that an instant is read from.
const MILLIS: &str = "millis";

/// Where instants come from. They have whole milliseconds.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The database's own clock. SQLite's is its host's.
    Database,
    /// A clock that stands still until it is moved: for tests.
    Manual(ManualClock),
}

impl Clock {
    /// The instant now.
    pub async fn now(&self, db: &impl ConnectionTrait) -> Result<DateTime<Utc>, DbErr> {
        match self {
            Self::Manual(clock) => Ok(clock.now()),
            Self::Database => {
                let backend = db.get_database_backend();
                let sql = format!("SELECT {} AS {MILLIS}", millis(backend));
                let row = db
                    .query_one_raw(Statement::from_string(backend, sql))
                    .await?
                    .ok_or_else(|| DbErr::RecordNotFound("the clock gave no row".to_owned()))?;
                read(&row, MILLIS)
            }
        }
    }

    /// For how long the database's server has been there; none of what is no server.
    pub async fn up_for(&self, db: &impl ConnectionTrait) -> Result<Option<Duration>, DbErr> {
        if matches!(self, Self::Manual(_)) || db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp() - pg_postmaster_start_time()) * 1000 \
                   AS BIGINT) AS millis";
        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await?;
        let millis: Option<i64> = row.map(|row| row.try_get("", MILLIS)).transpose()?;
        // Its clock may have been set back since it began.
        Ok(millis.map(|millis| Duration::from_millis(millis.try_into().unwrap_or(0))))
    }

    /// The instant at which the first of `rows` was there, and locked if they are to be; none where there is no row.
    pub async fn once_there(
        &self,
        db: &impl ConnectionTrait,
        rows: SelectStatement,
    ) -> Result<Option<DateTime<Utc>>, DbErr> {
        let statement = Query::select()
            .expr_as(Self::column(db.get_database_backend()), MILLIS)
            .from_subquery(rows, "there")
            .to_owned();
        let row = db.query_one(&statement).await?;
        row.map(|row| self.of(&row, MILLIS)).transpose()
    }

    /// The instant now without asking the database, where so long ago it was `then`.
    pub fn later(&self, then: DateTime<Utc>, elapsed: Duration) -> DateTime<Utc> {
        match self {
            Self::Manual(clock) => clock.now(),
            Self::Database => TimeDelta::from_std(elapsed)
                .ok()
                .and_then(|elapsed| then.checked_add_signed(elapsed))
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }
}

/// The milliseconds of now, in SQL.
fn millis(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        _ => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

/// An instant in SQL, as the database keeps instants.
fn literal(backend: DbBackend, at: DateTime<Utc>) -> String {
    let at = at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    match backend {
        DbBackend::Sqlite => format!("'{at}'"),
        _ => format!("TIMESTAMPTZ '{at}'"),
    }
}

fn read(row: &QueryResult, name: &str) -> Result<DateTime<Utc>, DbErr> {
    let millis: i64 = row.try_get("", name)?;
    DateTime::from_timestamp_millis(millis)
        .ok_or_else(|| DbErr::Type(format!("the clock is out of range: {millis}")))
}

impl Clock {
    /// The instant that lies `ahead` of now, in SQL, as the database keeps instants. What one statement compares and
    /// writes by it is not older than the statement.
    pub fn sql(&self, backend: DbBackend, ahead: Duration) -> String {
        match (self, backend) {
            (Self::Manual(clock), _) => literal(backend, clock.now() + ahead),
            (Self::Database, DbBackend::Sqlite) => format!(
                "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '+{} seconds')",
                ahead.as_secs_f64()
            ),
            (Self::Database, _) => format!(
                "date_trunc('milliseconds', clock_timestamp()) + INTERVAL '{} milliseconds'",
                ahead.as_millis()
            ),
        }
    }

    /// The instant that lay `ago` before the statement which asks, in SQL: by an index it finds what is older.
    pub fn sql_before(&self, backend: DbBackend, ago: Duration) -> String {
        match (self, backend) {
            (Self::Manual(clock), _) => {
                let ago = TimeDelta::from_std(ago).unwrap_or(TimeDelta::MAX);
                let at = clock.now().checked_sub_signed(ago).unwrap_or_default();
                literal(backend, at)
            }
            (Self::Database, DbBackend::Sqlite) => format!(
                "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-{} seconds')",
                ago.as_secs_f64()
            ),
            (Self::Database, _) => format!(
                "statement_timestamp() - INTERVAL '{} milliseconds'",
                ago.as_millis()
            ),
        }
    }

    /// The SQL of what [`Self::of`] reads from a row: the instant now.
    pub fn column(backend: DbBackend) -> Expr {
        Expr::cust(millis(backend))
    }

    /// The instant that stands in a row's column `name`, which is [`Self::column`].
    pub fn of(&self, row: &QueryResult, name: &str) -> Result<DateTime<Utc>, DbErr> {
        match self {
            Self::Manual(clock) => Ok(clock.now()),
            Self::Database => read(row, name),
        }
    }
}

/// A clock that stands still until it is moved. Clones share their hands.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<DateTime<Utc>>>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// What it shows.
    pub fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it, forwards or back.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}
