//! Commits of events beside commits of plain rows, while a gateway numbers the events.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sea_orm::{
    ConnectionTrait as _,
    sqlx::{self, PgPool, postgres::PgPoolOptions},
};
use tokio::{
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{Options, site::Site};

/// How long each round lasts.
const ROUND: Duration = Duration::from_secs(5);
/// How long the last events may be without their numbers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a gateway tells of what it has committed.
const TELLS: Duration = Duration::from_millis(10);

/// A table like the one of events that wait for numbers, of which nobody takes anything.
const PLAIN: &str = "CREATE TABLE plain (LIKE unnumbered_events INCLUDING ALL)";

/// A row of a table in a transaction of its own, for writers of one operation each.
fn insert(table: &str) -> String {
    format!(
        "INSERT INTO {table} (operation_id, account_id, kind, actor, at) \
         SELECT id, account_id, 'progressed', 'tidemark', now() FROM operations WHERE id = $1"
    )
}

/// The figures of all rounds, in a sentence.
pub async fn measure(site: &Site, options: &Options) -> Result<String> {
    site.db.execute_unprepared(PLAIN).await?;
    let writers = options.writers;
    let pool = PgPoolOptions::new()
        .max_connections(writers + 1)
        .connect(&site.database.url)
        .await?;
    let operations = "SELECT id FROM operations ORDER BY id LIMIT $1";
    let operations: Vec<String> = sqlx::query_scalar(operations)
        .bind(i64::from(writers))
        .fetch_all(&pool)
        .await?;
    let first: i64 = site
        .ask("SELECT value AS told FROM sequences WHERE name = 'operation_events'")
        .await?;
    let (mut rates, mut ratios, mut written) = (Vec::new(), Vec::new(), 0);
    for round in 0..options.rounds {
        let tables = if round % 2 == 0 {
            ["plain", "unnumbered_events"]
        } else {
            ["unnumbered_events", "plain"]
        };
        let mut plain = 0.0;
        let mut events = 0.0;
        for table in tables {
            let telling = tokio::spawn(tell(pool.clone()));
            let began = Instant::now();
            let count = write(&pool, &operations, &insert(table)).await?;
            let rate = f64::from(count) / began.elapsed().as_secs_f64();
            telling.abort();
            if table == "plain" {
                plain = rate;
            } else {
                events = rate;
                written += i64::from(count);
                timeout(PATIENCE, all_numbered(site))
                    .await
                    .context("events have no numbers")??;
            }
        }
        rates.push(format!("{events:.0} and {plain:.0}"));
        ratios.push(events / plain);
    }
    let last: i64 = site
        .ask("SELECT max(seq) AS told FROM operation_events")
        .await?;
    ensure!(
        last - first == written,
        "{written} events have {} numbers",
        last - first
    );
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).context("no rounds")?;
    Ok(format!(
        "Commits a second of {writers} writers, events and plain rows of the same kind: {}; the median of the ratios is \
         {ratio:.2}. {written} events, no gap.",
        rates.join(", ")
    ))
}

async fn write(pool: &PgPool, operations: &[String], insert: &str) -> Result<u32> {
    let until = Instant::now() + ROUND;
    let mut writers = JoinSet::new();
    for operation in operations {
        let (pool, operation, insert) = (pool.clone(), operation.clone(), insert.to_owned());
        writers.spawn(async move {
            let mut connection = pool.acquire().await?;
            let mut count = 0;
            while Instant::now() < until {
                sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
                    .bind(&operation)
                    .execute(&mut *connection)
                    .await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(written) = writers.join_next().await {
        count += written??;
    }
    Ok(count)
}

/// Tells the gateway that there are events, as gateways do.
async fn tell(pool: PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    let mut tells = interval(TELLS);
    loop {
        tells.tick().await;
        sqlx::query(
            "SELECT pg_notify('tidemark_' || to_regnamespace(current_schema()::text)::oid, '2 bench +1-1')",
        )
        .execute(&mut *connection)
        .await?;
    }
}

async fn all_numbered(site: &Site) -> Result<()> {
    loop {
        let left: i64 = site
            .ask("SELECT count(*) AS told FROM unnumbered_events")
            .await?;
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
