//! What 10,000 panels cost a gateway that watch running operations, beside a bare server that sends them the same bytes.
//!
//! `just bench-sockets --help` says what can be chosen. The gateway and the bare server have one processor of their own, one
//! after the other; the load, the agents and the database have the other. No figure makes it fail.
#![expect(
    clippy::disallowed_methods,
    reason = "its rows need ids, and no gateway is asked for them"
)]

mod bare;
#[expect(dead_code, reason = "what the benchmark of the API measures, too")]
#[path = "../api/database.rs"]
mod database;
mod load;
#[expect(dead_code, reason = "what the benchmark of the API measures, too")]
#[path = "../api/meter.rs"]
mod meter;
mod rows;
mod server;
mod socket;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::time::sleep;

use self::{
    database::{Kind, OwnDatabase},
    load::{Figures, Load},
    rows::{Asked, Rows},
    server::Server,
};

/// What the gateway's own program allocates with, so that what is bare has no worse allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of reports have as many digits as this.
const BASE: usize = 100_000;

/// Measures sockets.
#[derive(Debug, Parser)]
struct Options {
    /// How many sockets, one measurement for each number.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    sockets: Vec<usize>,
    /// How many sockets that each watch a volume of their own, at which nothing happens; 0: left out.
    #[arg(long, default_value_t = 3000)]
    idle: usize,
    /// How many seconds a measurement lasts.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// The processor of the servers that are measured.
    #[arg(long, default_value_t = 0)]
    processor: usize,
    /// Where logs lie.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// Instead of measuring, serve so many topics bare.
    #[arg(long, hide = true)]
    bare: Option<usize>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    if let Some(topics) = options.bare {
        return bare::serve(topics).await;
    }
    println!("{}\n", meter::machine(&options.directory)?);
    let directory = tempfile::Builder::new()
        .prefix("tidemark-bench-")
        .tempdir_in(std::path::absolute(&options.directory)?)?;
    let database = OwnDatabase::make(Kind::Postgres, directory.path()).await?;
    let database = database.context("there is no server: run it by scripts/postgres")?;
    let most = options.sockets.iter().copied().max().unwrap_or_default();
    let server = Server::gateway(&database.url, directory.path(), options.processor).await?;
    let rows = Rows::fill(&database, most.max(options.idle), options.idle).await?;
    println!(
        "| server | sockets | delivered | p50 / p99, ms | processor, µs a message | busy | KB a socket | transactions of the database a second |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let (mut ours, mut template) = (None, String::new());
    for (count, base) in options.sockets.iter().zip((1..).map(|run| run * BASE)) {
        let asked = rows.watching(*count);
        let load = Load::new(&server, asked, &rows.agents, options.seconds, base);
        let figures = load.run(Some(&database)).await?;
        template.clone_from(&figures.message);
        figures.print("**Tidemark**", *count);
        ours = Some(figures);
        sleep(Duration::from_secs(2)).await;
    }
    if options.idle > 0 {
        idle(&options, &server, &rows, &database).await?;
    }
    server.end().await?;
    let bare = Server::bare(options.processor, rows::OPERATIONS).await?;
    let asked = rows.watching(most);
    let mut load = Load::new(&bare, asked, &rows.agents, options.seconds, BASE);
    load.message = Some(template);
    let limit = load.run(None).await?;
    limit.print("limit: the same bytes, bare", most);
    bare.end().await?;
    if let Some(ours) = ours {
        goals(&ours, &limit);
    }
    database.drop().await
}

/// What streams cost at which nothing happens.
async fn idle(
    options: &Options,
    server: &Server,
    rows: &Rows,
    database: &OwnDatabase,
) -> Result<()> {
    let asked: Vec<Asked> = rows.resting(options.idle);
    let load = Load::new(server, asked, &[], options.seconds.max(45), 0);
    let figures = load.run(Some(database)).await?;
    println!(
        "| idle, a volume each | {} | | | | {:.2} % | {:.1} | {:.0} |",
        options.idle,
        figures.busy * 100.0,
        figures.kilobytes,
        figures.transactions.unwrap_or_default(),
    );
    Ok(())
}

fn goals(ours: &Figures, limit: &Figures) {
    let verdict = |is_met| if is_met { "met" } else { "**missed**" };
    let ratio = ours.micros / limit.micros;
    println!("\n| goal | measured | |\n|---|---:|---|");
    println!(
        "| all delivered | {:.2} % | {} |",
        ours.delivered * 100.0,
        verdict(ours.delivered >= 1.0)
    );
    println!(
        "| p99 ≤ 150 ms | {:.0} ms | {} |",
        ours.p99,
        verdict(ours.p99 <= 150.0)
    );
    println!(
        "| processor a message ≤ 1.3 × bare | {ratio:.2} × | {} |",
        verdict(ratio <= 1.3)
    );
    println!(
        "| ≤ 12 KB a socket | {:.1} KB | {} |",
        ours.kilobytes,
        verdict(ours.kilobytes <= 12.0)
    );
}
