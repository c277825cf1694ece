//! Backups to a storage that is busy or away for a while: they wait, say so, and complete.

use std::{sync::Arc, time::Duration};

use storage::{Destination, NfsExport, S3Bucket, Secret};
use testbed::{Ceph, Ganesha, Rgw};
use tidemark_agent::{
    driver::Removed,
    operation::{BackupItem, BackupStorage, Operation, Outcome, RealStores, Report, Volume, Work},
    report::{Entry, Reading},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, within};

const WAITING: &str = "Waiting for the backup storage";
const ASKED: &str = "The backup storage asks us to slow down";
const SLOW_DOWN: &str = "The backup storage asks us to slow down; going on.";
const AWAY: &str = "The backup storage does not answer; waiting for it.";

/// An operation on some 64 MiB that runs slowly enough to be met in its midst.
struct Running {
    site: Site,
    report: Report,
    cancel: CancellationToken,
    backup: BackupItem,
    outcome: JoinHandle<Outcome>,
}

/// A site that waits for its storages, a volume, and a backup of it that is yet to be made.
async fn scene(destination: Destination) -> (Site, Volume, BackupItem) {
    let mut site = Site::new();
    let stores = RealStores::default().patient_for(Duration::from_mins(2));
    site.host.stores = Arc::new(stores);
    let volume = site.filled_volume(512 * MIB).await;
    let mut backup = site.backup_of(&volume);
    backup.storage = BackupStorage {
        id: Uuid::now_v7(),
        destination,
        mark: None,
        bytes_per_second: None,
    };
    (site, volume, backup)
}

fn export(ganesha: &Ganesha) -> Destination {
    Destination::Nfs(NfsExport {
        server: ganesha.server.clone(),
        export: ganesha.export.clone(),
        directory: None,
    })
}

impl Running {
    /// A backup.
    async fn to(destination: Destination) -> Self {
        let (site, volume, mut backup) = scene(destination).await;
        backup.storage.bytes_per_second = Some(12 * MIB);
        let work = Work::CreateBackup {
            volume,
            backup: backup.clone(),
        };
        Self::begin(site, work, backup).await
    }

    /// A restore to a new volume; and what it has to have then.
    async fn from(destination: Destination) -> (Self, Volume, blake3::Hash) {
        let (site, volume, mut backup) = scene(destination).await;
        let expected = site.digest(&volume);
        let work = Work::CreateBackup {
            volume: volume.clone(),
            backup: backup.clone(),
        };
        site.complete(work).await;
        backup.storage.bytes_per_second = Some(24 * MIB);
        let target = site.volume(volume.size_bytes);
        let work = Work::RestoreBackup {
            backup: backup.clone(),
            target: target.clone(),
        };
        (Self::begin(site, work, backup).await, target, expected)
    }

    async fn begin(site: Site, work: Work, backup: BackupItem) -> Self {
        let (report, cancel) = (Report::default(), CancellationToken::new());
        let operation = Operation::new(Uuid::now_v7(), work, site.host.clone(), report.clone())
            .undo_within(Duration::from_secs(1));
        let cancelled = cancel.clone();
        let outcome = tokio::spawn(async move { operation.perform(&cancelled).await });
        let running = Self {
            site,
            report,
            cancel,
            backup,
            outcome,
        };
        running.shows(|reading| reading.bytes_done > 0).await;
        running
    }

    async fn shows(&self, reached: impl FnMut(&Reading) -> bool) {
        let mut progress = self.report.progress.subscribe();
        within(progress.wait_for(reached)).await.unwrap();
    }

    async fn waits(&self, phase: &str) {
        self.shows(|reading| reading.phase == phase).await;
    }

    /// Waits for its end, and gives what it told.
    async fn completed(self) -> (Site, Vec<Entry>) {
        let outcome = within(self.outcome).await.unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        let reading = self.report.progress.subscribe().borrow().clone();
        assert_eq!(reading.bytes_done, reading.bytes_total);
        assert!(![WAITING, ASKED].contains(&reading.phase), "{reading:?}");
        (self.site, self.report.journal.collect())
    }
}

/// Asserts that customers were told `line` once, and administrators why.
fn assert_told(log: &[Entry], line: &str, secret: &str) {
    let public: Vec<_> = log.iter().filter(|entry| entry.public).collect();
    let told = public.iter().filter(|entry| entry.message == line);
    assert_eq!(told.count(), 1, "{log:?}");
    let leaked = public.iter().any(|entry| entry.message.contains(secret));
    assert!(!leaked, "{public:?}");
    let mut private = log.iter().filter(|entry| !entry.public);
    assert!(
        private.any(|entry| entry.message.starts_with("Waiting: backup storage")),
        "{log:?}"
    );
}

/// A way to a store that can be told to answer everything with 503.
async fn way(upstream: &str) -> (String, watch::Sender<bool>) {
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (busy, is_busy) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, upstream.clone(), is_busy.clone()));
        }
    });
    (endpoint, busy)
}

async fn carry(mut client: TcpStream, upstream: String, mut is_busy: watch::Receiver<bool>) {
    if *is_busy.borrow_and_update() {
        let body = "<Error><Code>SlowDown</Code></Error>";
        let answer = format!(
            "HTTP/1.1 503 Slow Down\r\nretry-after: 1\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        // Not before it is asked: an answer without a request makes no sense to anybody.
        let mut asked = vec![0; 1 << 16];
        if matches!(client.read(&mut asked).await, Ok(1..))
            && client.write_all(answer.as_bytes()).await.is_ok()
        {
            while matches!(client.read(&mut asked).await, Ok(1..)) {}
        }
        return;
    }
    let Ok(mut store) = TcpStream::connect(upstream).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut store) => {}
        // What is under way is cut.
        _ = is_busy.wait_for(|busy| *busy) => {}
    }
}

fn bucket(store: &Rgw, endpoint: String) -> Destination {
    Destination::S3(S3Bucket {
        endpoint: Some(endpoint),
        region: "us-east-1".into(),
        bucket: store.bucket.clone(),
        prefix: None,
        access_key_id: store.access_key_id.clone(),
        secret_access_key: Secret::new(&store.secret_access_key),
        force_path_style: None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_survives_a_store_that_asks_for_time_and_says_so() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let (endpoint, busy) = way(&store.endpoint).await;
    let running = Running::to(bucket(&store, endpoint.clone())).await;
    busy.send_replace(true);
    running.waits(ASKED).await;
    busy.send_replace(false);
    running.shows(|reading| reading.phase == "Exporting").await;
    let address = endpoint.trim_start_matches("http://");
    assert_told(&running.completed().await.1, SLOW_DOWN, address);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_waits_for_a_store_is_cancelled_at_once() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let (endpoint, busy) = way(&store.endpoint).await;
    let running = Running::to(bucket(&store, endpoint)).await;
    busy.send_replace(true);
    running.waits(ASKED).await;
    let cancelled_at = tokio::time::Instant::now();
    running.cancel.cancel();
    let outcome = within(running.outcome).await.unwrap();
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert!(cancelled_at.elapsed() < Duration::from_secs(5));
    let reading = running.report.progress.subscribe().borrow().clone();
    assert_ne!(reading.phase, ASKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_survives_a_restart_of_its_nfs_server_and_says_so() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let running = Running::to(export(&ganesha)).await;
    ganesha.kill();
    running.waits(WAITING).await;
    ganesha.restart().await;
    running.shows(|reading| reading.phase == "Exporting").await;
    let backup = running.backup.clone();
    let server = ganesha.server.clone();
    let (_site, log) = running.completed().await;
    assert_told(&log, AWAY, &server);
    let directory = format!("volumes/{}/{}", backup.volume_id, backup.id);
    let stored = ganesha.directory.join(directory);
    assert!(stored.join("manifest.json").is_file());
    let test = std::process::Command::new("zstd")
        .args(["-q", "-t"])
        .arg(stored.join("disk.raw.zst"))
        .status();
    assert!(test.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_survives_a_store_that_asks_for_time_and_says_so() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let (endpoint, busy) = way(&store.endpoint).await;
    let (running, target, expected) = Running::from(bucket(&store, endpoint.clone())).await;
    busy.send_replace(true);
    running.waits(ASKED).await;
    busy.send_replace(false);
    let (site, log) = running.completed().await;
    assert_eq!(site.digest(&target), expected);
    assert_told(&log, SLOW_DOWN, endpoint.trim_start_matches("http://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_survives_a_restart_of_its_nfs_server_and_says_so() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let (running, target, expected) = Running::from(export(&ganesha)).await;
    ganesha.kill();
    running.waits(WAITING).await;
    ganesha.restart().await;
    let (site, log) = running.completed().await;
    assert_eq!(site.digest(&target), expected);
    assert_told(&log, AWAY, &ganesha.server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_a_restart_of_its_nfs_server_and_one_without_it_has_lost_nothing() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let (site, volume, backup) = scene(export(&ganesha)).await;
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    site.complete(work).await;
    let stored = format!("volumes/{}/{}", backup.volume_id, backup.id);
    let stored = ganesha.directory.join(stored);
    let delete = Work::DeleteBackup {
        backup: backup.clone(),
    };
    ganesha.kill();
    let (removed, told) = site.removed(delete.clone(), 1).await;
    assert_eq!(told, "The backup storage cannot be reached.");
    assert_eq!(removed, Removed::Nothing);
    assert!(stored.join("manifest.json").is_file());

    let back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        ganesha.restart().await;
    };
    tokio::join!(site.complete(delete), back);
    assert!(!stored.exists());
}
