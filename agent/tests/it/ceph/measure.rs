//! What snapshots keep is measured, and nothing waits for that.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

use tidemark_agent::{
    driver::Retained,
    operation::{RestoreSource, Volume, Work},
};

use super::{Cluster, in_place, snapshot_work};
use crate::site::MIB;

impl Cluster {
    /// Makes one command of `rbd` take longer by so many seconds.
    fn slow_down(&mut self, command: &str, seconds: u32) {
        let (slow, rbd) = (self.site.path("scratch/rbd"), &mut self.site.host.tools.rbd);
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *\" {command} \"*) sleep {seconds};; esac\nexec {} \"$@\"\n",
            rbd.display()
        );
        fs::write(&slow, script).unwrap();
        fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
        *rbd = slow;
    }
}

/// A volume with two snapshots, the second of which keeps 12 MiB; that one.
async fn volume_with_snapshots(cluster: &Cluster) -> (Volume, Retained) {
    let volume = cluster.filled_volume(64 * MIB).await;
    let mut last = None;
    for pattern in 1..=2 {
        cluster.scribble(&volume, pattern, 8 * MIB, 12 * MIB);
        let (snapshot, work) = snapshot_work(&volume);
        cluster.site.complete(work).await;
        last = Some(snapshot.id);
    }
    cluster.scribble(&volume, 3, 8 * MIB, 12 * MIB);
    let kept = Retained {
        snapshot_id: last.unwrap(),
        retained_bytes: 12 * MIB,
    };
    (volume, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_snapshots_keep_is_measured_when_it_is_asked_for() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (volume, kept) = volume_with_snapshots(&cluster).await;
    let measured = cluster.site.host.measure(&volume).await.unwrap();
    assert_eq!(measured.len(), 2);
    assert_eq!(measured[1], kept);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_does_not_wait_for_snapshots_to_be_measured() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let (volume, _) = volume_with_snapshots(&cluster).await;
    cluster.slow_down("diff", 60);
    let (snapshot, take) = snapshot_work(&volume);
    let roll_back = in_place(&volume, RestoreSource::Snapshot(snapshot.clone()));
    let delete = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    for work in [take, roll_back, delete] {
        let begun_at = Instant::now();
        let completed = cluster.site.complete(work).await;
        assert!(begun_at.elapsed().as_secs() < 30);
        assert_eq!(completed.retained, None, "the last known figures stay");
        cluster.assert_clean();
    }
}
