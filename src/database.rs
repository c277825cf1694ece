//! The database: SQLite in WAL mode by default, PostgreSQL by URL; one interface over both.
//!
//! Callers have their shares of it. A quarter of the connections is kept for agents, and an eighth is all
//! that strangers get. Where SQLite has a single connection that writes, an agent waits for at most one
//! other caller before it.

mod apart;
mod lane;

use std::{ops::Deref, sync::Arc, time::Duration};

use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, metric,
    sqlx::postgres::PgConnectOptions,
};
use tokio::sync::Semaphore;

use self::lane::Passage;

pub use self::{apart::Apart, lane::Lane};
use crate::metrics::Pool;

/// How long a connection to a server was not used that is asked whether it is still there before it is used again.
const IDLE: Duration = Duration::from_secs(1);

/// Connections for reading and for writing.
///
/// SQLite has one writer at a time: its writes queue for the one connection that writes, instead
/// of failing each other with `SQLITE_BUSY`. PostgreSQL uses one pool for both.
#[derive(Clone, Debug)]
pub struct Database {
    reads: Lane,
    writes: Lane,
    apart: Apart,
    gates: Arc<Gates>,
}

/// Whose share of the database a caller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// Those of agents: connections are always left for them.
    Agents,
    /// Those of users, and of the gateway's own work.
    Users,
    /// Those of callers that nobody knows yet: few of those of users.
    Strangers,
    /// Those of callers who show a secret for the first time, until it is known whose it is. As few, but
    /// others: a flood of sign-ins must not keep an agent out.
    Newcomers,
}

/// How many of each share go to the database at once.
#[derive(Debug)]
struct Gates {
    reads: Gate,
    writes: Gate,
}

/// How many of each share go to one pool at once.
#[derive(Clone, Debug)]
struct Gate {
    users: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    newcomers: Arc<Semaphore>,
}

impl Gate {
    /// The gate to a pool of so many connections.
    fn to(connections: u32) -> Self {
        let kept = (connections / 4).max(1);
        let permits = |count: u32| {
            let count = usize::try_from(count.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            users: permits(connections.saturating_sub(kept)),
            strangers: permits(connections / 8),
            newcomers: permits(connections / 8),
        }
    }

    fn lane(&self, pool: &DatabaseConnection, share: Share) -> Lane {
        let gates: &[&Arc<Semaphore>] = match share {
            Share::Agents => &[],
            Share::Users => &[&self.users],
            Share::Strangers => &[&self.strangers, &self.users],
            Share::Newcomers => &[&self.newcomers, &self.users],
        };
        Lane::new(pool.clone(), gates)
    }
}

/// A transaction that was begun. Dropped, it changes nothing.
#[derive(Debug)]
pub struct Begun {
    inner: DatabaseTransaction,
    _passage: Passage,
}

impl Begun {
    /// Keeps what it changed.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }
}

impl Deref for Begun {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

impl Database {
    /// Opens `url`: `sqlite://PATH` (made when it is not there) or `postgres://…`. It is the users' share. A connection is
    /// opened when it is needed.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, DbErr> {
        Self::open(url, max_connections, 0).await
    }

    /// The same, with all connections open from the beginning, and kept: nobody waits for one to be opened.
    pub async fn connect_at_once(url: &str, max_connections: u32) -> Result<Self, DbErr> {
        Self::open(url, max_connections, max_connections).await
    }

    async fn open(url: &str, max_connections: u32, kept: u32) -> Result<Self, DbErr> {
        if url.starts_with("sqlite:") {
            let writes = sea_orm::Database::connect(sqlite(url, 1, 1)).await?;
            let reads = sea_orm::Database::connect(sqlite(url, max_connections, kept)).await?;
            let gates = Gates {
                reads: Gate::to(max_connections),
                writes: Gate::to(1),
            };
            // The one that writes: a further one would be refused while that one does.
            let apart = Apart::shared(Lane::new(writes.clone(), &[]));
            Ok(Self::of(
                &reads,
                &writes,
                apart,
                Arc::new(gates),
                Share::Users,
            ))
        } else {
            let pool = sea_orm::Database::connect(postgres(url, max_connections, kept)).await?;
            let apart = Apart::own(postgres(url, 1, 0)).await?;
            let gate = Gate::to(max_connections);
            let gates = Gates {
                reads: gate.clone(),
                writes: gate,
            };
            Ok(Self::of(&pool, &pool, apart, Arc::new(gates), Share::Users))
        }
    }

    fn of(
        reads: &DatabaseConnection,
        writes: &DatabaseConnection,
        apart: Apart,
        gates: Arc<Gates>,
        share: Share,
    ) -> Self {
        Self {
            reads: gates.reads.lane(reads, share),
            writes: gates.writes.lane(writes, share),
            apart,
            gates,
        }
    }

    /// The same database with another share of its connections.
    #[must_use]
    pub fn share(&self, share: Share) -> Self {
        Self::of(
            &self.reads.pool,
            &self.writes.pool,
            self.apart.clone(),
            self.gates.clone(),
            share,
        )
    }

    /// The connection for queries outside a transaction.
    pub fn reads(&self) -> &Lane {
        &self.reads
    }

    /// The connection for a single statement that writes.
    pub fn writes(&self) -> &Lane {
        &self.writes
    }

    /// A connection that nothing else uses, for what must not wait for others: it is opened when it is first needed. On
    /// SQLite it is the one that writes.
    pub fn apart(&self) -> &Apart {
        &self.apart
    }

    /// Which of the two it is.
    pub fn backend(&self) -> DbBackend {
        self.reads.get_database_backend()
    }

    /// How connections to PostgreSQL are made, if it is one.
    pub fn postgres(&self) -> Option<PgConnectOptions> {
        let is_postgres = self.backend() == DbBackend::Postgres;
        is_postgres.then(|| {
            let pool = self.reads.pool.get_postgres_connection_pool();
            (*pool.connect_options()).clone()
        })
    }

    /// What the pools of connections are like now.
    pub fn pools(&self) -> Vec<Pool> {
        let pool = |name, of: &DatabaseConnection| {
            let (open, idle) = if self.backend() == DbBackend::Sqlite {
                let pool = of.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            } else {
                let pool = of.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            };
            let open = usize::try_from(open).unwrap_or(usize::MAX);
            Pool { name, open, idle }
        };
        match self.backend() {
            DbBackend::Sqlite => vec![
                pool("reads", &self.reads.pool),
                pool("writes", &self.writes.pool),
            ],
            _ => vec![
                pool("all", &self.reads.pool),
                pool("apart", &self.apart.pool()),
            ],
        }
    }

    /// Calls `observe` after each statement, with what it was and how long it took.
    pub fn observe(&mut self, observe: impl Fn(&metric::Info<'_>) + Clone + Send + Sync + 'static) {
        self.reads.pool.set_metric_callback(observe.clone());
        self.apart.observe(observe.clone());
        self.writes.pool.set_metric_callback(observe);
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once: a lock taken
    /// half way through could not be waited for.
    pub async fn begin(&self) -> Result<Begun, DbErr> {
        let passage = self.writes.enter().await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Begun {
            inner: self.writes.pool.begin_with_options(options).await?,
            _passage: passage,
        })
    }

    /// Brings the schema to what this build needs.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        migration::Migrator::up(&self.writes.pool, None).await
    }

    /// How many migrations this build has that the database lacks.
    pub async fn pending_migrations(&self) -> Result<usize, DbErr> {
        Ok(
            migration::Migrator::get_pending_migrations(&self.writes.pool)
                .await?
                .len(),
        )
    }

    /// Fails when the database does not answer.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reads
            .execute_raw(Statement::from_string(self.backend(), "SELECT 1"))
            .await?;
        Ok(())
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reads.pool.close().await?;
        self.apart.pool().close().await?;
        self.writes.pool.close().await
    }
}

fn postgres(url: &str, connections: u32, kept: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(kept)
        .acquire_timeout(lane::PATIENCE)
        .test_before_acquire_if_idle_for(IDLE)
        // One that was opened again would wait behind all that its server has to prepare for it anew.
        .map_sqlx_postgres_pool_opts(|pool| pool.idle_timeout(None).max_lifetime(None))
        .sqlx_logging(false);
    options
}

fn sqlite(url: &str, connections: u32, kept: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(kept.max(1))
        .acquire_timeout(lane::PATIENCE)
        // A file does not hang up.
        .test_before_acquire(false)
        .map_sqlx_sqlite_pool_opts(|pool| pool.idle_timeout(None).max_lifetime(None))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .pragma("journal_mode", "WAL")
                // FULL: an accepted operation survives the loss of power, not only of the process.
                .pragma("synchronous", "FULL")
        });
    options
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn agents_are_let_in_while_all_others_hold_what_they_may() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", directory.path().display());
        let users = Database::connect(&url, 4).await.unwrap();
        let (agents, strangers) = (users.share(Share::Agents), users.share(Share::Strangers));
        let mut held = Vec::new();
        while let Some(passage) = users.reads().enter().now_or_never() {
            held.push(passage.unwrap());
        }
        assert_eq!(held.len(), 3, "one of four connections is kept");
        assert!(strangers.reads().enter().now_or_never().is_none());
        agents.ping().await.unwrap();
        let _writing = users.writes().enter().await.unwrap();
        assert!(strangers.writes().enter().now_or_never().is_none());
        agents.begin().await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn strangers_leave_connections_to_users() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", directory.path().display());
        let users = Database::connect(&url, 16).await.unwrap();
        let strangers = users.share(Share::Strangers);
        let mut held = Vec::new();
        while let Some(passage) = strangers.reads().enter().now_or_never() {
            held.push(passage.unwrap());
        }
        assert_eq!(held.len(), 2);
        users.ping().await.unwrap();
    }
}
