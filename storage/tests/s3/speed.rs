//! How fast a bucket is, and what it takes in memory: run by hand, in release.
//!
//!     cargo nextest run --release -p tidemark-storage --run-ignored only --no-capture speed

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use testbed::{Ceph, Rgw};
use tidemark_storage::{S3, Store};
use tokio::time::Instant;

use crate::site::{self, MIB};

const CHUNKS: usize = 1024;
const LANES: usize = 8;

/// A line of `/proc/self/status`, in MiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib >> 10
}

fn report(what: &str, begun: Instant) {
    let elapsed = begun.elapsed().max(Duration::from_millis(1));
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let mib = CHUNKS as f64 / elapsed.as_secs_f64();
    let peak = memory("VmHWM");
    eprintln!("{what}: {mib:.0} MiB/s, {elapsed:.2?}, peak memory {peak} MiB");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_gibibyte_there_and_back() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let s3: Arc<dyn Store> = Arc::new(S3::new(&site::rgw(&store)));
    let path = site::path("a/object");
    // The same bytes over and over: making them up must not be what is measured.
    let chunk: Bytes = [0, 1].map(site::chunk).concat().into();
    eprintln!("before: memory {} MiB", memory("VmRSS"));

    let begun = Instant::now();
    let mut writer = s3.create(&path, (CHUNKS * MIB) as u64).await.unwrap();
    for _ in 0..CHUNKS / 2 {
        writer.append(chunk.clone()).await.unwrap();
    }
    writer.commit().await.unwrap();
    report("multipart upload", begun);

    let begun = Instant::now();
    stream::iter(0..CHUNKS as u64 / 2)
        .map(|number| {
            let range = (2 * number) << 20..(2 * number + 2) << 20;
            s3.read(&path, range)
        })
        .buffered(LANES)
        .try_for_each(async |read| {
            assert_eq!(read.len(), 2 * MIB);
            Ok(())
        })
        .await
        .unwrap();
    report("ranged reads of 2 MiB, 8 at once", begun);

    let begun = Instant::now();
    for number in 0..CHUNKS as u64 / 2 {
        let range = (2 * number) << 20..(2 * number + 2) << 20;
        s3.read(&path, range).await.unwrap();
    }
    report("ranged reads of 2 MiB, one by one", begun);
    s3.delete_prefix(&site::path("a")).await.unwrap();
}
