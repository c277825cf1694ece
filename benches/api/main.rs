//! How fast the API is, beside the same page as one statement by hand and beside Mercurius, in one run.
//!
//! `just bench-api --help` says what can be chosen. All serve the same tables, and take turns, so that what else the
//! machine does is shared fairly. No figure makes it fail, only an answer that is not the right one.
#![expect(
    clippy::disallowed_methods,
    reason = "its rows need ids, and no gateway is asked for them"
)]

mod bare;
mod burst;
mod client;
mod contestant;
mod database;
mod gateway;
mod goal;
mod meter;
mod platform;
mod round;
mod rows;
mod site;
mod table;
mod tail;
mod workload;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::Parser;

use self::{contestant::Who, database::Kind, goal::Results, site::Site, workload::Workload};

/// What the gateway's own program allocates with, so that what is bare has no worse allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the API.
#[derive(Debug, Parser)]
struct Options {
    /// Which databases.
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    databases: Vec<Kind>,
    /// What is asked.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "page20,page100,typename,rename"
    )]
    workloads: Vec<Workload>,
    /// How many clients ask at once, each waiting for its answer before it asks again.
    #[arg(long, value_delimiter = ',', default_value = "1,8,16,64")]
    clients: Vec<usize>,
    /// How often each has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many seconds a turn lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many seconds nobody asks before the bursts after a pause; the gateway closes connections on which nobody asks
    /// for 60. 0: these bursts, and those after clients hung up, are left out.
    #[arg(long, default_value_t = 30)]
    pause: u64,
    /// How many volumes the customer has, with five snapshots and five backups each.
    #[arg(long, default_value_t = 1000)]
    volumes: usize,
    /// Where Mercurius is installed; it is left out otherwise. `scripts/bench-api` installs it.
    #[arg(long)]
    mercurius: Option<PathBuf>,
    /// Where SQLite's file lies: on the disk that is to be measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// Instead of measuring, serve this database to this account without us.
    #[arg(long, hide = true, num_args = 2, value_names = ["URL", "ACCOUNT"])]
    bare: Vec<String>,
}

impl Options {
    /// How long a turn lasts.
    fn turn(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let [url, account] = options.bare.as_slice() {
        return bare::serve(url, account).await;
    }
    println!("{}", meter::machine(&options.directory)?);
    for kind in &options.databases {
        Box::pin(measure(&options, *kind)).await?;
    }
    Ok(())
}

async fn measure(options: &Options, kind: Kind) -> Result<()> {
    let Some(site) = Site::new(options, kind).await? else {
        println!("\nLeft out: {}, for want of a server.", kind.name());
        return Ok(());
    };
    println!("\n## {}\n\n{}", kind.name(), site.about().await?);
    if options.mercurius.is_none() {
        println!(
            "\nLeft out: {}, which is not installed.",
            Who::Mercurius.name()
        );
    }
    let mut results = Results::default();
    for workload in &options.workloads {
        let replies = site.compare(*workload).await?;
        println!("\n### {}: {}\n", kind.name(), workload.name());
        table::head();
        for clients in &options.clients {
            let cells = round::run(options, &site, &replies, (*workload, *clients)).await?;
            table::cells(*clients, &cells);
            results.cells.extend(cells);
        }
    }
    if options.pause > 0 {
        let replies = site.compare(tail::WORKLOAD).await?;
        let tails = tail::run(options, &site, &replies).await?;
        println!(
            "\n### {}: {}, the first answers\n",
            kind.name(),
            tail::WORKLOAD.name()
        );
        table::tails(&tails);
        results.tails = tails;
    }
    println!("\n### {}: against the goals\n", kind.name());
    goal::print(&results);
    site.end().await
}
