//! How fast backups and restores are, beside other tools and the hardware, in one run.
//!
//! `just bench-data --help` says what can be chosen. Each thing runs several times, in turn with
//! the others, so that what else the machine does is shared fairly; the fastest run counts.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs the tools that users have, and needs ids"
)]

mod cell;
mod choice;
mod contender;
mod content;
mod export;
mod meter;
mod restore;
mod served;
mod services;
mod site;
mod snapshots;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use nix::sys::statvfs::statvfs;

use self::{
    cell::Cell,
    choice::{Room, Source, Target},
    site::Site,
};

const GIB: u64 = 1 << 30;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Backups and restores.
    Backups,
    /// How long snapshots take.
    Snapshots,
}

/// Measures backups, restores and snapshots.
#[derive(Debug, Parser)]
struct Options {
    /// What is measured.
    #[arg(long, value_delimiter = ',', default_value = "backups,snapshots")]
    sections: Vec<Section>,
    /// Where volumes lie.
    #[arg(long, value_delimiter = ',', default_value = "qcow2,ceph")]
    sources: Vec<Source>,
    /// Where backups go.
    #[arg(long, value_delimiter = ',', default_value = "local,s3,nfs")]
    destinations: Vec<Target>,
    /// Where what is no cluster's lies: on the disk that is to be measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// Sizes of volumes, in GiB [default: 1, 10 and 100; with a cluster, 2 and 100].
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<u64>,
    /// How much of them holds data, in percent [default: 0, 10 and 100; with a cluster, 42 and 0].
    #[arg(long, value_delimiter = ',')]
    percents: Vec<u64>,
    /// How often each thing runs.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// How much of the disk may be used, in GiB.
    #[arg(long, default_value_t = 40)]
    space: u64,
    /// How much memory a cluster may use, in GiB.
    #[arg(long, default_value_t = 8)]
    memory: u64,
    /// Runs only what has this in its name.
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Sizes in GiB, and percents of data.
    fn volumes(&self, source: Source, target: Target) -> Vec<(u64, u64)> {
        let in_memory = source == Source::Ceph || target == Target::S3;
        if in_memory && self.sizes.is_empty() && self.percents.is_empty() {
            return vec![(2, 42), (100, 0)];
        }
        let or = |chosen: &[u64], default: &[u64]| {
            let all = if chosen.is_empty() { default } else { chosen };
            all.to_vec()
        };
        let sizes = or(&self.sizes, &[1, 10, 100]);
        let percents = or(&self.percents, &[0, 10, 100]);
        let cells = sizes
            .into_iter()
            .flat_map(|size| percents.iter().map(move |percent| (size, *percent)));
        cells.collect()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if options.sections.contains(&Section::Snapshots) {
        for source in &options.sources {
            Box::pin(snapshots::run(&options, *source)).await?;
        }
    }
    if options.sections.contains(&Section::Backups) {
        for source in &options.sources {
            for target in &options.destinations {
                for volume in options.volumes(*source, *target) {
                    Box::pin(measure(&options, (*source, *target), volume)).await?;
                }
            }
        }
    }
    Ok(())
}

async fn measure(
    options: &Options,
    (source, target): (Source, Target),
    (gib, percent): (u64, u64),
) -> Result<()> {
    let data = gib * GIB * percent / 100;
    let needed = Room::needed(source, target, data);
    let free = free(options)?;
    if needed.memory_bytes > free.memory_bytes {
        println!(
            "\nLeft out: {gib} GiB with {percent} % data, {} to {}. The cluster would take {} GiB of \
             the {} GiB of memory that it may use.",
            source.name(),
            target.name(),
            needed.memory_bytes.div_ceil(GIB),
            free.memory_bytes / GIB
        );
        return Ok(());
    }
    if needed.disk_bytes > free.disk_bytes {
        println!(
            "\n{gib} GiB with {percent} % data, {} to {}, would take {} GiB of the {} GiB that are \
             there to be used: no volume is made.",
            source.name(),
            target.name(),
            needed.disk_bytes.div_ceil(GIB),
            free.disk_bytes / GIB
        );
        if (source, target) == (Source::Qcow2, Target::Local) {
            println!("A generator serves it.");
            Box::pin(served::run(options, gib, percent)).await?;
        }
        return Ok(());
    }
    let Some(site) = Site::new(&options.directory, source, target).await? else {
        println!(
            "\nLeft out: {} to {}, for want of its services.",
            source.name(),
            target.name()
        );
        return Ok(());
    };
    let volume = (gib * GIB, percent);
    let cell = Cell::new(options, site, (source, target), volume).await?;
    cell.run().await
}

fn free(options: &Options) -> Result<Room> {
    let free = statvfs(&options.directory)?;
    let free = free.blocks_available() * free.fragment_size();
    Ok(Room {
        disk_bytes: free.min(options.space * GIB),
        memory_bytes: options.memory * GIB,
    })
}
