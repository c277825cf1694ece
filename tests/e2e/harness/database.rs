//! A database for one test: a file, or a database of its own on a PostgreSQL server.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use uuid::Uuid;

/// By this URL tests reach a PostgreSQL server.
const POSTGRES_URL: &str = "TIDEMARK_TEST_POSTGRES_URL";

/// What keeps the gateway's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    /// The server's URL.
    Postgres(String),
}

impl Engine {
    /// PostgreSQL, if there is one to test with.
    pub fn postgres() -> Option<Self> {
        let url = std::env::var(POSTGRES_URL).ok();
        if url.is_none() {
            testbed::skip(&format!("PostgreSQL: {POSTGRES_URL} is not set"));
        }
        url.map(Self::Postgres)
    }
}

/// A database that nobody else uses.
pub struct OwnDatabase {
    pub url: String,
    server: Option<(String, String)>,
}

impl OwnDatabase {
    pub async fn make(engine: &Engine, directory: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self {
                url: format!("sqlite://{}", directory.join("tidemark.db").display()),
                server: None,
            },
            Engine::Postgres(server) => {
                let name = format!("e2e_{}", tidemark::domain::Ids.next(Uuid::simple));
                execute(server, &format!("CREATE DATABASE {name}")).await;
                let (base, query) = server.split_once('?').unwrap_or((server, ""));
                let (host, _) = base.rsplit_once('/').unwrap();
                Self {
                    url: format!("{host}/{name}?{query}"),
                    server: Some((server.clone(), name)),
                }
            }
        }
    }

    /// A connection of the test's own, past the gateway.
    pub async fn connect(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    pub async fn drop(self) {
        if let Some((server, name)) = self.server {
            execute(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

async fn execute(server: &str, statement: &str) {
    let server = Database::connect(server).await.unwrap();
    server.execute_unprepared(statement).await.unwrap();
    server.close().await.unwrap();
}
