//! Cancelling at any point: soon, and without a trace.

mod restore;

use std::{
    fs, future,
    ops::Range,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use storage::{
    Local, Object, ObjectPath, ObjectWriter, Store,
    fault::{Fault, Faulty},
};
use tidemark_agent::{
    driver::Tools,
    operation::{Operation, Outcome, Work},
    report::Progress,
};
use tokio_util::sync::CancellationToken;

use crate::site::{MIB, Site, has_no_files, text, within};

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

fn operation(site: &Site, work: Work) -> (Operation, Arc<Progress>) {
    let report = tidemark_agent::operation::Report::default();
    let progress = Arc::clone(&report.progress);
    (
        Operation::new(uuid::Uuid::now_v7(), work, site.host.clone(), report),
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

/// A destination like a hard mount whose server goes away as soon as the first object is begun:
/// from then on nothing returns.
#[derive(Debug)]
struct Lost {
    inner: Local,
    is_lost: AtomicBool,
}

impl Lost {
    fn new(inner: Local) -> Self {
        let is_lost = AtomicBool::new(false);
        Self { inner, is_lost }
    }

    async fn answer(&self) -> &Local {
        if self.is_lost.load(Ordering::SeqCst) {
            future::pending::<()>().await;
        }
        &self.inner
    }
}

#[async_trait]
impl Store for Lost {
    async fn create(&self, _: &ObjectPath, _: u64) -> storage::Result<Box<dyn ObjectWriter>> {
        self.is_lost.store(true, Ordering::SeqCst);
        future::pending().await
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> storage::Result<Bytes> {
        self.answer().await.read(path, range).await
    }

    async fn size(&self, path: &ObjectPath) -> storage::Result<u64> {
        self.answer().await.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> storage::Result<Vec<Object>> {
        self.answer().await.list(prefix).await
    }

    async fn is_vacant(&self) -> storage::Result<bool> {
        self.answer().await.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> storage::Result<()> {
        self.answer().await.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> storage::Result<()> {
        self.answer().await.delete_prefix(prefix).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_hangs_does_not_keep_the_temporary_snapshot_alive() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    site.use_store(Arc::new(Lost::new(Local::new(site.path("backups")))));
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let (operation, progress) = operation(&site, work);
    let operation = operation.undo_within(Duration::from_secs(5));
    let cancel = CancellationToken::new();
    let mut readings = progress.subscribe();
    let watch = async {
        let exporting = readings.wait_for(|reading| reading.phase == "Exporting");
        exporting.await.unwrap();
        assert_eq!(site.snapshot_names(&volume).len(), 1);
        cancel.cancel();
    };
    let (outcome, ()) = within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert!(site.snapshot_names(&volume).is_empty());
    site.assert_clean();
}

/// Puts a tool in front of `qemu-img` that does something of its own before certain commands.
fn interpose(site: &mut Site, cases: &str) {
    let tool = site.path("scratch/qemu-img");
    let real = Tools::default().qemu_img;
    let script = format!("#!/bin/sh\n{cases}\nexec {} \"$@\"\n", real.display());
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    site.host.tools.qemu_img = tool;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_can_be_cancelled_while_it_checks_the_image() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    site.leave_a_change_unfinished(&volume);
    let began = site.path("scratch/began");
    let slow = format!("check) touch {}; exec sleep 1000", text(&began));
    interpose(&mut site, &format!("case \"$1\" in {slow};; esac"));
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let operation = site.operation(work);
    let cancel = CancellationToken::new();
    let watch = async {
        while !began.exists() {
            tokio::task::yield_now().await;
        }
        let asked_at = Instant::now();
        cancel.cancel();
        asked_at
    };
    let (outcome, asked_at) =
        within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    let took = asked_at.elapsed();
    assert!(took < Duration::from_secs(3), "stopping took {took:?}");
    // The next operation has to do it.
    fs::remove_file(site.note_of_change(&volume)).unwrap();
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_not_given_back_while_cleaning_up_still_changes_its_image() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    site.use_store(Arc::new(Lost::new(Local::new(site.path("backups")))));
    // A tool that takes longer to delete a snapshot than cleaning up may.
    let began = site.path("scratch/began");
    let slow = format!("-d) touch {}; sleep 2", text(&began));
    interpose(&mut site, &format!("case \"$2\" in {slow};; esac"));
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let (operation, progress) = operation(&site, work);
    let operation = operation.undo_within(Duration::from_secs(1));
    let outcome = cancel_when(&operation, &progress, |phase, _| phase == "Exporting").await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert!(began.exists(), "cleaning up did not come to the image");
    assert!(site.snapshot_names(&volume).is_empty());
    // Nobody saw the end of that change, so that the next operation has to look.
    fs::remove_file(site.note_of_change(&volume)).unwrap();
    site.assert_clean();
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
        let outcome = within(site.operation(work).perform(&cancel)).await;
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
