//! A way to the connections of the database that lets in only so many at once. Agents have one without
//! a gate, so that connections are left to them whatever the others do.
//!
//! A statement that was begun is finished by a task of its own, even where nobody waits for it any more: a client that
//! hangs up would take the connection with it, in the middle of an answer or before it was asked for one, and the next
//! one would have to open another.

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    Statement, entity::prelude::async_trait,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
    time::timeout,
};
use tracing::Instrument;

/// How long to wait for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a statement may take that nobody stops.
const LONGEST: Duration = Duration::from_mins(2);

/// A way to the connections of the database, through gates.
#[derive(Clone, Debug)]
pub struct Lane {
    pub(super) pool: DatabaseConnection,
    gates: Arc<[Arc<Semaphore>]>,
}

/// Who went through the gates of a lane: they are open to the next once it is dropped.
#[derive(Debug)]
pub(super) struct Passage(#[expect(dead_code, reason = "it is held")] Vec<OwnedSemaphorePermit>);

impl Lane {
    /// A lane to `pool` through `gates`, in this order.
    pub(super) fn new(pool: DatabaseConnection, gates: &[&Arc<Semaphore>]) -> Self {
        let gates = gates.iter().map(|gate| Arc::clone(gate)).collect();
        Self { pool, gates }
    }

    /// Waits at the gates. Who came first is first.
    pub(super) async fn enter(&self) -> Result<Passage, DbErr> {
        let mut permits = Vec::with_capacity(self.gates.len());
        for gate in self.gates.iter() {
            let permit = timeout(PATIENCE, gate.clone().acquire_owned())
                .await
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?;
            permits.push(permit);
        }
        Ok(Passage(permits))
    }

    /// What comes of `statement`, which is finished whether anybody waits for that or not.
    async fn finish<T, S>(
        &self,
        statement: impl FnOnce(DatabaseConnection) -> S,
    ) -> Result<T, DbErr>
    where
        T: Send + 'static,
        S: Future<Output = Result<T, DbErr>> + Send + 'static,
    {
        let passage = self.enter().await?;
        let statement = statement(self.pool.clone());
        let begun = tokio::spawn(
            async move {
                let _passage = passage;
                timeout(LONGEST, statement).await.unwrap_or_else(|_| {
                    let message = format!("a statement took more than {LONGEST:?}");
                    Err(DbErr::Custom(message))
                })
            }
            .in_current_span(),
        );
        begun.await.unwrap_or_else(|ended| Err(stopped(ended)))
    }
}

/// Why a statement has no outcome: the process ends.
fn stopped(ended: JoinError) -> DbErr {
    if ended.is_panic() {
        resume_unwind(ended.into_panic());
    }
    DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
}

#[async_trait::async_trait]
impl ConnectionTrait for Lane {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.finish(|pool| async move { pool.execute_raw(statement).await })
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = sql.to_owned();
        self.finish(|pool| async move { pool.execute_unprepared(&sql).await })
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.finish(|pool| async move { pool.query_one_raw(statement).await })
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.finish(|pool| async move { pool.query_all_raw(statement).await })
            .await
    }

    fn support_returning(&self) -> bool {
        self.pool.support_returning()
    }
}
