//! Storage that refuses to be changed: nothing is removed, and the item stays what it was.

use std::{path::Path, process::Command};

use testbed::Disk;
use tidemark_agent::{
    driver::Removed,
    operation::{SnapshotItem, Volume, Work},
};

use crate::site::{MIB, Site, text};

fn deletions(volume: &Volume, snapshot: &SnapshotItem) -> [Work; 2] {
    [
        Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        },
        Work::DeleteVolume {
            volume: volume.clone(),
        },
    ]
}

/// Deletes in vain, by a first claim and by a later one, and sees that all is there.
async fn delete_in_vain(site: &Site, volume: &Volume, snapshot: &SnapshotItem) {
    let before = site.digest(volume);
    for work in deletions(volume, snapshot) {
        for epoch in 1..=2 {
            let (removed, told) = site.removed(work.clone(), epoch).await;
            assert_eq!(removed, Removed::Nothing, "{work:?}: {told}");
            assert!(!told.contains('/'), "{told}");
        }
    }
    assert_eq!(site.digest(volume), before);
    assert_eq!(site.snapshot_names(volume).len(), 1);
}

async fn delete_at_last(site: &Site, volume: &Volume, snapshot: &SnapshotItem) {
    for work in deletions(volume, snapshot) {
        site.complete(work).await;
    }
    assert!(!site.image(volume).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_on_a_disk_that_nobody_may_write_to_stays() {
    let site = Site::new();
    let Some(disk) = Disk::ext4(
        &[],
        &site.path("scratch/disk"),
        &site.path("pool"),
        96 * MIB,
    ) else {
        return;
    };
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    disk.protect(true);
    delete_in_vain(&site, &volume, &snapshot).await;
    disk.protect(false);
    delete_at_last(&site, &volume, &snapshot).await;
}

/// Makes a file or directory one that root cannot change either, where the file system can do that.
fn pin(path: &Path, is_pinned: bool) -> bool {
    let flag = if is_pinned { "+i" } else { "-i" };
    let mut chattr = Command::new("chattr");
    chattr.args([flag, text(path)]);
    chattr.output().is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_system_keeps_from_being_changed_stays() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    for path in [site.image(&volume), site.path("pool")] {
        if !pin(&path, true) {
            testbed::skip("the file system of the temporary directory has no such flag");
            return;
        }
        delete_in_vain(&site, &volume, &snapshot).await;
        assert!(pin(&path, false));
    }
    delete_at_last(&site, &volume, &snapshot).await;
    site.assert_clean();
}
