//! The databases that are measured with, each as it is shipped: what is answered is on the disk.

use std::{env, path::Path};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

use crate::meter;

/// By this URL `scripts/postgres` tells where its server is.
const POSTGRES_URL: &str = "TIDEMARK_TEST_POSTGRES_URL";
/// What may be switched off for tests alone.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];

/// The kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database of its own on a server.
    Postgres,
}

impl Kind {
    /// What it is called in a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A database that nobody else uses.
pub struct OwnDatabase {
    /// Where it is.
    pub url: String,
    /// The server's first process, where there is one: all others are its children.
    pub server: Option<u32>,
    /// On the server, by which to drop it: the server's URL, and its name.
    dropped_by: Option<(String, String)>,
}

impl OwnDatabase {
    /// Makes one; none where there is no server.
    pub async fn make(kind: Kind, directory: &Path) -> Result<Option<Self>> {
        if kind == Kind::Sqlite {
            return Ok(Some(Self {
                url: format!("sqlite://{}", directory.join("tidemark.db").display()),
                server: None,
                dropped_by: None,
            }));
        }
        let Ok(server) = env::var(POSTGRES_URL) else {
            return Ok(None);
        };
        let name = format!("bench_{}", Uuid::now_v7().simple());
        let db = Database::connect(&server).await?;
        for setting in DURABLE {
            let is: String =
                ask(&db, &format!("SELECT current_setting('{setting}') AS told")).await?;
            ensure!(
                is == "on",
                "{setting} is {is}: start the server by `scripts/postgres run --durable`"
            );
        }
        let backend: i32 = ask(&db, "SELECT pg_backend_pid() AS told").await?;
        let first = meter::parent_of(backend.try_into()?)?;
        db.execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await?;
        db.close().await?;
        let (base, query) = server.split_once('?').unwrap_or((server.as_str(), ""));
        let (host, _) = base.rsplit_once('/').context("the URL names no database")?;
        let url = format!("{host}/{name}?{query}");
        Ok(Some(Self {
            url: url.trim_end_matches('?').to_owned(),
            server: Some(first),
            dropped_by: Some((server, name)),
        }))
    }

    /// A connection past all contestants.
    pub async fn connect(&self) -> Result<DatabaseConnection> {
        Ok(Database::connect(&self.url).await?)
    }

    /// Its version.
    pub async fn version(&self) -> Result<String> {
        let db = self.connect().await?;
        let statement = match db.get_database_backend() {
            DbBackend::Sqlite => "SELECT sqlite_version() AS told",
            _ => "SELECT current_setting('server_version') AS told",
        };
        let version = ask(&db, statement).await?;
        db.close().await?;
        Ok(version)
    }

    /// Has the database know what it holds, as a server does by itself after a minute. SQLite never does.
    pub async fn settle(&self) -> Result<()> {
        if self.server.is_some() {
            let db = self.connect().await?;
            db.execute_unprepared("VACUUM ANALYZE").await?;
            db.execute_unprepared("CHECKPOINT").await?;
            db.close().await?;
        }
        Ok(())
    }

    /// Removes it. A file goes with its directory.
    pub async fn drop(self) -> Result<()> {
        if let Some((server, name)) = self.dropped_by {
            let db = Database::connect(&server).await?;
            db.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .await?;
            db.close().await?;
        }
        Ok(())
    }
}

/// The one value that a statement calls `told`.
async fn ask<T: sea_orm::TryGetable>(db: &DatabaseConnection, statement: &str) -> Result<T> {
    let statement = Statement::from_string(db.get_database_backend(), statement);
    let row = db.query_one_raw(statement).await?;
    Ok(row.context("there is no answer")?.try_get("", "told")?)
}
