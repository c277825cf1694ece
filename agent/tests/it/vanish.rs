//! Disks that go away in the midst of something: nothing is made elsewhere, and what is said is so.

mod restore;

use std::{
    fmt, fs,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use storage::{Object, ObjectPath, ObjectWriter, Result, Standing, Store};
use testbed::Disk;
use tidemark_agent::{
    driver::{Code, Removed},
    operation::{BackupItem, BackupStorage, Operation, Outcome, Report, Stores, Volume, Work},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    place::{in_pool, in_storage},
    site::{MIB, Site, has_no_files, text, within},
};

/// How a disk goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `umount -l`: what is open stays open.
    Detached,
    /// It answers everything with an error.
    Failed,
}

const WAYS: [Way; 2] = [Way::Detached, Way::Failed];

/// A disk of its own on a directory of a site.
struct Scene {
    site: Site,
    disk: Arc<Disk>,
}

impl Scene {
    fn on(name: &str) -> Option<Self> {
        let site = Site::new();
        let disk = Disk::xfs(&site.path("scratch/disk"), &site.path(name), 320 * MIB)?;
        let disk = Arc::new(disk);
        Some(Self { site, disk })
    }

    fn backups(&self) -> std::path::PathBuf {
        self.site.path("backups")
    }

    fn vanish(&self, way: Way) {
        vanish(&self.disk, way);
    }

    /// Brings it back. Meanwhile nothing was made below its mount point.
    async fn bring_back(&self, way: Way, below: &Path) {
        if way == Way::Detached {
            assert!(has_no_files(below), "below {}", below.display());
        }
        self.disk.bring_back().await;
    }
}

fn vanish(disk: &Disk, way: Way) {
    match way {
        Way::Detached => disk.detach(),
        Way::Failed => disk.fail(),
    }
}

/// Stores for which the disk goes away just before a request.
struct Striking {
    disk: Arc<Disk>,
    way: Way,
    /// After so many requests of all stores together.
    after: usize,
    requests: Arc<AtomicUsize>,
}

impl Stores for Striking {
    fn open(&self, storage: &BackupStorage) -> Result<Arc<dyn Store>> {
        let (disk, way, after) = (Arc::clone(&self.disk), self.way, self.after);
        let requests = Arc::clone(&self.requests);
        Ok(Arc::new(Struck {
            inner: storage.destination.open()?,
            asked: Box::new(move || {
                if requests.fetch_add(1, Ordering::SeqCst) == after {
                    vanish(&disk, way);
                }
            }),
        }))
    }
}

/// Does something before each request.
struct Struck {
    inner: Arc<dyn Store>,
    asked: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Struck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

#[async_trait]
impl Store for Struck {
    async fn create(&self, path: &ObjectPath, bytes: u64) -> Result<Box<dyn ObjectWriter>> {
        (self.asked)();
        self.inner.create(path, bytes).await
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        (self.asked)();
        self.inner.read(path, range).await
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        (self.asked)();
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        (self.asked)();
        self.inner.list(prefix).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        (self.asked)();
        self.inner.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        (self.asked)();
        self.inner.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        (self.asked)();
        self.inner.delete_prefix(prefix).await
    }
}

fn make(volume: &Volume, backup: &BackupItem, standing: Standing) -> Work {
    Work::CreateBackup {
        volume: volume.clone(),
        backup: in_storage(backup, standing),
    }
}

fn delete(backup: &BackupItem) -> Work {
    Work::DeleteBackup {
        backup: in_storage(backup, Standing::Marked),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_s_deletion_during_which_the_disk_goes_says_of_the_backup_what_is_so() {
    let Some(mut scene) = Scene::on("backups") else {
        return;
    };
    let volume = scene.site.filled_volume(32 * MIB).await;
    let first = scene.site.backup_of(&volume);
    scene
        .site
        .complete(make(&volume, &first, Standing::New))
        .await;
    let real = Arc::clone(&scene.site.host.stores);
    // The place proves itself by two requests, the backup is looked for; then its manifest goes and is looked for, and
    // then the rest goes; then the place proves itself again.
    let (manifest_goes, rest_goes, requests) = (3, 5, 8);
    for way in WAYS {
        for after in 0..requests {
            let backup = scene.site.backup_of(&volume);
            let made = make(&volume, &backup, Standing::Marked);
            scene.site.complete(made).await;
            scene.site.host.stores = Arc::new(Striking {
                disk: Arc::clone(&scene.disk),
                way,
                after,
                requests: Arc::default(),
            });
            let (removed, told) = scene.site.removed(delete(&backup), 1).await;
            scene.site.host.stores = Arc::clone(&real);
            scene.bring_back(way, &scene.backups()).await;

            let place = format!("{way:?} after {after} requests: {told}");
            let expected = match after {
                // What was asked of a disk that fails may be done, for all that anybody knows.
                _ if after == manifest_goes && way == Way::Failed => Removed::Unknown,
                _ if after <= manifest_goes => Removed::Nothing,
                _ if after <= rest_goes => Removed::Some,
                _ => Removed::Unknown,
            };
            assert_eq!(removed, expected, "{place}");
            let directory = scene.site.backup_directory(&backup);
            let is_there = directory.join("manifest.json").exists();
            assert_eq!(is_there, after <= manifest_goes, "{place}");
            assert_eq!(
                directory.join("disk.raw.zst").exists(),
                after <= rest_goes,
                "{place}"
            );
            scene.site.complete(delete(&backup)).await;
            assert!(!directory.exists(), "{place}");
        }
    }
    // Of the other backup nothing was touched.
    scene.site.complete(delete(&first)).await;
}

/// A backup of a volume that is being written, slowly.
async fn half_a_backup(site: &Site, work: Work) -> tokio::task::JoinHandle<Outcome> {
    let report = Report::default();
    let mut progress = report.progress.subscribe();
    let operation = Operation::new(Uuid::now_v7(), work, site.host.clone(), report);
    let running = tokio::spawn(async move { operation.perform(&CancellationToken::new()).await });
    within(progress.wait_for(|reading| reading.bytes_done > 0))
        .await
        .unwrap();
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_which_the_disk_goes_fails_and_the_next_one_completes() {
    let Some(scene) = Scene::on("backups") else {
        return;
    };
    let volume = scene.site.filled_volume(128 * MIB).await;
    let first = scene.site.backup_of(&volume);
    scene
        .site
        .complete(make(&volume, &first, Standing::New))
        .await;
    for way in WAYS {
        let mut backup = scene.site.backup_of(&volume);
        backup.storage.bytes_per_second = Some(8 * MIB);
        let work = make(&volume, &backup, Standing::Marked);
        let running = half_a_backup(&scene.site, work.clone()).await;
        scene.vanish(way);
        let outcome = within(running).await.unwrap();
        let Outcome::Failed { failure, .. } = outcome else {
            panic!("{way:?}: {outcome:?}")
        };
        assert_eq!(failure.code, Code::BackupStorageUnreachable, "{failure}");
        assert!(scene.site.snapshot_names(&volume).is_empty(), "{way:?}");
        scene.bring_back(way, &scene.backups()).await;

        let directory = scene.site.backup_directory(&backup);
        assert!(!directory.join("manifest.json").exists(), "{way:?}");
        backup.storage.bytes_per_second = None;
        scene
            .site
            .complete(make(&volume, &backup, Standing::Marked))
            .await;
        let mut kept: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        kept.sort();
        assert_eq!(kept, ["disk.raw.zst", "manifest.json"], "{way:?}");
        scene.site.complete(delete(&backup)).await;
    }
    scene.site.complete(delete(&first)).await;
    scene.site.complete(Work::DeleteVolume { volume }).await;
    assert!(has_no_files(&scene.site.path("pool")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_in_a_pool_whose_disk_goes_meanwhile_is_not_said_to_be_gone() {
    let Some(mut scene) = Scene::on("pool") else {
        return;
    };
    let volume = scene.site.volume(32 * MIB);
    let create = Work::CreateVolume {
        volume: in_pool(&volume, Standing::New),
    };
    scene.site.complete(create).await;
    let marked = in_pool(&volume, Standing::Marked);
    let snapshot = scene.site.take_snapshot(&marked).await;
    let real = scene.site.host.tools.qemu_img.clone();
    let pool = scene.site.path("pool");
    for way in WAYS {
        let strike = match way {
            Way::Detached => format!("umount --lazy {}", text(&pool)),
            Way::Failed => format!("xfs_io -x -c 'shutdown -f' {}", text(&pool)),
        };
        // It goes when the snapshot is about to.
        let body = format!(
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin\ncase \"$*\" in *'snapshot'*'-d'*) {strike} ;; esac\nexec $real \"$@\""
        );
        scene.site.host.tools.qemu_img = scene.site.script(text(&real), &body);
        let work = Work::DeleteSnapshot {
            volume: marked.clone(),
            snapshot: snapshot.clone(),
        };
        let (removed, told) = scene.site.removed(work, 1).await;
        assert_eq!(removed, Removed::Unknown, "{way:?}: {told}");
        scene.site.host.tools.qemu_img = real.clone();
        scene.bring_back(way, &pool).await;
        assert_eq!(scene.site.snapshot_names(&volume).len(), 1, "{way:?}");
    }
    let delete = Work::DeleteSnapshot {
        volume: marked.clone(),
        snapshot,
    };
    scene.site.complete(delete).await;
    assert!(scene.site.snapshot_names(&volume).is_empty());
    scene
        .site
        .complete(Work::DeleteVolume { volume: marked })
        .await;
}
