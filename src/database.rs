//! The database: SQLite in WAL mode by default, PostgreSQL by URL; one interface over both.

use std::time::Duration;

use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, metric,
};

/// Connections for reading and for writing.
///
/// SQLite has one writer at a time: its writes queue for the one connection that writes, instead
/// of failing each other with `SQLITE_BUSY`. PostgreSQL uses one pool for both.
#[derive(Clone, Debug)]
pub struct Database {
    reads: DatabaseConnection,
    writes: DatabaseConnection,
}

impl Database {
    /// Opens `url`: `sqlite://PATH` (made when it is not there) or `postgres://…`.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, DbErr> {
        if url.starts_with("sqlite:") {
            let writes = sea_orm::Database::connect(sqlite(url, 1)).await?;
            let reads = sea_orm::Database::connect(sqlite(url, max_connections)).await?;
            Ok(Self { reads, writes })
        } else {
            let mut options = ConnectOptions::new(url);
            options
                .max_connections(max_connections)
                .acquire_timeout(Duration::from_secs(30))
                .sqlx_logging(false);
            let pool = sea_orm::Database::connect(options).await?;
            Ok(Self {
                reads: pool.clone(),
                writes: pool,
            })
        }
    }

    /// The connection for queries outside a transaction.
    pub fn reads(&self) -> &DatabaseConnection {
        &self.reads
    }

    /// The connection for a single statement that writes.
    pub fn writes(&self) -> &DatabaseConnection {
        &self.writes
    }

    /// Which of the two it is.
    pub fn backend(&self) -> DbBackend {
        self.reads.get_database_backend()
    }

    /// Calls `observe` after each statement, with what it was and how long it took.
    pub fn observe(&mut self, observe: impl Fn(&metric::Info<'_>) + Clone + Send + Sync + 'static) {
        self.reads.set_metric_callback(observe.clone());
        self.writes.set_metric_callback(observe);
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once: a lock taken
    /// half way through could not be waited for.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writes.begin_with_options(options).await
    }

    /// Brings the schema to what this build needs.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        migration::Migrator::up(&self.writes, None).await
    }

    /// How many migrations this build has that the database lacks.
    pub async fn pending_migrations(&self) -> Result<usize, DbErr> {
        Ok(migration::Migrator::get_pending_migrations(&self.writes)
            .await?
            .len())
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
        self.reads.close().await?;
        self.writes.close().await
    }
}

fn sqlite(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
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
