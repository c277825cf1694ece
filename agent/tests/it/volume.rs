//! Volumes and their snapshots.

use std::{fs, os::unix::fs::MetadataExt as _};

use tidemark_agent::{
    driver::{Code, Retained},
    operation::{Completed, Outcome, RestoreSource, SnapshotItem, Volume, Work},
};
use uuid::Uuid;

use crate::site::{MIB, Site, run, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_can_be_created_and_deleted_any_number_of_times() {
    let site = Site::new();
    let volume = site.volume(64 * MIB);
    for _ in 1..=2 {
        let work = Work::CreateVolume {
            volume: volume.clone(),
        };
        assert!(matches!(site.perform(work).await, Outcome::Completed(_)));
        assert!(site.image(&volume).is_file());
    }
    for _ in 1..=2 {
        let work = Work::DeleteVolume {
            volume: volume.clone(),
        };
        assert!(matches!(site.perform(work).await, Outcome::Completed(_)));
        assert_eq!(std::fs::read_dir(site.path("pool")).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_brings_the_volume_back_bit_for_bit() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 0xaa, 5 * MIB, 7 * MIB);
    let later = site.take_snapshot(&volume).await;
    assert_ne!(site.digest(&volume), before);

    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Snapshot(snapshot.clone()),
    };
    for _ in 1..=2 {
        let outcome = site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(site.digest(&volume), before);
    }
    let names = [snapshot.id, later.id].map(|id| format!("tidemark-{id}"));
    assert_eq!(site.snapshot_names(&volume), names, "newer snapshots stay");
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_keeps_what_has_changed_since() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    site.scribble(&volume, 1, 0, 64 * MIB);
    let snapshot = site.take_snapshot(&volume).await;
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    };
    let Completed { retained, .. } = site.complete(work).await;
    let kept = |retained_bytes| Retained {
        snapshot_id: snapshot.id,
        retained_bytes,
    };
    assert_eq!(retained.unwrap(), [kept(0)]);

    site.scribble(&volume, 2, 8 * MIB, 10 * MIB);
    let other = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: other.clone(),
    };
    let Completed { retained, .. } = site.complete(work).await;
    let none = Retained {
        snapshot_id: other.id,
        retained_bytes: 0,
    };
    assert_eq!(retained.unwrap(), [kept(10 * MIB), none]);

    let work = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: other,
    };
    let Completed { retained, .. } = site.complete(work).await;
    assert_eq!(retained.unwrap(), [kept(10 * MIB)]);
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_deleted_even_if_it_is_gone_already() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let work = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    };
    for _ in 1..=2 {
        let outcome = site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert!(site.snapshot_names(&volume).is_empty());
    }
    std::fs::remove_file(site.image(&volume)).unwrap();
    assert!(matches!(site.perform(work).await, Outcome::Completed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_becomes_a_new_and_larger_volume() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 0xaa, 0, 20 * MIB);
    let source = site.digest(&volume);

    let target = site.volume(100 * MIB);
    let work = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot,
        target: target.clone(),
    };
    for _ in 1..=2 {
        let outcome = site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(site.digest_of_beginning(&target, volume.size_bytes), before);
    }
    assert_eq!(site.digest(&volume), source, "the source is never written");
    site.assert_clean();
}

/// Makes a volume larger, as an administrator and the gateway do together.
fn grow(site: &Site, volume: &mut Volume, size_bytes: u64) {
    let (image, bytes) = (site.image(volume), size_bytes.to_string());
    let resize = ["resize", "-q", "-f", "qcow2", text(&image), &bytes];
    run("qemu-img", resize);
    volume.size_bytes = size_bytes;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_taken_before_its_volume_grew_becomes_a_volume_of_its_own_size() {
    let site = Site::new();
    let mut volume = site.filled_volume(64 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    grow(&site, &mut volume, 128 * MIB);
    site.scribble(&volume, 7, 30 * MIB, 98 * MIB);

    for size_bytes in [64 * MIB, 100 * MIB, 160 * MIB] {
        let target = site.volume(size_bytes);
        let work = Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
            target: target.clone(),
        };
        site.complete(work).await;
        assert_eq!(site.digest_of_beginning(&target, 64 * MIB), before);
    }
    site.assert_clean();
}

/// A snapshot of all of a volume, whose image is smaller today, and what it holds.
async fn snapshot_of_more(site: &Site, volume: &mut Volume) -> (SnapshotItem, blake3::Hash) {
    let smaller = site.take_snapshot(volume).await;
    grow(site, volume, 48 * MIB);
    let held = site.digest(volume);
    let snapshot = site.take_snapshot(volume).await;
    let (image, name) = (site.image(volume), format!("tidemark-{}", smaller.id));
    run("qemu-img", ["snapshot", "-a", &name, text(&image)]);
    (snapshot, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_an_image_that_has_become_smaller_is_read_whole() {
    let site = Site::new();
    let mut volume = site.filled_volume(32 * MIB).await;
    let (snapshot, held) = snapshot_of_more(&site, &mut volume).await;
    let target = site.volume(48 * MIB);
    site.complete(Work::RestoreSnapshot {
        volume,
        snapshot,
        target: target.clone(),
    })
    .await;
    assert_eq!(site.digest(&target), held);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_server_can_read_of_an_image_that_has_become_smaller_is_not_cut_short() {
    let site = Site::new();
    let mut volume = site.volume(32 * MIB);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    let image = site.image(&volume);
    let compressed = ["-f", "qcow2", "-c", "write -c -P 1 0 64k", text(&image)];
    run("qemu-io", compressed);
    let (snapshot, _) = snapshot_of_more(&site, &mut volume).await;
    let work = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot,
        target: site.volume(48 * MIB),
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::StorageFailed);
    assert!(failure.message.contains("smaller"), "{failure}");
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_after_a_volume_grew_holds_all_of_it() {
    let site = Site::new();
    let mut volume = site.filled_volume(32 * MIB).await;
    site.take_snapshot(&volume).await;
    grow(&site, &mut volume, 48 * MIB);
    site.scribble(&volume, 7, 30 * MIB, 16 * MIB);
    let grown = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 8, 0, 48 * MIB);

    let source = RestoreSource::Backup(Box::new(backup.clone()));
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };
    site.complete(work).await;
    assert_eq!(site.digest(&volume), grown);
    let target = site.volume(48 * MIB);
    let work = Work::RestoreBackup {
        backup,
        target: target.clone(),
    };
    site.complete(work).await;
    assert_eq!(site.digest(&target), grown);
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_a_smaller_volume_leaves_the_rest_zero() {
    let site = Site::new();
    let mut volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    grow(&site, &mut volume, 48 * MIB);
    site.scribble(&volume, 7, 30 * MIB, 18 * MIB);

    let source = RestoreSource::Snapshot(snapshot);
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };
    site.complete(work).await;
    assert_eq!(site.digest_of_beginning(&volume, 32 * MIB), before);
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_missing_is_named_and_nothing_is_touched() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let source = RestoreSource::Snapshot(snapshot);
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };
    let (failure, volume_touched) = site.fail(work).await;
    assert_eq!(failure.code, Code::ItemNotAvailable);
    assert!(!volume_touched);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_a_new_volume() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let target = site.volume(32 * MIB);
    let work = Work::RestoreBackup {
        backup,
        target: target.clone(),
    };
    site.complete(work).await;
    for volume in [volume, target] {
        let mode = site.image(&volume).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_any_cluster_size_are_overwritten_with_what_a_snapshot_keeps_and_without() {
    let site = Site::new();
    for cluster_size in ["512", "4k", "2M"] {
        let volume = site.filled_volume(32 * MIB).await;
        let (image, remade) = (site.image(&volume), site.path("scratch/remade"));
        let option = format!("cluster_size={cluster_size}");
        let convert = ["convert", "-f", "qcow2", "-O", "qcow2", "-o", &option];
        run(
            "qemu-img",
            convert.into_iter().chain([text(&image), text(&remade)]),
        );
        fs::rename(remade, &image).unwrap();
        let before = site.digest(&volume);
        let backup = site.take_backup(&volume).await;
        let snapshot = site.take_snapshot(&volume).await;
        // Some of it is the disk's own now, some is still the snapshot's as well, and some is no more.
        site.scribble(&volume, 7, 3 * MIB / 2 + 512, 9 * MIB);
        let discard = ["-f", "qcow2", "-c", "discard 20M 5M", text(&image)];
        run("qemu-io", discard);
        for source in [
            RestoreSource::Backup(Box::new(backup)),
            RestoreSource::Snapshot(snapshot),
        ] {
            let work = Work::RestoreInPlace {
                volume: volume.clone(),
                source,
            };
            site.complete(work).await;
            assert_eq!(site.digest(&volume), before, "{cluster_size}");
            site.check_image(&volume);
        }
    }
    site.assert_clean();
}
