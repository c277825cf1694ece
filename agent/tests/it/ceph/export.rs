//! Backups whose snapshot or cluster goes away while they are made.

use std::time::Instant;

use testbed::Ceph;
use tidemark_agent::{
    driver::{Code, Failure},
    operation::{BackupItem, Operation, Outcome, Report, Volume},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Cluster, backup_work};
use crate::site::{MIB, within};

/// A backup that takes some seconds, because the way to its destination is slow.
fn slow_backup(cluster: &Cluster, volume: &Volume) -> BackupItem {
    let mut backup = cluster.backup_of(volume);
    backup.storage.bytes_per_second = Some(4 * MIB);
    backup
}

/// Begins a backup, lets something happen once bytes have arrived at its destination, and says why
/// the backup failed, and when what happened had.
async fn fail_after<T>(
    cluster: &mut Cluster,
    volume: &Volume,
    backup: &BackupItem,
    happen: impl FnOnce(&mut Cluster) -> T,
) -> (Failure, Instant) {
    let report = Report::default();
    let mut readings = report.progress.subscribe();
    let host = cluster.site.host.clone();
    let work = backup_work(volume, backup);
    let operation = Operation::new(Uuid::now_v7(), work, host, report);
    let cancel = CancellationToken::new();
    let watch = async {
        let begun = readings.wait_for(|reading| reading.bytes_done > 0).await;
        let reading = begun.unwrap().clone();
        assert!(reading.bytes_done < reading.bytes_total, "{reading:?}");
        happen(cluster);
        Instant::now()
    };
    let (outcome, happened_at) =
        within(async { tokio::join!(operation.perform(&cancel), watch) }).await;
    match outcome {
        Outcome::Failed {
            failure,
            volume_touched: false,
            ..
        } => (failure, happened_at),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_snapshot_is_deleted_by_hand_fails_and_leaves_nothing() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(128 * MIB).await;
    let image = volume.id.to_string();
    let backup = slow_backup(&cluster, &volume);
    let delete_snapshot = |cluster: &mut Cluster| {
        let snapshots = cluster.snapshots(&image);
        let [temporary] = snapshots.as_slice() else {
            panic!("{snapshots:?}");
        };
        cluster.rbd(&["snap", "protect"], &image, &["--snap", temporary]);
        cluster.rbd(&["snap", "unprotect"], &image, &["--snap", temporary]);
        let options = ["--no-progress", "--snap", temporary];
        cluster.rbd(&["snap", "rm"], &image, &options);
        // From now on what is read as the snapshot is this.
        cluster.scribble(&volume, 0xaa, 0, 128 * MIB);
    };
    let (failure, _) = fail_after(&mut cluster, &volume, &backup, delete_snapshot).await;
    assert_eq!(failure.code, Code::StorageFailed, "{failure}");
    assert!(!cluster.site.backup_directory(&backup).exists());
    assert_eq!(cluster.snapshots(&image), [""; 0]);
    cluster.assert_clean();
    cluster.take_backup(&volume).await;
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_osd_is_killed_fails_in_time_and_the_next_one_works() {
    let Some(ceph) = Ceph::start_on_disk().await else {
        return;
    };
    let mut cluster = Cluster::start_on(ceph);
    let volume = cluster.filled_volume(128 * MIB).await;
    let before = cluster.digest(&volume);
    let backup = slow_backup(&cluster, &volume);
    let kill_osd = |cluster: &mut Cluster| cluster.ceph.kill_osd();
    let (failure, killed_at) = fail_after(&mut cluster, &volume, &backup, kill_osd).await;
    let took = killed_at.elapsed();
    assert!(took.as_secs() < 45, "it took {took:?}");
    assert_eq!(failure.code, Code::StorageFailed, "{failure}");
    assert!(!cluster.site.backup_directory(&backup).exists());
    cluster.site.assert_clean();

    cluster.ceph.restart_osd();
    let next = cluster.take_backup(&volume).await;
    cluster.assert_clean();
    assert_eq!(cluster.digest(&volume), before);
    cluster.scribble(&volume, 0xaa, 0, 128 * MIB);
    let work = super::in_place(&volume, super::from_backup(&next));
    cluster.site.complete(work).await;
    assert_eq!(cluster.digest(&volume), before);
}
