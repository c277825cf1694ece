//! Restores that are cancelled: what they say of the volume is so, and a new one never exists.

use std::sync::atomic::{AtomicBool, Ordering};

use tidemark_agent::operation::{Outcome, RestoreSource, Work};

use super::{cancel_when, operation};
use crate::{
    kit::pause,
    site::{MIB, Site, text},
};

/// Makes every `qemu-nbd` of the site stand still.
fn pause_servers(site: &Site) {
    let mut paused = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.starts_with("/usr/bin/qemu-nbd") && line.contains(text(&site.path("run"))) {
            pause(process.file_name().to_str().unwrap().parse().unwrap());
            paused += 1;
        }
    }
    assert!(paused > 0, "no server runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_in_place_says_whether_it_had_begun_to_write() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    let source = RestoreSource::Backup(Box::new(backup));
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };

    let (checking, progress) = operation(&site, work.clone());
    let outcome = cancel_when(&checking, &progress, |phase, _| phase == "Verifying").await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    assert_eq!(site.digest(&volume), before);

    let (writing, progress) = operation(&site, work.clone());
    let outcome = cancel_when(&writing, &progress, |phase, _| phase == "Restoring").await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: true
        }
    );
    site.assert_clean();

    // The next attempt makes it whole again.
    assert!(matches!(site.perform(work).await, Outcome::Completed(_)));
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_was_overwritten_half_way_is_whole_again_after_going_back_to_a_snapshot() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 3, 0, 64 * MIB);
    let before = site.digest(&volume);
    let (other, snapshot) = (
        site.take_snapshot(&volume).await,
        site.take_snapshot(&volume).await,
    );
    let overwrite = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Backup(Box::new(backup)),
    };
    let (writing, progress) = operation(&site, overwrite);
    let outcome = cancel_when(&writing, &progress, |phase, _| phase == "Restoring").await;
    let volume_touched = true;
    assert_eq!(outcome, Outcome::Stopped { volume_touched });

    // Deleting one of its snapshots neither needs the disk nor changes the other.
    site.complete(Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: other,
    })
    .await;
    site.complete(Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Snapshot(snapshot),
    })
    .await;
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_volume_that_is_cancelled_never_exists() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let target = site.volume(volume.size_bytes);
    for work in [
        Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot,
            target: target.clone(),
        },
        Work::RestoreBackup {
            backup,
            target: target.clone(),
        },
    ] {
        let (operation, progress) = operation(&site, work);
        let outcome = cancel_when(&operation, &progress, |_, done| done > 0).await;
        assert_eq!(
            outcome,
            Outcome::Stopped {
                volume_touched: false
            }
        );
        assert!(!site.image(&target).exists());
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_on_a_disk_server_that_stands_still_can_be_cancelled() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let source = RestoreSource::Backup(Box::new(backup));
    let work = Work::RestoreInPlace { volume, source };
    let (operation, progress) = operation(&site, work);
    let began = AtomicBool::new(false);
    let outcome = cancel_when(&operation, &progress, |phase, _| {
        if phase == "Restoring" && !began.swap(true, Ordering::SeqCst) {
            pause_servers(&site);
        }
        began.load(Ordering::SeqCst)
    })
    .await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    site.assert_clean();
}
