//! One volume and all that is done with it, by us and by others.

use anyhow::Result;
use tidemark_agent::operation::{BackupItem, RestoreSource, SnapshotItem, Volume, Work};

use crate::{
    GIB, Options,
    choice::{Source, Target},
    contender::Contender,
    export,
    meter::{self, Cost},
    restore,
    site::Site,
    table::{self, Row},
};

/// Volumes beyond this that are all read or written take minutes, however empty they are.
const LARGE: u64 = 16 * GIB;

/// One volume and all that is done with it.
pub struct Cell<'a> {
    options: &'a Options,
    source: Source,
    target: Target,
    site: Site,
    volume: Volume,
    snapshot: SnapshotItem,
    backup: BackupItem,
    data_bytes: u64,
}

impl<'a> Cell<'a> {
    /// A volume of a size on a site, of which `percent` holds data.
    pub async fn new(
        options: &'a Options,
        site: Site,
        (source, target): (Source, Target),
        (size_bytes, percent): (u64, u64),
    ) -> Result<Self> {
        let (volume, data_bytes) = site.filled_volume(size_bytes, percent).await?;
        let (snapshot, _) = site.snapshot(&volume).await?;
        let backup = site.backup_of(&volume);
        println!(
            "\n## {} to {}: {} GiB with {percent} % data, {} MB",
            source.name(),
            target.name(),
            size_bytes / GIB,
            data_bytes / 1_000_000
        );
        Ok(Self {
            options,
            source,
            target,
            site,
            volume,
            snapshot,
            backup,
            data_bytes,
        })
    }

    /// Measures everything, and prints it.
    pub async fn run(&self) -> Result<()> {
        let (source, target) = (self.source, self.target);
        self.compare(
            "From a volume to a backup",
            &[Ours::Backup],
            &export::contenders(source, target),
        )
        .await?;
        let ours = [
            Ours::NewVolume,
            Ours::InPlace,
            Ours::InPlaceKept,
            Ours::SnapshotToNew,
        ];
        self.compare(
            "From a backup to a volume",
            &ours,
            &restore::contenders(source, target),
        )
        .await?;
        if target == Target::Nfs {
            println!(
                "\nLeft out: scripts of other tools. None that is packaged writes to an NFS 4 server \
                 that is not mounted: `nfs-cp` fails, QEMU and rclone do not speak it."
            );
        }
        Ok(())
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
                let slow = other.once || other.streams && self.volume.size_bytes > LARGE;
                let again = round > 0 && slow;
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
        if !matches!(step, Ours::Backup) {
            self.ensure_backup().await?;
        }
        let (volume, snapshot) = (self.volume.clone(), self.snapshot.clone());
        let take_anew = Work::CreateSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        };
        match step {
            Ours::InPlace => {
                let deletion = Work::DeleteSnapshot { volume, snapshot };
                self.site.complete(deletion).await?;
            }
            Ours::InPlaceKept => self.site.complete(take_anew.clone()).await?,
            _ => {}
        }
        let ((), cost) = meter::measure(self.site.complete(work)).await?;
        if step == Ours::InPlace {
            self.site.complete(take_anew).await?;
        }
        let stored = match step {
            Ours::Backup => self.site.stored(&self.backup).await?,
            _ => None,
        };
        if let Some(volume) = new {
            self.site.complete(Work::DeleteVolume { volume }).await?;
        }
        self.site.clear().await?;
        Ok((cost, stored))
    }

    async fn ensure_backup(&self) -> Result<()> {
        if self.site.stored(&self.backup).await?.is_none() {
            self.site.complete(self.work(Ours::Backup).1).await?;
        }
        Ok(())
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
            Ours::InPlace | Ours::InPlaceKept => {
                let name = if step == Ours::InPlace {
                    "**Tidemark**, in place, checked first"
                } else {
                    "**Tidemark**, in place, where a snapshot keeps all of the volume"
                };
                let source = RestoreSource::Backup(Box::new(backup));
                (name, Work::RestoreInPlace { volume, source })
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
        self.ensure_backup().await?;
        let out = tempfile::tempdir_in(self.site.scratch())?;
        let mut variables = self.site.variables(&self.volume, &self.backup);
        variables.extend([
            ("OUT", out.path().display().to_string()),
            ("DATA_BYTES", self.data_bytes.to_string()),
        ]);
        meter::shell(&other.prepare, &variables).await?;
        let cost = meter::shell(&other.script, &variables).await?;
        meter::shell(other.finish, &variables).await?;
        let stored = if other.stores {
            Some(self.site.stored_by_others(out.path()).await?)
        } else {
            None
        };
        self.site.clear().await?;
        Ok((cost, stored))
    }
}

/// What we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Backup,
    NewVolume,
    /// No snapshot keeps anything of the volume.
    InPlace,
    /// A snapshot keeps all of it.
    InPlaceKept,
    SnapshotToNew,
}
