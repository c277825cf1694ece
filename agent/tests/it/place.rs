//! Places that are not the ones that are meant: a disk that is not mounted, was replaced, or is another pool's.

use std::{fs, path::Path};

use storage::{Expected, Marker, ObjectPath, PlaceKind, Standing};
use testbed::Disk;
use tidemark_agent::{
    driver::{Code, Failure},
    operation::{
        BackupItem, Operation, Outcome, Report, RestoreSource, SnapshotItem, Volume, Work,
    },
    report::{Mark, Sighting},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, has_no_files, within};

const INSTALLATION: Uuid = Uuid::from_u128(1);
const POOL: Uuid = Uuid::from_u128(2);
const STORAGE: Uuid = Uuid::from_u128(3);

/// What is expected of the one pool or backup storage that there is.
pub fn mark(kind: PlaceKind, standing: Standing) -> Mark {
    let place_id = match kind {
        PlaceKind::StoragePool => POOL,
        PlaceKind::BackupStorage => STORAGE,
    };
    Mark {
        expected: Expected {
            marker: Marker {
                kind,
                installation_id: INSTALLATION,
                place_id,
                hypervisor_id: None,
                generation: 1,
            },
            standing,
            witnesses: Vec::new(),
        },
        is_asked: standing != Standing::Marked,
    }
}

pub fn in_pool(volume: &Volume, standing: Standing) -> Volume {
    Volume {
        mark: Some(mark(PlaceKind::StoragePool, standing)),
        ..volume.clone()
    }
}

pub fn in_storage(backup: &BackupItem, standing: Standing) -> BackupItem {
    let mut backup = backup.clone();
    backup.storage.mark = Some(mark(PlaceKind::BackupStorage, standing));
    backup
}

/// A site with a disk of its own on the directory `name`.
fn site_with_disk(name: &str) -> Option<(Site, Disk)> {
    let site = Site::new();
    let content = site.path("scratch").join(name);
    fs::create_dir(&content).unwrap();
    let disk = Disk::of(&content, &site.path(name))?;
    Some((site, disk))
}

/// What becomes of an operation, and what the gateway hears of its places.
pub async fn perform(site: &Site, work: Work) -> (Outcome, Vec<Sighting>) {
    let report = Report::default();
    let places = report.places.clone();
    let operation = Operation::new(Uuid::now_v7(), work, site.host.clone(), report);
    let outcome = within(operation.perform(&CancellationToken::new())).await;
    (outcome, places.take())
}

async fn refused(site: &Site, work: Work) -> Failure {
    let (outcome, seen) = perform(site, work).await;
    let Outcome::Failed {
        failure,
        volume_touched,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(!volume_touched);
    assert!(seen[0].problem.is_some(), "{seen:?}");
    failure
}

pub async fn completed(site: &Site, work: Work) -> Vec<Sighting> {
    let (outcome, seen) = perform(site, work).await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    seen
}

fn is_marked(place: &Path) -> bool {
    place.join(".tidemark/owner.json").exists()
}

pub fn create(volume: &Volume) -> Work {
    Work::CreateVolume {
        volume: volume.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pool_whose_disk_is_away_nothing_is_made_and_nothing_is_gone() {
    let Some((site, disk)) = site_with_disk("pool") else {
        return;
    };
    let pool = site.path("pool");
    let volume = site.volume(32 * MIB);
    let seen = completed(&site, create(&in_pool(&volume, Standing::New))).await;
    assert_eq!(
        seen,
        [Sighting {
            place_id: POOL,
            generation: 1,
            problem: None
        }]
    );
    assert!(is_marked(&pool));

    let marked = in_pool(&volume, Standing::Marked);
    let snapshot = site.take_snapshot(&marked).await;
    let backup = site.take_backup(&marked).await;
    disk.unmount();
    let another = in_pool(&site.volume(32 * MIB), Standing::Marked);
    for work in [
        create(&another),
        Work::DeleteVolume {
            volume: marked.clone(),
        },
        Work::DeleteSnapshot {
            volume: marked.clone(),
            snapshot: snapshot.clone(),
        },
        Work::CreateSnapshot {
            volume: marked.clone(),
            snapshot: snapshot.clone(),
        },
        Work::CreateBackup {
            volume: marked.clone(),
            backup: site.backup_of(&volume),
        },
        Work::RestoreBackup {
            backup: backup.clone(),
            target: another.clone(),
        },
        Work::RestoreInPlace {
            volume: marked.clone(),
            source: RestoreSource::Snapshot(snapshot.clone()),
        },
    ] {
        let failure = refused(&site, work.clone()).await;
        assert!(!failure.begun, "{work:?}");
        assert_eq!(failure.code, Code::StorageFailed, "{work:?}");
        assert!(failure.message.contains("is not there"), "{failure}");
        assert!(
            failure.to_string().contains("may not be mounted"),
            "{failure}"
        );
        assert!(has_no_files(&pool), "{work:?}");
    }
    disk.mount();
    let delete = Work::DeleteSnapshot {
        volume: marked.clone(),
        snapshot,
    };
    assert_eq!(completed(&site, delete).await, []);
    completed(&site, Work::DeleteVolume { volume: marked }).await;
    assert!(!site.image(&volume).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_backup_storage_whose_disk_is_away_nothing_is_made_and_nothing_is_gone() {
    let Some((site, disk)) = site_with_disk("backups") else {
        return;
    };
    let backups = site.path("backups");
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.backup_of(&volume);
    let make = |backup: &BackupItem, standing| Work::CreateBackup {
        volume: volume.clone(),
        backup: in_storage(backup, standing),
    };
    let seen = completed(&site, make(&backup, Standing::New)).await;
    assert_eq!((seen[0].place_id, &seen[0].problem), (STORAGE, &None));
    assert!(is_marked(&backups));

    disk.unmount();
    let marked = in_storage(&backup, Standing::Marked);
    let target = site.volume(32 * MIB);
    for work in [
        make(&site.backup_of(&volume), Standing::Marked),
        Work::DeleteBackup {
            backup: marked.clone(),
        },
        Work::RestoreBackup {
            backup: marked.clone(),
            target: target.clone(),
        },
        Work::RestoreInPlace {
            volume: volume.clone(),
            source: RestoreSource::Backup(Box::new(marked.clone())),
        },
    ] {
        let failure = refused(&site, work.clone()).await;
        assert!(!failure.begun, "{work:?}");
        assert_eq!(failure.code, Code::BackupStorageUnreachable, "{work:?}");
        assert!(
            failure.to_string().contains("may not be mounted"),
            "{failure}"
        );
        assert!(has_no_files(&backups), "{work:?}");
    }
    assert!(site.snapshot_names(&volume).is_empty());
    disk.mount();
    completed(
        &site,
        Work::RestoreBackup {
            backup: marked.clone(),
            target: target.clone(),
        },
    )
    .await;
    assert_eq!(site.digest(&target), site.digest(&volume));
    completed(&site, Work::DeleteBackup { backup: marked }).await;
    assert!(!site.backup_directory(&backup).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_disk_is_refused_until_it_is_accepted_and_a_disk_of_another_pool_then_too() {
    let site = Site::new();
    let (pool, aside) = (site.path("pool"), site.path("aside"));
    let volume = site.volume(32 * MIB);
    completed(&site, create(&in_pool(&volume, Standing::New))).await;
    let marked = in_pool(&volume, Standing::Marked);
    let delete = |volume: &Volume| Work::DeleteVolume {
        volume: volume.clone(),
    };

    // An empty disk in its place.
    fs::rename(&pool, &aside).unwrap();
    fs::create_dir(&pool).unwrap();
    refused(&site, delete(&marked)).await;
    let mut accepted = in_pool(&site.volume(32 * MIB), Standing::Accepted);
    accepted.mark.as_mut().unwrap().expected.marker.generation = 2;
    let seen = completed(&site, create(&accepted)).await;
    assert_eq!((seen[0].generation, &seen[0].problem), (2, &None));

    // The former one comes back: it is of another generation.
    accepted.mark.as_mut().unwrap().expected.standing = Standing::Marked;
    fs::rename(&pool, site.path("second")).unwrap();
    fs::rename(&aside, &pool).unwrap();
    let failure = refused(&site, delete(&accepted)).await;
    assert!(failure.to_string().contains("of generation 1"), "{failure}");

    // The disk of another pool, whether it is accepted or not.
    for standing in [Standing::New, Standing::Accepted, Standing::Marked] {
        let mut other = in_pool(&site.volume(32 * MIB), standing);
        other.mark.as_mut().unwrap().expected.marker.place_id = Uuid::from_u128(9);
        let failure = refused(&site, create(&other)).await;
        assert!(
            failure.to_string().contains("it is another one"),
            "{failure}"
        );
        assert!(!site.image(&other).exists());
    }
    assert!(site.image(&volume).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_was_in_use_before_is_known_by_its_images() {
    let site = Site::new();
    let volume = site.volume(32 * MIB);
    site.complete(create(&volume)).await;
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let take = |names: &[String]| {
        let mut volume = in_pool(&volume, Standing::New);
        let names = names
            .iter()
            .map(|name| ObjectPath::new(name.as_str()).unwrap());
        volume.mark.as_mut().unwrap().expected.witnesses = names.collect();
        Work::CreateSnapshot {
            volume,
            snapshot: snapshot.clone(),
        }
    };
    let lost = format!("{}.qcow2", Uuid::now_v7());
    for names in [&[][..], std::slice::from_ref(&lost)] {
        let failure = refused(&site, take(names)).await;
        assert!(failure.to_string().contains("acceptPlace"), "{failure}");
        assert!(!is_marked(&site.path("pool")));
    }
    let there = format!("{}.qcow2", volume.id);
    completed(&site, take(&[lost, there])).await;
    assert!(is_marked(&site.path("pool")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_a_symbolic_link_is_refused_for_everything() {
    let site = Site::new();
    let volume = site.volume(32 * MIB);
    site.complete(create(&volume)).await;
    let snapshot = site.take_snapshot(&volume).await;
    let elsewhere = site.path("scratch/image");
    fs::rename(site.image(&volume), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, site.image(&volume)).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    for work in [
        create(&volume),
        Work::DeleteVolume {
            volume: volume.clone(),
        },
        Work::CreateSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        },
        Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        },
        Work::RestoreInPlace {
            volume: volume.clone(),
            source: RestoreSource::Snapshot(snapshot.clone()),
        },
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        },
    ] {
        let (failure, touched) = site.fail(work.clone()).await;
        assert!(
            failure.message.contains("is a symbolic link") && !touched,
            "{work:?}: {failure}"
        );
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
    assert!(site.image(&volume).is_symlink());
}
