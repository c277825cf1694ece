//! A hypervisor in a directory, and our own operations on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::{Destination, ObjectPath, Store};
use tempfile::TempDir;
use tidemark_agent::{
    driver::{Driver, Surroundings, Tools, ceph_rbd, qcow2_file},
    lock::Locks,
    operation::{
        BackupItem, BackupStorage, Belongs, Host, Named, Operation, Outcome, Owner, Pool,
        RealStores, Report, SnapshotItem, Volume, Work,
    },
    process::{Launcher, Processes},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    choice::{Source, Target},
    content::{EXTENT_BYTES, extent},
    services::Services,
};

/// Extents that are made and written at once.
const LANES: usize = 4;
/// Below this, other tools keep their backups in a bucket.
const OTHERS: &str = "others";

pub struct Site {
    // The services end before their directory.
    services: Services,
    directory: TempDir,
    host: Host,
    pool: Pool,
    storage: BackupStorage,
    store: Arc<dyn Store>,
}

impl Site {
    /// A site in a new directory below `parent`; none where its services are not installed.
    pub async fn new(parent: &Path, source: Source, target: Target) -> Result<Option<Self>> {
        let directory = TempDir::with_prefix_in("tidemark-bench-", parent)?;
        for name in ["pool", "backups", "run", "scratch"] {
            fs::create_dir(directory.path().join(name))?;
        }
        let backups = directory.path().join("backups");
        let Some(services) = Services::start(source, target, &backups).await else {
            return Ok(None);
        };
        let tools = Tools::default();
        let host = Host {
            launcher: Launcher::new(tools.setpriv.clone())?,
            tools,
            run_directory: directory.path().join("run"),
            stores: Arc::new(RealStores::default()),
            locks: Locks::default(),
        };
        let storage = BackupStorage {
            id: Uuid::now_v7(),
            destination: services
                .destination()
                .unwrap_or(Destination::Local { path: backups }),
            mark: None,
            bytes_per_second: None,
        };
        let pool = match source {
            Source::Qcow2 => Pool::Qcow2File {
                directory: directory.path().join("pool"),
            },
            Source::Ceph => services.pool().context("there is no cluster")?,
        };
        Ok(Some(Self {
            store: storage.destination.open()?,
            services,
            directory,
            host,
            pool,
            storage,
        }))
    }

    /// A place for what the others write.
    pub fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    /// What scripts are told of the site, a volume and its backup.
    pub fn variables(&self, volume: &Volume, backup: &BackupItem) -> Vec<(&'static str, String)> {
        let mut variables = self.services.variables();
        let (source, qemu_source) = match &volume.pool {
            Pool::Qcow2File { directory } => {
                let image = directory.join(format!("{}.qcow2", volume.id));
                let image = image.display().to_string();
                (image.clone(), image)
            }
            Pool::CephRbd(pool) => {
                let image = format!("{}/{}", pool.pool, volume.id);
                // The configuration is found by the environment.
                (image.clone(), format!("rbd:{image}"))
            }
        };
        let object = match &self.storage.destination {
            Destination::S3(bucket) => format!(":s3:{}/{}", bucket.bucket, object(backup)),
            Destination::Local { .. } | Destination::Nfs(_) => {
                let backups = self.directory.path().join("backups");
                backups.join(object(backup)).display().to_string()
            }
        };
        variables.extend([
            ("SOURCE", source),
            ("QEMU_SOURCE", qemu_source),
            ("OBJECT", object),
            ("SIZE_BYTES", volume.size_bytes.to_string()),
        ]);
        variables
    }

    /// The size of what we have stored; none if there is nothing.
    pub async fn stored(&self, backup: &BackupItem) -> Result<Option<u64>> {
        match self.store.size(&ObjectPath::new(object(backup))?).await {
            Ok(size) => Ok(Some(size)),
            Err(storage::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The size of what others have stored here, in a directory or in the bucket.
    pub async fn stored_by_others(&self, out: &Path) -> Result<u64> {
        let in_bucket = self.store.list(&ObjectPath::new(OTHERS)?).await?;
        let in_bucket: u64 = in_bucket.iter().map(|object| object.size_bytes).sum();
        let kept = out.join("backup");
        let in_directory = if kept.exists() { size_of(&kept)? } else { 0 };
        Ok(in_bucket + in_directory)
    }

    /// Removes what others have stored, and what is kept of deleted objects.
    pub async fn clear(&self) -> Result<()> {
        self.store.delete_prefix(&ObjectPath::new(OTHERS)?).await?;
        self.services.forget_deleted();
        Ok(())
    }

    /// The description of a volume that does not exist yet.
    pub fn volume(&self, size_bytes: u64) -> Volume {
        Volume {
            id: Uuid::now_v7(),
            name: "disk".into(),
            size_bytes,
            belongs: Belongs {
                plan: named("plan"),
                pool: named("pool"),
                group: named("group"),
            },
            pool: self.pool.clone(),
            mark: None,
            instance: None,
        }
    }

    pub fn backup_of(&self, volume: &Volume) -> BackupItem {
        BackupItem {
            id: Uuid::now_v7(),
            name: "backup".into(),
            volume_id: volume.id,
            storage_type: volume.pool.storage_type(),
            volume_size_bytes: volume.size_bytes,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            owner: Owner {
                installation_id: Uuid::now_v7(),
                account: named("account"),
            },
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
        let opened = self.driver(&volume)?.overwrite().await?;
        let disk = opened.target();
        let written: u64 = stream::iter((0..extents).filter(chosen))
            .map(|number| async move {
                let content = tokio::task::spawn_blocking(move || extent(number)).await?;
                let length = content.len() as u64;
                disk.put(number * EXTENT_BYTES as u64, content).await?;
                anyhow::Ok(length)
            })
            .buffer_unordered(LANES)
            .try_fold(0, |sum, length| async move { Ok(sum + length) })
            .await?;
        disk.finish(size_bytes).await?;
        opened.close().await?;
        Ok((volume, written))
    }

    fn driver(&self, volume: &Volume) -> Result<Box<dyn Driver>> {
        let report = Report::default();
        let surroundings = Surroundings {
            tools: self.host.tools.clone(),
            processes: Processes::new(self.host.launcher.clone(), Arc::clone(&report.journal)),
            run_directory: self.host.run_directory.clone(),
            journal: report.journal,
        };
        let (id, size) = (volume.id, volume.size_bytes);
        let driver: Box<dyn Driver> = match &volume.pool {
            Pool::Qcow2File { directory } => Box::new(qcow2_file::Qcow2File::new(
                directory,
                id,
                size,
                surroundings,
            )?),
            Pool::CephRbd(pool) => Box::new(ceph_rbd::CephRbd::new(pool, id, size, surroundings)?),
        };
        Ok(driver)
    }

    /// Takes a snapshot, and says how long that took.
    pub async fn snapshot(&self, volume: &Volume) -> Result<(SnapshotItem, Duration)> {
        let snapshot = SnapshotItem {
            id: Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        };
        let begun_at = Instant::now();
        self.complete(Work::CreateSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        })
        .await?;
        Ok((snapshot, begun_at.elapsed()))
    }

    /// Runs an operation as an agent does.
    pub async fn complete(&self, work: Work) -> Result<()> {
        let operation = Operation::new(Uuid::now_v7(), work, self.host.clone(), Report::default());
        match operation.perform(&CancellationToken::new()).await {
            Outcome::Completed(_) => Ok(()),
            other => bail!("{other:?}"),
        }
    }
}

fn object(backup: &BackupItem) -> String {
    format!("volumes/{}/{}/disk.raw.zst", backup.volume_id, backup.id)
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

/// Something with a name, for manifests.
fn named(name: &str) -> Named {
    Named {
        id: Uuid::now_v7(),
        name: name.into(),
    }
}
