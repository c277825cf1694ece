//! What we take longer than the tools that an administrator would use: measured, not judged, as
//! that needs a machine with nothing else to do.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tidemark_agent::operation::Work;

use super::{Cluster, POOL, backup_work, snapshot_work};
use crate::site::{MIB, text};

const ROUNDS: usize = 15;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_snapshot_and_an_export_beside_those_of_rbd() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(1024 * MIB).await;
    let image = volume.id.to_string();
    let (mut alone, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("round{round}");
        let begun_at = Instant::now();
        let options = ["--no-progress", "--snap", &name];
        cluster.rbd(&["snap", "create"], &image, &options);
        alone.push(begun_at.elapsed());
        cluster.rbd(&["snap", "rm"], &image, &options);

        let (snapshot, work) = snapshot_work(&volume);
        let begun_at = Instant::now();
        cluster.site.complete(work).await;
        ours.push(begun_at.elapsed());
        let volume = volume.clone();
        let work = Work::DeleteSnapshot { volume, snapshot };
        cluster.site.complete(work).await;
    }
    let (alone, ours) = (median(alone), median(ours));
    eprintln!("snapshot: rbd alone {alone:?}, the operation {ours:?}");

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
