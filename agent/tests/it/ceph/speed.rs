//! What we take longer than the tools that an administrator would use: measured, not judged, as
//! that needs a machine with nothing else to do.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tidemark_agent::operation::{Volume, Work};

use super::{Cluster, POOL, backup_work, snapshot_work};
use crate::site::{MIB, text};

const ROUNDS: usize = 15;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Snapshots of a volume that has `older` ones, taken and deleted.
async fn snapshots_beside_those_of_rbd(cluster: &Cluster, volume: &Volume, older: usize) {
    let image = volume.id.to_string();
    let (mut taken, mut deleted) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for round in 0..ROUNDS {
        let name = format!("round{round}");
        let options = ["--no-progress", "--snap", &name];
        let begun_at = Instant::now();
        cluster.rbd(&["snap", "create"], &image, &options);
        taken.0.push(begun_at.elapsed());
        let begun_at = Instant::now();
        cluster.rbd(&["snap", "rm"], &image, &options);
        deleted.0.push(begun_at.elapsed());

        let (snapshot, work) = snapshot_work(volume);
        let begun_at = Instant::now();
        cluster.site.complete(work).await;
        taken.1.push(begun_at.elapsed());
        let volume = volume.clone();
        let work = Work::DeleteSnapshot { volume, snapshot };
        let begun_at = Instant::now();
        cluster.site.complete(work).await;
        deleted.1.push(begun_at.elapsed());
    }
    for (what, (alone, ours)) in [("taking", taken), ("deleting", deleted)] {
        let (alone, ours) = (median(alone), median(ours));
        eprintln!("{what} a snapshot beside {older}: rbd {alone:?}, the operation {ours:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_snapshot_and_an_export_beside_those_of_rbd() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(1024 * MIB).await;
    let image = volume.id.to_string();
    for older in [0, 1, 3] {
        let taken = cluster.snapshots(&image).len();
        for _ in taken..older {
            cluster.site.complete(snapshot_work(&volume).1).await;
            cluster.scribble(&volume, 1, 8 * MIB, 64 * MIB);
        }
        snapshots_beside_those_of_rbd(&cluster, &volume, older).await;
    }

    let begun_at = Instant::now();
    let target = cluster.site.path("scratch/export.zst");
    let mut export = Command::new("rbd")
        .args([
            "export",
            "--no-progress",
            "--pool",
            POOL,
            "--image",
            &image,
            "-",
        ])
        .env("CEPH_CONF", cluster.ceph.conf())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let zstd = Command::new("zstd")
        .args(["-q", "-1", "-T2", "-f", "-o", text(&target)])
        .stdin(export.stdout.take().unwrap())
        .status();
    assert!(zstd.unwrap().success() && export.wait().unwrap().success());
    let piped = begun_at.elapsed();
    let begun_at = Instant::now();
    let backup = cluster.backup_of(&volume);
    cluster.site.complete(backup_work(&volume, &backup)).await;
    let ours = begun_at.elapsed();
    eprintln!("export of 1 GiB with 256 MiB of data: rbd | zstd {piped:?}, the operation {ours:?}");
}
