//! One run: so many customers, for some seconds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use crate::{customer, meter::Used, site::Site};

/// How long customers ask before it counts.
const WARM_UP: Duration = Duration::from_secs(3);

/// What a customer's operations took, and what they cost, as a row of a table.
pub async fn measure(site: &Site, customers: u32, seconds: u64) -> Result<String> {
    ask(site, customers, WARM_UP).await?;
    let (used, load, statements, commits) = figures(site).await?;
    let began = Instant::now();
    let mut took = ask(site, customers, Duration::from_secs(seconds)).await?;
    let lasted = began.elapsed().as_secs_f64();
    let (used_then, load_then, statements_then, commits_then) = figures(site).await?;
    let unfinished: i64 = site
        .ask("SELECT count(*) AS told FROM operations WHERE finished_at IS NULL")
        .await?;
    ensure!(unfinished == 0, "{unfinished} operations have not ended");
    took.sort_by(f64::total_cmp);
    let percentile = |hundredth: usize| {
        let at = (took.len() * hundredth / 100).min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or(f64::NAN) * 1000.0
    };
    let count = f64::from(u32::try_from(took.len())?);
    let used = used_then.since(used);
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / count;
    let volumes: i64 = site
        .ask("SELECT count(*) AS told FROM volumes WHERE name LIKE 'bench%'")
        .await?;
    Ok(format!(
        "| {volumes} | {customers} | {:.0} | {:.0} / {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} |",
        count / lasted,
        percentile(50),
        percentile(99),
        (statements_then - statements) / count,
        (commits_then - commits) / count,
        each(used.server),
        each(used.database.context("PostgreSQL has no process")?),
        each(load_then.saturating_sub(load)),
    ))
}

async fn ask(site: &Site, customers: u32, lasting: Duration) -> Result<Vec<f64>> {
    let until = Instant::now() + lasting;
    let mut asking = JoinSet::new();
    let count = usize::try_from(customers)?;
    for (api, volumes) in site.customers.iter().take(count).cloned() {
        asking.spawn(customer::ask(
            api,
            volumes,
            Arc::clone(&site.waiting),
            until,
        ));
    }
    ensure!(asking.len() == count, "there are not so many accounts");
    let mut took = Vec::new();
    while let Some(asked) = asking.join_next().await {
        took.extend(asked??);
    }
    Ok(took)
}

/// Time of processors that gateway and database have used, what this process has, statements and commits.
async fn figures(site: &Site) -> Result<(Used, Duration, f64, f64)> {
    let used = Used::by(site.gateway.pid()?, site.database.server)?;
    let load = Used::by(std::process::id(), None)?.server;
    let statements = site.statements().await?;
    // What sessions count is there a second later at the latest.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let commits: i64 = site
        .ask("SELECT xact_commit AS told FROM pg_stat_database WHERE datname = current_database()")
        .await?;
    let commits: f64 = commits.to_string().parse()?;
    Ok((used, load, statements, commits))
}
