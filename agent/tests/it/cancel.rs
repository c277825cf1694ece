//! Cancelling at any point: soon, and without a trace.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use storage::{
    Local,
    fault::{Fault, Faulty},
};
use tidemark_agent::{
    operation::{Operation, Outcome, RestoreSource, Work},
    report::Progress,
};
use tokio_util::sync::CancellationToken;

use crate::{
    kit::pause,
    site::{MIB, Site, has_no_files, text, within},
};

/// Cancels an operation as soon as `reached` says so of its progress.
async fn cancel_when(
    operation: &Operation,
    progress: &Progress,
    reached: impl Fn(&str, u64) -> bool,
) -> Outcome {
    let cancel = CancellationToken::new();
    let mut readings = progress.subscribe();
    let watch = async {
        readings
            .wait_for(|reading| reached(reading.phase, reading.bytes_done))
            .await
            .unwrap();
        let asked_at = Instant::now();
        cancel.cancel();
        asked_at
    };
    let (outcome, asked_at) =
        within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    let took = asked_at.elapsed();
    assert!(took < Duration::from_secs(3), "stopping took {took:?}");
    outcome
}

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

fn operation(site: &Site, work: Work) -> (Operation, Arc<Progress>) {
    let report = tidemark_agent::operation::Report::default();
    let progress = Arc::clone(&report.progress);
    (
        Operation::new(uuid::Uuid::now_v7(), 1, work, site.host.clone(), report),
        progress,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cancelled_while_it_runs_leaves_nothing() {
    let mut site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let local = Arc::new(Local::new(site.path("backups")));
    site.use_store(local);
    let backup = site.backup_of(&volume);
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    let (operation, progress) = operation(&site, work);
    let outcome = cancel_when(&operation, &progress, |_, done| done > 0).await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    assert!(!site.backup_directory(&backup).exists());
    assert!(site.snapshot_names(&volume).is_empty());
    site.assert_clean();
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_waits_for_its_destination_can_be_cancelled() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let local = Arc::new(Local::new(site.path("backups")));
    site.use_store(Arc::new(Faulty::new(local, Fault::Hangs)));
    let backup = site.backup_of(&volume);
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup,
    };
    let (operation, progress) = operation(&site, work);
    let outcome = cancel_when(&operation, &progress, |phase, _| phase == "Exporting").await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    assert!(has_no_files(&site.path("backups")));
    site.assert_clean();
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
    assert!(matches!(site.attempt(work, 2).await, Outcome::Completed(_)));
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
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
async fn an_operation_can_be_cancelled_before_it_begins() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    for work in [
        Work::CreateVolume {
            volume: site.volume(MIB),
        },
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        },
    ] {
        let outcome = within(site.operation(work, 1).perform(&cancel)).await;
        assert_eq!(
            outcome,
            Outcome::Stopped {
                volume_touched: false
            }
        );
    }
    assert_eq!(std::fs::read_dir(site.path("pool")).unwrap().count(), 1);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_on_a_disk_server_that_stands_still_can_be_cancelled() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let source = RestoreSource::Backup(Box::new(backup));
    let in_place = Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };
    let again = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    for (work, phase) in [(again, "Exporting"), (in_place, "Restoring")] {
        let (operation, progress) = operation(&site, work);
        let began = AtomicBool::new(false);
        let outcome = cancel_when(&operation, &progress, |now, _| {
            if now == phase && !began.swap(true, Ordering::SeqCst) {
                pause_servers(&site);
            }
            began.load(Ordering::SeqCst)
        })
        .await;
        assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
        site.assert_clean();
    }
}
