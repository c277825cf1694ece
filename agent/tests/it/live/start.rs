//! Instances that start and stop while a volume is read.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use storage::{
    Local, Store,
    fault::{Fault, Faulty},
};
use testbed::Machine;
use tidemark_agent::{
    operation::{
        BackupItem, BackupStorage, Host, Operation, Outcome, Report, Stores, Volume, Work,
    },
    report::Reading as Progressed,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::running::{Running, attach};
use crate::site::{MIB, Site, run, text, within};

/// An operation that stands still in the middle of reading a volume.
struct Reading {
    operation: JoinHandle<Outcome>,
    held: Held,
}

/// What stands still.
enum Held {
    Destination(Arc<Faulty>),
    Server(Pid),
}

impl Reading {
    /// Begins a backup to a destination that takes nothing for now.
    async fn of_backup(site: &Site, work: Work) -> Self {
        let local = Arc::new(Local::new(site.path("backups")));
        let destination = Arc::new(Faulty::new(local, Fault::Hangs));
        let host = Host {
            stores: Arc::new(Only(Arc::clone(&destination))),
            ..site.host.clone()
        };
        let operation = begin(work, host, |reading| reading.phase == "Exporting").await;
        let held = Held::Destination(destination);
        Self { operation, held }
    }

    /// Begins to make a volume of a snapshot, and stops the server that it is read from. There is one
    /// because of a [compressed cluster](compress).
    async fn of_copy(site: &Site, work: Work) -> Self {
        let copies = |reading: &Progressed| reading.phase == "Copying" && reading.bytes_done > 0;
        let operation = begin(work, site.host.clone(), copies).await;
        let server = server_of(&site.path("")).unwrap();
        kill(server, Signal::SIGSTOP).unwrap();
        let held = Held::Server(server);
        Self { operation, held }
    }

    async fn go_on(self) -> Outcome {
        match self.held {
            Held::Destination(destination) => destination.relent(),
            Held::Server(server) => kill(server, Signal::SIGCONT).unwrap(),
        }
        within(self.operation).await.unwrap()
    }
}

/// Begins an operation, and waits until its progress is as it should be.
async fn begin(
    work: Work,
    host: Host,
    reached: impl FnMut(&Progressed) -> bool,
) -> JoinHandle<Outcome> {
    let report = Report::default();
    let mut readings = report.progress.subscribe();
    let operation = Operation::new(Uuid::now_v7(), work, host, report);
    let operation = tokio::spawn(async move { operation.perform(&CancellationToken::new()).await });
    within(readings.wait_for(reached)).await.unwrap();
    operation
}

/// One store, whatever is asked for.
struct Only(Arc<Faulty>);

impl Stores for Only {
    fn open(&self, _: &BackupStorage) -> storage::Result<Arc<dyn Store>> {
        Ok(Arc::clone(&self.0) as _)
    }
}

/// The process that serves a snapshot of what lies in a directory.
fn server_of(directory: &Path) -> Option<Pid> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let is_server = |process: &PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("--load-snapshot") && line.contains(text(directory))
    };
    let process = processes.map(|entry| entry.path()).find(is_server)?;
    let pid = process.file_name()?.to_str()?.parse().ok()?;
    Some(Pid::from_raw(pid))
}

/// Compresses the last cluster of a volume, which was never written.
fn compress(site: &Site, volume: &Volume) {
    let command = format!("write -c -P 0 {} 64k", volume.size_bytes - (64 << 10));
    let image = site.image(volume);
    run("qemu-io", ["-f", "qcow2", "-c", &command, text(&image)]);
}

fn backup_of(site: &Site, volume: &Volume) -> (BackupItem, Work) {
    let backup = site.backup_of(volume);
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    (backup, work)
}

/// The digest of a backup, as a new volume shows it.
async fn digest_of_backup(site: &Site, backup: BackupItem, size_bytes: u64) -> blake3::Hash {
    let target = site.volume(size_bytes);
    let work = Work::RestoreBackup {
        backup,
        target: target.clone(),
    };
    site.complete(work).await;
    site.digest(&target)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_starts_and_writes_in_the_middle_of_its_volume_s_backup() {
    let site = Site::new();
    let mut volume = site.filled_volume(256 * MIB).await;
    let before = site.digest(&volume);
    // The socket does not exist before the instance does.
    let socket = site.path("scratch/later.sock");
    attach(&mut volume, socket.clone());
    let (backup, work) = backup_of(&site, &volume);
    let reading = Reading::of_backup(&site, work).await;
    let monitor = format!("unix:{},server=on,wait=off", socket.display());
    let Some(mut machine) = Machine::start_with(&site.image(&volume), &["-qmp", &monitor]).await
    else {
        return;
    };
    machine.write(0, 256 * MIB, 0x99);
    let outcome = reading.go_on().await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    machine.assert_holds(0, 256 * MIB, 0x99);
    assert_eq!(
        site.snapshot_names(&volume),
        [""; 0],
        "it was removed by QEMU"
    );
    assert_eq!(digest_of_backup(&site, backup, 256 * MIB).await, before);
    within(machine.quit()).await;
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_ends_in_the_middle_of_its_volume_s_backup() {
    for dies in [false, true] {
        let Some(mut running) = Running::start(256 * MIB).await else {
            return;
        };
        let (kept, work) = running.snapshot();
        running.site.complete(work).await;
        let reference = running.digest_of_snapshot(&kept).await;
        let (backup, work) = backup_of(&running.site, &running.volume);
        let reading = Reading::of_backup(&running.site, work).await;
        running.machine.write(0, 64 * MIB, 0x99);
        if dies {
            running.machine.kill();
        } else {
            within(running.machine.quit()).await;
        }
        let outcome = reading.go_on().await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        let (site, volume) = (&running.site, &running.volume);
        assert_eq!(
            site.snapshot_names(volume).len(),
            1,
            "the temporary one went"
        );
        let digest = digest_of_backup(site, backup, volume.size_bytes).await;
        assert_eq!(digest, reference);
        site.assert_clean();
        if !dies {
            site.check_image(volume);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_deleted_by_hand_while_it_is_read_makes_no_backup() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    compress(&site, &volume);
    let kept = site.take_snapshot(&volume).await;
    let target = site.volume(256 * MIB);
    let copy = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot: kept,
        target: target.clone(),
    };
    let (backup, export) = backup_of(&site, &volume);
    for (work, is_copy) in [(export, false), (copy, true)] {
        let reading = if is_copy {
            Reading::of_copy(&site, work).await
        } else {
            Reading::of_backup(&site, work).await
        };
        let image = site.image(&volume);
        for name in site.snapshot_names(&volume) {
            let temporary = name.contains("tmp");
            if temporary || is_copy {
                run("qemu-img", ["snapshot", "-d", &name, text(&image)]);
            }
        }
        // Where its data lay there is other data now.
        site.scribble(&volume, 0xee, 0, 256 * MIB);
        let Outcome::Failed { failure, .. } = reading.go_on().await else {
            panic!("what was read is not what was to be read");
        };
        let told = failure.message.contains("deleted by another tool");
        assert!(told, "{failure}");
        site.assert_clean();
    }
    assert!(!site.backup_directory(&backup).exists());
    assert!(!site.image(&target).exists());
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_being_read_is_deleted_only_afterwards() {
    let site = Arc::new(Site::new());
    let volume = site.filled_volume(256 * MIB).await;
    compress(&site, &volume);
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 0x11, 0, 128 * MIB);
    let target = site.volume(256 * MIB);
    let copy = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
        target: target.clone(),
    };
    let reading = Reading::of_copy(&site, copy).await;
    let work = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    let deleting = Arc::clone(&site);
    let deletion = tokio::spawn(async move { deleting.perform(work).await });
    // The lock is the first thing that it comes to, so that it stands there by the time that another
    // operation, on another volume, has been done.
    let other = site.volume(MIB);
    site.complete(Work::CreateVolume { volume: other }).await;
    assert!(!deletion.is_finished());
    assert_eq!(site.snapshot_names(&volume).len(), 1);
    let outcome = reading.go_on().await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    let outcome = within(deletion).await.unwrap();
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    assert_eq!(site.digest(&target), before);
    assert_eq!(site.snapshot_names(&volume), [""; 0]);
    site.assert_clean();
}
