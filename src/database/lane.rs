//! A way to the connections of the database that lets in only so many at once. Agents have one without
//! a gate, so that connections are left to them whatever the others do.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    Statement, entity::prelude::async_trait,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long to wait for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A way to the connections of the database, through gates.
#[derive(Clone, Debug)]
pub struct Lane {
    pub(super) pool: DatabaseConnection,
    gates: Vec<Arc<Semaphore>>,
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
        for gate in &self.gates {
            let permit = timeout(PATIENCE, gate.clone().acquire_owned())
                .await
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?;
            permits.push(permit);
        }
        Ok(Passage(permits))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Lane {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _passage = self.enter().await?;
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _passage = self.enter().await?;
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _passage = self.enter().await?;
        self.pool.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _passage = self.enter().await?;
        self.pool.query_all_raw(statement).await
    }

    fn support_returning(&self) -> bool {
        self.pool.support_returning()
    }
}
