//! How many operations go through a gateway on PostgreSQL, from the mutation to COMPLETED, and what events cost.
//!
//! `just bench-operations --help` says what can be chosen. Agents are simulated: they speak the API of agents as real ones do,
//! and have nothing to do. No figure makes it fail, only what is lost or comes twice.
#![expect(
    clippy::disallowed_methods,
    reason = "its rows need ids, and no gateway is asked for them"
)]

mod api;
mod commits;
#[expect(dead_code, reason = "another benchmark needs more of it")]
#[path = "../api/contestant.rs"]
mod contestant;
mod customer;
#[expect(dead_code, reason = "another benchmark needs more of it")]
#[path = "../api/database.rs"]
mod database;
#[path = "../api/gateway.rs"]
mod gateway;
mod hypervisor;
#[expect(dead_code, reason = "another benchmark needs more of it")]
#[path = "../api/meter.rs"]
mod meter;
#[expect(dead_code, reason = "another benchmark needs more of it")]
#[path = "../api/platform.rs"]
mod platform;
#[path = "../api/rows.rs"]
mod rows;
mod run;
mod site;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use self::site::Site;

/// What the gateway's own program allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures operations.
#[derive(Debug, Parser)]
struct Options {
    /// How many volumes there are, one run for each.
    #[arg(long, value_delimiter = ',', default_value = "1000")]
    volumes: Vec<u32>,
    /// How many customers ask at once, each waiting for its operation before it asks again.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    customers: Vec<u32>,
    /// How many agents there are, with 16 places each.
    #[arg(long, default_value_t = 4)]
    agents: u32,
    /// How many seconds each run lasts.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How many write events at once where commits alone are measured.
    #[arg(long, default_value_t = 16)]
    writers: u32,
    /// How many rounds of commits there are.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Where the disk's speed is measured: on the one where PostgreSQL keeps its data.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    println!("{}\n", meter::machine(&options.directory)?);
    let mut is_first = true;
    for volumes in &options.volumes {
        let Some(site) = Site::new(&options, *volumes).await? else {
            println!("There is no PostgreSQL: `scripts/postgres run --durable` starts one.");
            return Ok(());
        };
        if is_first {
            println!(
                "PostgreSQL {}, which waits for its disk; all settings as shipped, but a cooldown of 0.\n\n\
                 | volumes | customers at once | operations/s | p50 / p99, ms | statements | commits | \
                 processor, ms: gateway | PostgreSQL | load |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
                site.version().await?
            );
            is_first = false;
        }
        for customers in &options.customers {
            println!(
                "{}",
                run::measure(&site, *customers, options.seconds).await?
            );
        }
        if Some(volumes) == options.volumes.last() {
            println!("\n{}", commits::measure(&site, &options).await?);
        }
        site.end().await?;
    }
    Ok(())
}
