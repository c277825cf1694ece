//! How fast an export is, for who wants to know: `cargo test --release … -- --ignored --nocapture`.

use std::{fs, time::Duration};

use testbed::Ganesha;
use tidemark_storage::{Local, Store};
use tokio::time::Instant;

use super::{block, path, store};

const MEGABYTES: u64 = 1024;

fn rate(took: Duration) -> String {
    let megabytes = f64::from(u32::try_from(MEGABYTES).unwrap()) * 1.048_576;
    format!("{:.0} MB/s", megabytes / took.as_secs_f64())
}

async fn measure(what: &str, store: &dyn Store) {
    let blocks: Vec<_> = (0..16).map(block).collect();
    let object = path("measure/object");
    for _ in 0..3 {
        let started_at = Instant::now();
        let mut writer = store.create(&object, MEGABYTES << 20).await.unwrap();
        for i in 0..MEGABYTES {
            let block = &blocks[usize::try_from(i % 16).unwrap()];
            writer.append(block.clone()).await.unwrap();
        }
        let appended = rate(started_at.elapsed());
        writer.commit().await.unwrap();
        let committed = rate(started_at.elapsed());
        let started_at = Instant::now();
        for start in (0..MEGABYTES << 20).step_by(32 << 20) {
            store
                .read(&object, start..start + (32 << 20))
                .await
                .unwrap();
        }
        let read = rate(started_at.elapsed());
        println!("{what}: appended {appended}, committed {committed}, read {read}");
        store.delete(&object).await.unwrap();
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    println!("{what}: {peak}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_gigabyte_over_loopback() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    measure("nfs", &store(&ganesha)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_gigabyte_to_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    measure("local", &Local::new(directory.path())).await;
}
