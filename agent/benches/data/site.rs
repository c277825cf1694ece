//! A hypervisor in a directory, and our own operations on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::{Destination, format::manifest::StorageType};
use tempfile::TempDir;
use tidemark_agent::{
    driver::{Driver as _, Surroundings, Tools, qcow2_file},
    lock::Locks,
    operation::{
        BackupItem, BackupStorage, Host, Operation, Outcome, Plan, Pool, RealStores, Report,
        SnapshotItem, Volume, Work,
    },
    process::{Launcher, Processes},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::content::{EXTENT_BYTES, extent};

/// Extents that are made and written at once.
const LANES: usize = 4;

pub struct Site {
    directory: TempDir,
    host: Host,
    storage: BackupStorage,
}

impl Site {
    /// A site in a new directory below `parent`.
    pub fn new(parent: &Path) -> Result<Self> {
        let directory = TempDir::with_prefix_in("tidemark-bench-", parent)?;
        for name in ["pool", "backups", "run", "scratch"] {
            fs::create_dir(directory.path().join(name))?;
        }
        let tools = Tools::default();
        let host = Host {
            launcher: Launcher::new(tools.setpriv.clone())?,
            tools,
            run_directory: directory.path().join("run"),
            stores: Arc::new(RealStores::default()),
            locks: Locks::default(),
        };
        let path = directory.path().join("backups");
        let storage = BackupStorage {
            id: Uuid::now_v7(),
            destination: Destination::Local { path },
            bytes_per_second: None,
        };
        Ok(Self {
            directory,
            host,
            storage,
        })
    }

    /// A place for what the others write.
    pub fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    pub fn image(&self, volume: &Volume) -> PathBuf {
        let name = format!("pool/{}.qcow2", volume.id);
        self.directory.path().join(name)
    }

    pub fn object(&self, backup: &BackupItem) -> PathBuf {
        let name = format!(
            "backups/volumes/{}/{}/disk.raw.zst",
            backup.volume_id, backup.id
        );
        self.directory.path().join(name)
    }

    /// The description of a volume that does not exist yet.
    pub fn volume(&self, size_bytes: u64) -> Volume {
        let directory = self.directory.path().join("pool");
        Volume {
            id: Uuid::now_v7(),
            name: "disk".into(),
            size_bytes,
            plan: Plan {
                id: Uuid::now_v7(),
                name: "plan".into(),
            },
            pool: Pool::Qcow2File { directory },
            instance: None,
        }
    }

    pub fn backup_of(&self, volume: &Volume) -> BackupItem {
        BackupItem {
            id: Uuid::now_v7(),
            name: "backup".into(),
            volume_id: volume.id,
            storage_type: StorageType::Qcow2File,
            volume_size_bytes: volume.size_bytes,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            storage: self.storage.clone(),
        }
    }

    /// A volume of which `percent` holds data, spread evenly, and how many bytes that are.
    pub async fn filled_volume(&self, size_bytes: u64, percent: u64) -> Result<(Volume, u64)> {
        let volume = self.volume(size_bytes);
        self.complete(Work::CreateVolume {
            volume: volume.clone(),
        })
        .await?;
        let extents = size_bytes / EXTENT_BYTES as u64;
        let chosen = move |n: &u64| n * percent / 100 != (n + 1) * percent / 100;
        let server = self.driver(&volume)?.serve().await?;
        let disk = server.client().clone();
        let written: u64 = stream::iter((0..extents).filter(chosen))
            .map(|number| {
                let disk = disk.clone();
                async move {
                    let content = tokio::task::spawn_blocking(move || extent(number)).await?;
                    let length = content.len() as u64;
                    disk.write(number * EXTENT_BYTES as u64, content).await?;
                    anyhow::Ok(length)
                }
            })
            .buffer_unordered(LANES)
            .try_fold(0, |sum, length| async move { Ok(sum + length) })
            .await?;
        disk.flush().await?;
        drop(disk);
        server.finish().await?;
        Ok((volume, written))
    }

    fn driver(&self, volume: &Volume) -> Result<qcow2_file::Qcow2File> {
        let report = Report::default();
        let Pool::Qcow2File { directory } = &volume.pool else {
            bail!("not a volume of this site");
        };
        let surroundings = Surroundings {
            tools: self.host.tools.clone(),
            processes: Processes::new(self.host.launcher.clone(), Arc::clone(&report.journal)),
            run_directory: self.host.run_directory.clone(),
            journal: report.journal,
        };
        let driver =
            qcow2_file::Qcow2File::new(directory, volume.id, volume.size_bytes, surroundings)?;
        Ok(driver)
    }

    pub async fn snapshot(&self, volume: &Volume) -> Result<SnapshotItem> {
        let snapshot = SnapshotItem {
            id: Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        };
        self.complete(Work::CreateSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        })
        .await?;
        Ok(snapshot)
    }

    /// Runs an operation as an agent does.
    pub async fn complete(&self, work: Work) -> Result<()> {
        let operation = Operation::new(
            Uuid::now_v7(),
            1,
            work,
            self.host.clone(),
            Report::default(),
        );
        match operation.perform(&CancellationToken::new()).await {
            Outcome::Completed(_) => Ok(()),
            other => bail!("{other:?}"),
        }
    }
}
