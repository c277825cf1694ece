//! A cluster that fails, refuses or is full, and images that others use.

use std::time::Instant;

use storage::Secret;
use tidemark_agent::{
    driver::{Code, Failure},
    operation::{CephPool, Operation, Outcome, Pool, Report, Volume, Work},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Cluster, POOL, backup_work, from_backup, in_place, snapshot_work};
use crate::site::{MIB, within};

const LIMITS: [&str; 3] = ["nearfull", "backfillfull", "full"];

impl Cluster {
    /// Has the cluster take itself for full: who writes waits.
    pub(super) async fn fill(&self) {
        for limit in LIMITS {
            let command = format!("set-{limit}-ratio");
            self.ceph.ceph(&["osd", &command, "0.0001"]);
        }
        let is_full = async || self.is_full().then_some(());
        testbed::until("the cluster notices that it is full", is_full).await;
    }

    /// Has the cluster find space again.
    pub(super) async fn empty(&self) {
        for limit in LIMITS.iter().rev() {
            let command = format!("set-{limit}-ratio");
            self.ceph.ceph(&["osd", &command, "0.95"]);
        }
        let has_space = async || (!self.is_full()).then_some(());
        testbed::until("the cluster has space again", has_space).await;
    }

    fn is_full(&self) -> bool {
        let pools = self.ceph.ceph(&["osd", "pool", "ls", "detail"]);
        pools.contains(",full")
    }
}

/// Performs an operation whose cluster stands still once bytes move in `phase`.
async fn fail_in(cluster: &Cluster, work: Work, phase: &str) -> (Failure, bool) {
    let report = Report::default();
    let mut readings = report.progress.subscribe();
    let host = cluster.site.host.clone();
    let operation = Operation::new(Uuid::now_v7(), work, host, report);
    let cancel = CancellationToken::new();
    let watch = async {
        readings
            .wait_for(|reading| reading.phase == phase)
            .await
            .unwrap();
        cluster.ceph.pause_osd();
        Instant::now()
    };
    let (outcome, paused_at) =
        within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    let took = paused_at.elapsed();
    // Half a minute to notice, and as long as undoing may try to give the image its name back.
    assert!(
        took.as_secs() < 100,
        "it took {took:?} to notice in {phase}"
    );
    match outcome {
        Outcome::Failed {
            failure,
            volume_touched,
            ..
        } => (failure, volume_touched),
        other => panic!("{phase}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_osd_that_stands_still_while_bytes_move_fails_the_operation_and_nothing_else() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(128 * MIB).await;
    let before = cluster.digest(&volume);
    let kept = cluster.take_backup(&volume).await;
    let backup = cluster.backup_of(&volume);
    let export = backup_work(&volume, &backup);
    let restore = in_place(&volume, from_backup(&kept));
    for (work, phase, touched) in [(export, "Exporting", false), (restore, "Restoring", true)] {
        let (failure, volume_touched) = fail_in(&cluster, work.clone(), phase).await;
        assert_eq!(failure.code, Code::StorageFailed, "{failure}");
        assert_eq!(volume_touched, touched);
        cluster.ceph.resume_osd();
        let outcome = cluster.site.perform(work).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(cluster.digest(&volume), before);
        cluster.assert_clean();
    }
}

async fn fails_soon(cluster: &Cluster, work: Work) -> Failure {
    let begun_at = Instant::now();
    let (failure, volume_touched) = cluster.site.fail(work).await;
    let took = begun_at.elapsed();
    assert!(took.as_secs() < 25, "it took {took:?}: {failure}");
    assert!(!volume_touched);
    assert_eq!(failure.code, Code::StorageFailed);
    failure
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_cluster_is_an_error_within_seconds() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let (_, work) = snapshot_work(&volume);
    cluster.ceph.pause_osd();
    let failure = fails_soon(&cluster, work.clone()).await;
    assert!(failure.message.contains("did not answer"), "{failure}");
    cluster.ceph.resume_osd();
    cluster.site.complete(work.clone()).await;
    cluster.ceph.kill_monitor();
    let failure = fails_soon(&cluster, work).await;
    assert!(failure.message.contains("did not answer"), "{failure}");
    let run = std::fs::read_dir(cluster.site.path("run")).unwrap();
    assert_eq!(run.count(), 0, "a keyring is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_use_a_pool_is_told_so() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let own = cluster.pool.clone();
    let stranger = cluster.ceph.user("stranger", cluster.ceph.pool());
    let as_pool = |pool: CephPool| Volume {
        pool: Pool::CephRbd(pool),
        ..volume.clone()
    };
    let wrong_key = CephPool {
        keyring: Some(Secret::new("AQDUqwNr0kUHBhAAdfr+KoGMZ6x1Xqa4jfJwyw==")),
        ..own.clone()
    };
    let no_key = CephPool {
        keyring: None,
        ..own.clone()
    };
    let unknown = CephPool {
        user: "nobody".into(),
        ..own.clone()
    };
    let without_rights = CephPool {
        user: "stranger".into(),
        keyring: Some(Secret::new(stranger)),
        ..own.clone()
    };
    let no_pool = CephPool {
        pool: "nowhere".into(),
        ..own.clone()
    };
    let no_configuration = CephPool {
        config_path: Some("/nowhere/ceph.conf".into()),
        ..own
    };
    for (pool, words) in [
        (wrong_key, "denies access"),
        (no_key, "denies access"),
        (unknown, "denies access"),
        (without_rights, "denies access"),
        (no_pool, "pool of the volume is not there"),
        (no_configuration, "not set up correctly"),
    ] {
        let (_, work) = snapshot_work(&as_pool(pool.clone()));
        let failure = fails_soon(&cluster, work).await;
        assert!(failure.message.contains(words), "{pool:?}: {failure:?}");
        assert!(!failure.message.contains(POOL), "{failure}");
        let key = pool.keyring.as_ref().map(|key| key.expose().trim());
        let shown = format!("{failure:?}");
        assert!(key.is_none_or(|key| !shown.contains(key)), "{shown}");
    }
    assert_eq!(cluster.snapshots(&volume.id.to_string()), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_a_client_has_open_is_not_overwritten_and_can_be_backed_up() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(32 * MIB).await;
    let backup = cluster.take_backup(&volume).await;
    let mut holder = cluster.hold(&volume).await;

    let (_, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    cluster.take_backup(&volume).await;
    let before = cluster.digest(&volume);
    let restore = in_place(&volume, from_backup(&backup));
    let (failure, volume_touched) = cluster.site.fail(restore.clone()).await;
    assert!(failure.message.contains("in use"), "{failure}");
    assert!(!volume_touched);
    assert_eq!(cluster.digest(&volume), before);

    // Killed, it is taken for alive for half a minute more.
    within(holder.process.kill()).await.unwrap();
    cluster.site.complete(restore).await;
    assert_ne!(cluster.digest(&volume), before);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_cluster_is_an_error_and_not_a_hang() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(64 * MIB).await;
    let before = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    cluster.fill().await;
    let target = cluster.volume(64 * MIB);
    let work = Work::RestoreBackup {
        backup,
        target: target.clone(),
    };
    let failure = fails_soon(&cluster, work.clone()).await;
    assert!(failure.message.contains("full"), "{failure}");
    cluster.empty().await;
    let outcome = cluster.site.perform(work).await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    assert_eq!(cluster.digest(&target), before);
    cluster.assert_clean();
}
