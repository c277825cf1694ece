//! A connection for what must not wait for others. On PostgreSQL it is one of its own, and a dead one that does not say so is
//! replaced: what waits for the answer of a server that is out of reach would wait for a quarter of an hour.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnAcquireErr, ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr,
    ExecResult, QueryResult, Statement, entity::prelude::async_trait, metric,
};
use tokio::time::timeout;

use super::Lane;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is called after each statement.
type Observe = Arc<dyn Fn(&metric::Info<'_>) + Send + Sync>;

/// A connection that nothing else waits for.
#[derive(Clone, Debug)]
pub struct Apart(Way);

#[derive(Clone, Debug)]
enum Way {
    /// The one that writes, of SQLite: a further one would be refused while that one does.
    Shared(Lane),
    /// One of its own.
    Own(Arc<Own>, Observer),
}

#[derive(Debug)]
struct Own {
    options: ConnectOptions,
    /// A pool of one connection.
    pool: RwLock<DatabaseConnection>,
    /// Somebody gave up waiting for it: another is to be opened.
    is_given_up: AtomicBool,
}

#[derive(Clone, Default)]
struct Observer(Option<Observe>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}

impl Apart {
    /// The connection of `lane`.
    pub(super) fn shared(lane: Lane) -> Self {
        Self(Way::Shared(lane))
    }

    /// One of its own, opened when it is first needed.
    pub(super) async fn own(mut options: ConnectOptions) -> Result<Self, DbErr> {
        options.connect_lazy(true).acquire_timeout(PATIENCE);
        let pool = sea_orm::Database::connect(options.clone()).await?;
        let own = Own {
            options,
            pool: RwLock::new(pool),
            is_given_up: AtomicBool::new(false),
        };
        Ok(Self(Way::Own(Arc::new(own), Observer::default())))
    }

    /// The pool that it is of.
    pub(super) fn pool(&self) -> DatabaseConnection {
        match &self.0 {
            Way::Shared(lane) => lane.pool.clone(),
            Way::Own(own, observer) => {
                let mut pool = own.pool();
                if let Some(observe) = observer.0.clone() {
                    pool.set_metric_callback(move |info| observe(info));
                }
                pool
            }
        }
    }

    /// Calls `observe` after each statement.
    pub(super) fn observe(&mut self, observe: impl Fn(&metric::Info<'_>) + Send + Sync + 'static) {
        match &mut self.0 {
            Way::Shared(lane) => lane.pool.set_metric_callback(observe),
            Way::Own(_, observer) => observer.0 = Some(Arc::new(observe)),
        }
    }

    /// What comes of `statement`.
    async fn ask<T, S>(&self, statement: impl FnOnce(DatabaseConnection) -> S) -> Result<T, DbErr>
    where
        S: Future<Output = Result<T, DbErr>>,
    {
        let Way::Own(own, _) = &self.0 else {
            return statement(self.pool()).await;
        };
        if own.is_given_up.swap(false, Ordering::AcqRel) {
            own.replace().await?;
        }
        let mut waiting = Waiting {
            own,
            is_answered: false,
        };
        let answer = timeout(PATIENCE, statement(self.pool())).await;
        let outcome = answer.unwrap_or(Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)));
        waiting.is_answered = !matches!(outcome, Err(DbErr::ConnectionAcquire(_)));
        outcome
    }
}

/// Somebody waits for an answer. Dropped without one, they have given up.
struct Waiting<'a> {
    own: &'a Own,
    is_answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.own.is_given_up.store(true, Ordering::Release);
        }
    }
}

impl Own {
    fn pool(&self) -> DatabaseConnection {
        self.pool
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets go of the connection, whatever becomes of it. The next statement opens another.
    async fn replace(&self) -> Result<(), DbErr> {
        let next = sea_orm::Database::connect(self.options.clone()).await?;
        *self.pool.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Apart {
    fn get_database_backend(&self) -> DbBackend {
        self.pool().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ask(|pool| async move { pool.execute_raw(statement).await })
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = sql.to_owned();
        self.ask(|pool| async move { pool.execute_unprepared(&sql).await })
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.ask(|pool| async move { pool.query_one_raw(statement).await })
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(|pool| async move { pool.query_all_raw(statement).await })
            .await
    }

    fn support_returning(&self) -> bool {
        self.pool().support_returning()
    }
}
