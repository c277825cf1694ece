//! The limit: what a server costs that asks the database for the whole answer in one statement, and does nothing else.
//! It knows no users, checks nothing and limits nothing.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt as _,
};
use sea_orm::sqlx::{
    self, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

/// As many as the gateway has.
const CONNECTIONS: u32 = 16;

/// Serves the rows of an account on a port of its own choice, which it prints, until it is killed.
pub async fn serve(url: &str, account: &str) -> Result<()> {
    let bare = Bare {
        rows: Rows::open(url).await?,
        account: account.to_owned(),
    };
    let app = Router::new()
        .route("/page", post(page))
        .route("/typename", post(typename))
        .route("/rename", post(rename))
        .with_state(Arc::new(bare));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Where it cannot be set, the last part of an answer waits until the first was acknowledged.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

struct Bare {
    rows: Rows,
    account: String,
}

enum Rows {
    Sqlite {
        reads: SqlitePool,
        writes: SqlitePool,
    },
    Postgres(PgPool),
}

impl Rows {
    async fn open(url: &str) -> Result<Self> {
        if !url.starts_with("sqlite:") {
            let options = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .min_connections(CONNECTIONS)
                .test_before_acquire(false);
            return Ok(Self::Postgres(options.connect(url).await?));
        }
        let file = SqliteConnectOptions::from_str(url)?
            .busy_timeout(Duration::from_secs(10))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL");
        let pool = async |connections| {
            let options = SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(connections)
                .test_before_acquire(false);
            options.connect_with(file.clone()).await
        };
        Ok(Self::Sqlite {
            reads: pool(CONNECTIONS).await?,
            writes: pool(1).await?,
        })
    }

    async fn page(&self, account: &str, first: i64) -> sqlx::Result<String> {
        match self {
            Self::Sqlite { reads, .. } => {
                sqlx::query_scalar(include_str!("bare/page.sqlite.sql"))
                    .bind(account)
                    .bind(first)
                    .fetch_one(reads)
                    .await
            }
            Self::Postgres(pool) => {
                sqlx::query_scalar(include_str!("bare/page.postgres.sql"))
                    .bind(account)
                    .bind(first)
                    .fetch_one(pool)
                    .await
            }
        }
    }

    async fn rename(&self, account: &str, volume: &str, name: &str) -> sqlx::Result<String> {
        let searched = name.to_lowercase();
        let note = Uuid::now_v7().to_string();
        match self {
            Self::Sqlite { writes, .. } => {
                let mut tx = writes.begin_with("BEGIN IMMEDIATE").await?;
                let renamed = sqlx::query_scalar(include_str!("bare/rename.sqlite.sql"))
                    .bind(account)
                    .bind(volume)
                    .bind(name)
                    .bind(searched)
                    .fetch_one(&mut *tx)
                    .await?;
                sqlx::query(include_str!("bare/note.sqlite.sql"))
                    .bind(account)
                    .bind(volume)
                    .bind(note)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(renamed)
            }
            Self::Postgres(pool) => {
                sqlx::query_scalar(include_str!("bare/rename.postgres.sql"))
                    .bind(account)
                    .bind(volume)
                    .bind(name)
                    .bind(searched)
                    .bind(note)
                    .fetch_one(pool)
                    .await
            }
        }
    }
}

#[derive(Deserialize)]
struct Page {
    first: i64,
}

#[derive(Deserialize)]
struct Typename {
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rename {
    volume_id: String,
    name: String,
}

async fn page(State(bare): State<Arc<Bare>>, Json(asked): Json<Page>) -> Response {
    answer(bare.rows.page(&bare.account, asked.first).await)
}

async fn typename(Json(asked): Json<Typename>) -> Response {
    if asked.query.contains("__typename") {
        answer(Ok(r#"{"data":{"__typename":"Query"}}"#.to_owned()))
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

async fn rename(State(bare): State<Arc<Bare>>, Json(asked): Json<Rename>) -> Response {
    let renamed = bare
        .rows
        .rename(&bare.account, &asked.volume_id, &asked.name);
    answer(renamed.await)
}

fn answer(json: sqlx::Result<String>) -> Response {
    match json {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
