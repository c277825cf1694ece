//! A gateway in process for one test: a fresh database, a clock that stands still, and callers.

mod agent;
mod factory;
mod mutation;
mod place;
mod proxy;
mod row;
mod stream;
mod world;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, Database};
use tidemark::database;

pub use agent::Work;
pub use factory::{GB, Tenant};
pub use mutation::document;
pub use place::s3;
pub use proxy::Proxy;
pub use row::id;
pub use stream::{Watcher, on};
pub use world::{World, do_task, put_on};

/// By this URL tests reach a PostgreSQL server, in which each makes a schema of its own.
pub const POSTGRES_URL: &str = "TIDEMARK_TEST_POSTGRES_URL";

/// Runs `test` on a fresh database of each kind.
pub async fn on_each_database(test: impl AsyncFn(World)) {
    // Boxed: a test's future is as large as the test is long.
    Box::pin(on_sqlite(&test)).await;
    Box::pin(on_postgres(&test)).await;
}

/// Runs `test` on a fresh database of PostgreSQL: what concerns several gateways.
pub async fn on_postgres_alone(test: impl AsyncFn(World)) {
    Box::pin(on_postgres(&test)).await;
}

async fn on_sqlite(test: &impl AsyncFn(World)) {
    eprintln!("on SQLite");
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("test.db").display());
    test(World::on(connect(&url).await).await).await;
}

async fn on_postgres(test: &impl AsyncFn(World)) {
    let Ok(url) = std::env::var(POSTGRES_URL) else {
        return testbed::skip(&format!("PostgreSQL: {POSTGRES_URL} is not set"));
    };
    eprintln!("on PostgreSQL");
    let server = Database::connect(&url).await.unwrap();
    let schema = format!("test_{}", tidemark::domain::Ids.next(uuid::Uuid::simple));
    server
        .execute_unprepared(&format!("CREATE SCHEMA {schema}"))
        .await
        .unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{separator}options=-csearch_path%3D{schema}&application_name={schema}");
    let world = World::on(connect(&own).await).await;
    let outcome = AssertUnwindSafe(test(world)).catch_unwind().await;
    // What still runs there may hold what is to go, and wait for what has gone: then once more.
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    if server.execute_unprepared(&drop).await.is_err() {
        server.execute_unprepared(&drop).await.unwrap();
    }
    server.close().await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn connect(url: &str) -> database::Database {
    let database = database::Database::connect(url, 4).await.unwrap();
    database.migrate().await.unwrap();
    database
}
