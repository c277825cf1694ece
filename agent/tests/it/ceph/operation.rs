//! Whole operations on Ceph volumes: there and back, cancelled, and killed.

use tidemark_agent::{
    driver::Code,
    operation::{CephPool, Operation, Outcome, Pool, Report, RestoreSource, Work},
    report::Progress,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Cluster, POOL, Secret, backup_work, from_backup, in_place, restore_snapshot, snapshot_work,
};
use crate::site::{MIB, text, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_ceph_volume_comes_back_bit_for_bit() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let size_bytes = 64 * MIB + 512 * 3;
    let volume = cluster.filled_volume(size_bytes).await;
    let before = cluster.digest(&volume);
    let (_, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let backup = cluster.take_backup(&volume).await;
    cluster.scribble(&volume, 0xaa, 0, size_bytes);

    for _ in 1..=2 {
        let work = in_place(&volume, from_backup(&backup));
        let outcome = cluster.site.perform(work).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(cluster.digest(&volume), before);
    }
    let target = cluster.volume(80 * MIB);
    for _ in 1..=2 {
        let work = Work::RestoreBackup {
            backup: backup.clone(),
            target: target.clone(),
        };
        let outcome = cluster.site.perform(work).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(cluster.digest_of_beginning(&target, size_bytes), before);
    }
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_a_ceph_volume_comes_back_and_becomes_a_volume_that_stands_alone() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(64 * MIB).await;
    let before = cluster.digest(&volume);
    let (snapshot, work) = snapshot_work(&volume);
    for _ in 1..=2 {
        let outcome = cluster.site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    }
    cluster.scribble(&volume, 0xaa, 0, 64 * MIB);
    let work = in_place(&volume, RestoreSource::Snapshot(snapshot.clone()));
    for _ in 1..=2 {
        let outcome = cluster.site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(cluster.digest(&volume), before);
    }

    for size_bytes in [64 * MIB, 80 * MIB] {
        let target = cluster.volume(size_bytes);
        let work = restore_snapshot(&volume, &snapshot, &target);
        for _ in 1..=2 {
            let operation = cluster.site.operation(work.clone());
            let outcome = within(operation.perform(&CancellationToken::new())).await;
            assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
            assert_eq!(cluster.digest_of_beginning(&target, 64 * MIB), before);
        }
        let info = cluster.rbd(&["info"], &target.id.to_string(), &["--format", "json"]);
        assert!(!info.contains("parent"), "{info}");
        assert!(info.contains("\"snapshot_count\":0"), "{info}");
    }
    // Nothing holds the source: it can go while the new volumes stay.
    let work = Work::DeleteVolume { volume };
    cluster.site.complete(work).await;
    assert_eq!(cluster.images().len(), 2);
    cluster.assert_clean();
}

/// A second pool, and a user of it.
fn other_pool(cluster: &Cluster) -> CephPool {
    let create = ["osd", "pool", "create", "other", "4", "4"];
    cluster.ceph.ceph(&create);
    cluster.ceph.rbd(&["pool", "init", "other"]);
    CephPool {
        pool: "other".into(),
        user: "stranger".into(),
        keyring: Some(Secret::new(cluster.ceph.user("stranger", "other"))),
        ..cluster.pool.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_copied_into_another_pool_unless_its_user_may_clone_it() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(32 * MIB).await;
    let before = cluster.content(&volume.id.to_string(), None);
    let (snapshot, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let pool = other_pool(&cluster);
    for may_clone in [false, true] {
        if may_clone {
            let both = format!("profile rbd pool=other, profile rbd-read-only pool={POOL}");
            let caps = ["mon", "profile rbd", "osd", &both];
            let allow = ["auth", "caps", "client.stranger"];
            cluster.ceph.ceph(&[&allow[..], &caps].concat());
        }
        let mut target = cluster.volume(32 * MIB);
        target.pool = Pool::CephRbd(pool.clone());
        let report = Report::default();
        let work = restore_snapshot(&volume, &snapshot, &target);
        let host = cluster.site.host.clone();
        let operation = Operation::new(Uuid::now_v7(), work, host, report.clone());
        let outcome = within(operation.perform(&CancellationToken::new())).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        drop(operation);
        let copied_bytes = report.progress.subscribe().borrow().bytes_total;
        assert_eq!(copied_bytes == 0, may_clone);
        let copy = cluster.site.path(&format!("scratch/{}", target.id));
        let image = target.id.to_string();
        let to = text(&copy);
        let export = ["export", "--pool", "other", "--image", &image, "--path", to];
        cluster.ceph.rbd(&export);
        assert!(std::fs::read(copy).unwrap() == before);
    }
    cluster.assert_clean();
}

/// Begins an attempt and lets it die, without any cleaning up, once it has reached `phase`.
async fn die_in(cluster: &Cluster, work: Work, phase: &'static str) {
    let report = Report::default();
    let mut readings = report.progress.subscribe();
    let operation = Operation::new(Uuid::now_v7(), work, cluster.site.host.clone(), report);
    let attempt = tokio::spawn(async move {
        operation.perform(&CancellationToken::new()).await;
    });
    within(readings.wait_for(|reading| reading.phase == phase))
        .await
        .unwrap();
    attempt.abort();
    assert!(within(attempt).await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_attempt_on_ceph_finishes_what_a_dead_one_began() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(128 * MIB).await;
    let before = cluster.digest(&volume);
    let (snapshot, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let kept = cluster.take_backup(&volume).await;
    let target = cluster.volume(160 * MIB);
    let new = restore_snapshot(&volume, &snapshot, &target);
    let backup = cluster.backup_of(&volume);
    let cases = [
        (backup_work(&volume, &backup), "Exporting"),
        (in_place(&volume, from_backup(&kept)), "Restoring"),
        (new, "Cloning"),
        (
            Work::RestoreBackup {
                backup: kept.clone(),
                target: target.clone(),
            },
            "Restoring",
        ),
    ];
    for (work, phase) in cases {
        die_in(&cluster, work.clone(), phase).await;
        let outcome = cluster.site.perform(work).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(cluster.digest(&volume), before, "after {phase}");
        cluster.assert_clean();
    }
    assert_eq!(cluster.digest_of_beginning(&target, 128 * MIB), before);
}

/// Cancels an operation in a phase of it, and says how long it took to stop.
async fn cancel_in(operation: &Operation, progress: &Progress, phase: &str) -> Outcome {
    let cancel = CancellationToken::new();
    let mut readings = progress.subscribe();
    let watch = async {
        readings
            .wait_for(|reading| reading.phase == phase)
            .await
            .unwrap();
        cancel.cancel();
        std::time::Instant::now()
    };
    let (outcome, asked_at) =
        within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    let took = asked_at.elapsed();
    assert!(took.as_secs() < 5, "stopping in {phase} took {took:?}");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_on_ceph_leaves_nothing_and_no_one_waits_for_the_dead() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(128 * MIB).await;
    let before = cluster.digest(&volume);
    let (snapshot, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let kept = cluster.take_backup(&volume).await;
    let target = cluster.volume(128 * MIB);
    let new = Work::RestoreBackup {
        backup: kept.clone(),
        target: target.clone(),
    };
    let backup = cluster.backup_of(&volume);
    for (work, phase, touched) in [
        (backup_work(&volume, &backup), "Exporting", false),
        (
            restore_snapshot(&volume, &snapshot, &target),
            "Cloning",
            false,
        ),
        (new, "Restoring", false),
        (in_place(&volume, from_backup(&kept)), "Restoring", true),
    ] {
        let report = Report::default();
        let progress = report.progress.clone();
        let host = cluster.site.host.clone();
        let operation = Operation::new(Uuid::now_v7(), work, host, report);
        let outcome = cancel_in(&operation, &progress, phase).await;
        let volume_touched = touched;
        assert_eq!(outcome, Outcome::Stopped { volume_touched }, "{phase}");
        drop(operation);
        assert_eq!(cluster.images(), [volume.id.to_string()]);
        cluster.assert_clean();
    }
    let status = cluster.rbd(&["status"], &volume.id.to_string(), &[]);
    assert!(status.contains("none"), "{POOL}: {status}");
    let work = in_place(&volume, from_backup(&kept));
    cluster.site.complete(work).await;
    assert_eq!(cluster.digest(&volume), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_gone_makes_no_volume() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let (snapshot, _) = snapshot_work(&volume);
    let work = restore_snapshot(&volume, &snapshot, &cluster.volume(16 * MIB));
    let (failure, _) = cluster.site.fail(work).await;
    assert_eq!(failure.code, Code::ItemNotAvailable, "{failure}");
    cluster.assert_clean();
}
