//! How fast backups and restores are, beside other tools and the hardware, in one run.
//!
//! `just bench-data --help` says what can be chosen. Each thing runs several times, in turn with
//! the others, so that what else the machine does is shared fairly; the fastest run counts.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs the tools that users have, and needs ids"
)]

mod contender;
mod content;
mod meter;
mod served;
mod site;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Parser;
use nix::sys::statvfs::statvfs;
use tidemark_agent::operation::{BackupItem, RestoreSource, SnapshotItem, Volume, Work};

use self::{contender::Contender, meter::Cost, site::Site, table::Row};

const GIB: u64 = 1 << 30;

/// Measures backups and restores.
#[derive(Debug, Parser)]
struct Options {
    /// Where volumes and backups are made: on the disk that is to be measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// Sizes of volumes, in GiB.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100")]
    sizes: Vec<u64>,
    /// How much of them holds data, in percent.
    #[arg(long, value_delimiter = ',', default_value = "0,10,100")]
    percents: Vec<u64>,
    /// How often each thing runs.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// How much of the disk may be used, in GiB.
    #[arg(long, default_value_t = 40)]
    space: u64,
    /// Runs only what has this in its name.
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    for size in &options.sizes {
        for percent in &options.percents {
            let data = size * GIB * percent / 100;
            let (needed, free) = (needed_bytes(data), free_bytes(&options)?);
            if needed <= free {
                Cell::new(&options, size * GIB, *percent)
                    .await?
                    .run()
                    .await?;
            } else {
                println!(
                    "\n{size} GiB with {percent} % data would take {} GiB of the {} GiB that are \
                     there to be used: no volume is made, a generator serves it.",
                    needed.div_ceil(GIB),
                    free / GIB
                );
                served::run(&options, *size, *percent).await?;
            }
        }
    }
    Ok(())
}

/// The volume, its copy or two backups of it, and what a file system keeps for itself.
fn needed_bytes(data: u64) -> u64 {
    data * 27 / 10 + GIB
}

fn free_bytes(options: &Options) -> Result<u64> {
    let free = statvfs(&options.directory)?;
    let free = free.blocks_available() * free.fragment_size();
    Ok(free.min(options.space * GIB))
}

/// One volume and all that is done with it.
struct Cell<'a> {
    options: &'a Options,
    site: Site,
    volume: Volume,
    snapshot: SnapshotItem,
    backup: BackupItem,
    data_bytes: u64,
}

impl<'a> Cell<'a> {
    async fn new(options: &'a Options, size_bytes: u64, percent: u64) -> Result<Self> {
        let site = Site::new(&options.directory)?;
        let (volume, data_bytes) = site.filled_volume(size_bytes, percent).await?;
        let snapshot = site.snapshot(&volume).await?;
        let backup = site.backup_of(&volume);
        println!(
            "\n## {} GiB with {percent} % data: {} MB",
            size_bytes / GIB,
            data_bytes / 1_000_000
        );
        Ok(Self {
            options,
            site,
            volume,
            snapshot,
            backup,
            data_bytes,
        })
    }

    async fn run(&self) -> Result<()> {
        self.compare(
            "From a volume to a backup",
            &[Ours::Backup],
            &contender::EXPORTS,
        )
        .await?;
        let ours = [Ours::NewVolume, Ours::InPlace, Ours::SnapshotToNew];
        self.compare("From a backup to a volume", &ours, &contender::RESTORES)
            .await
    }

    async fn compare(&self, title: &str, ours: &[Ours], others: &[Contender]) -> Result<()> {
        let mut rows = Vec::new();
        for round in 0..self.options.repeat {
            for step in ours {
                let (name, _) = self.work(*step);
                if self.is_wanted(name) {
                    let (cost, stored) = self.run_ours(*step).await?;
                    self.record(&mut rows, name, cost, stored);
                }
            }
            for other in others {
                let again = round > 0 && other.once;
                if !again && self.is_wanted(other.name) && other.missing().is_empty() {
                    let (cost, stored) = self.run_other(other).await?;
                    self.record(&mut rows, other.name, cost, stored);
                }
            }
        }
        table::head(title);
        for row in &rows {
            row.print();
        }
        for other in others.iter().filter(|other| !other.missing().is_empty()) {
            println!(
                "\nLeft out: {}, for want of {}.",
                other.name,
                other.missing().join(", ")
            );
        }
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        name.contains(&self.options.only)
    }

    fn record(&self, rows: &mut Vec<Row>, name: &str, cost: Cost, stored_bytes: Option<u64>) {
        let row = Row {
            name: name.into(),
            cost,
            data_bytes: self.data_bytes,
            stored_bytes,
        };
        eprintln!("{name}: {:.2} s", cost.elapsed.as_secs_f64());
        match rows.iter_mut().find(|row| row.name == name) {
            Some(best) => best.improve(row),
            None => rows.push(row),
        }
    }

    async fn run_ours(&self, step: Ours) -> Result<(Cost, Option<u64>)> {
        let (_, work) = self.work(step);
        let new = match &work {
            Work::RestoreBackup { target, .. } | Work::RestoreSnapshot { target, .. } => {
                Some(target.clone())
            }
            _ => None,
        };
        if !matches!(step, Ours::Backup) && !self.site.object(&self.backup).exists() {
            self.site.complete(self.work(Ours::Backup).1).await?;
        }
        let ((), cost) = meter::measure(self.site.complete(work)).await?;
        let stored = match step {
            Ours::Backup => Some(self.site.object(&self.backup).metadata()?.len()),
            _ => None,
        };
        if let Some(volume) = new {
            self.site.complete(Work::DeleteVolume { volume }).await?;
        }
        Ok((cost, stored))
    }

    fn work(&self, step: Ours) -> (&'static str, Work) {
        let (volume, backup) = (self.volume.clone(), self.backup.clone());
        let target = self.site.volume(volume.size_bytes);
        match step {
            Ours::Backup => (
                "**Tidemark**, backup",
                Work::CreateBackup { volume, backup },
            ),
            Ours::NewVolume => (
                "**Tidemark**, to a new volume",
                Work::RestoreBackup { backup, target },
            ),
            Ours::InPlace => {
                let source = RestoreSource::Backup(Box::new(backup));
                let work = Work::RestoreInPlace { volume, source };
                ("**Tidemark**, in place, checked first", work)
            }
            Ours::SnapshotToNew => {
                let snapshot = self.snapshot.clone();
                let work = Work::RestoreSnapshot {
                    volume,
                    snapshot,
                    target,
                };
                ("**Tidemark**, snapshot to a new volume", work)
            }
        }
    }

    async fn run_other(&self, other: &Contender) -> Result<(Cost, Option<u64>)> {
        let out = tempfile::tempdir_in(self.site.scratch())?;
        let (size, data) = (
            self.volume.size_bytes.to_string(),
            self.data_bytes.to_string(),
        );
        let (source, backup) = (
            self.site.image(&self.volume),
            self.site.object(&self.backup),
        );
        let variables = [
            ("SOURCE", text(&source)),
            ("BACKUP", text(&backup)),
            ("OUT", text(out.path())),
            ("SIZE_BYTES", &size),
            ("DATA_BYTES", &data),
        ];
        meter::shell(other.prepare, &variables).await?;
        let cost = meter::shell(other.script, &variables).await?;
        let kept = out.path().join("backup");
        let stored = if other.script.contains("sync") && !out.path().join("disk").exists() {
            Some(size_of(&kept)?)
        } else {
            None
        };
        Ok((cost, stored))
    }
}

/// What we do.
#[derive(Debug, Clone, Copy)]
enum Ours {
    Backup,
    NewVolume,
    InPlace,
    SnapshotToNew,
}

fn size_of(path: &Path) -> Result<u64> {
    let metadata = path.metadata()?;
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        sum += size_of(&entry?.path())?;
    }
    Ok(sum)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
