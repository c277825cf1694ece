//! What was begun in the database for somebody who then hangs up.

use std::collections::BTreeSet;

use futures_util::{FutureExt, future::join_all};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tidemark::database::Lane;
use tokio::time::{Duration, sleep};

use crate::harness::on_each_database;

/// As many connections as a world has.
const CONNECTIONS: usize = 4;

#[tokio::test]
async fn a_statement_that_was_begun_is_finished() {
    on_each_database(async |world| {
        let writes = world.app.database.writes();
        let create = writes.execute_unprepared("CREATE TABLE begun (id INTEGER)");
        create.await.unwrap();
        let insert = writes.execute_unprepared("INSERT INTO begun VALUES (1)");
        assert!(insert.now_or_never().is_none(), "it takes its time");
        while count(writes, "SELECT COUNT(*) AS told FROM begun").await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_hangs_up_leaves_the_connection_to_the_next() {
    on_each_database(async |world| {
        let reads = world.app.database.reads();
        if reads.get_database_backend() == DbBackend::Sqlite {
            return;
        }
        let before = servers(reads).await;
        for _ in 0..CONNECTIONS {
            let slow = reads.execute_unprepared("SELECT pg_sleep(0.05)");
            assert!(slow.now_or_never().is_none(), "it takes its time");
        }
        // Users have all connections but one, and it need not be the same one.
        let all: BTreeSet<_> = servers(reads).await.union(&before).copied().collect();
        assert!(all.len() <= CONNECTIONS, "{all:?}");
    })
    .await;
}

/// The processes at the other end of all connections that a user may have.
async fn servers(lane: &Lane) -> BTreeSet<i64> {
    let each = (1..CONNECTIONS).map(|_| {
        count(
            lane,
            "SELECT CAST(pg_backend_pid() AS BIGINT) AS told FROM pg_sleep(0.05)",
        )
    });
    join_all(each).await.into_iter().collect()
}

async fn count(lane: &Lane, sql: &str) -> i64 {
    let statement = Statement::from_string(lane.get_database_backend(), sql);
    let row = lane.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "told").unwrap()
}
