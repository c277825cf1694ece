//! An NFS export spoken to directly, against nfs-ganesha: the suite, and what goes wrong there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use testbed::Ganesha;
use tidemark_storage::{Destination, Error, Nfs, NfsExport, ObjectPath, Store, conformance, probe};

fn export(ganesha: &Ganesha) -> NfsExport {
    NfsExport {
        server: ganesha.server.clone(),
        export: ganesha.export.clone(),
        directory: None,
    }
}

fn path(path: &str) -> ObjectPath {
    ObjectPath::new(path).unwrap()
}

fn block(seed: u8) -> Bytes {
    let mut content = vec![0; 1 << 20];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut content);
    content.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_passes_the_conformance_suite() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = Nfs::new(&export(&ganesha)).unwrap();
    conformance::check(&store).await;
    probe(&store).await.unwrap();
    assert_eq!(std::fs::read_dir(&ganesha.directory).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn measure() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = Nfs::new(&export(&ganesha)).unwrap();
    let blocks: Vec<Bytes> = (0..16).map(block).collect();
    for round in 0..3 {
        let started = Instant::now();
        let object = path("measure/object");
        let mut writer = store.create(&object, 1 << 30).await.unwrap();
        for i in 0..1024 {
            writer.append(blocks[i % 16].clone()).await.unwrap();
        }
        let appended = started.elapsed();
        writer.commit().await.unwrap();
        let written = started.elapsed();
        let started = Instant::now();
        let readers: Vec<_> = (0..4_u64).collect();
        for i in (0..1 << 30).step_by(32 << 20) {
            let got = store.read(&object, i..i + (32 << 20)).await.unwrap();
            assert_eq!(got.len(), 32 << 20);
        }
        let _ = readers;
        let read = started.elapsed();
        let rate = |took: Duration| 1024.0 * 1.048_576 / took.as_secs_f64();
        println!(
            "round {round}: appended {:.0} MB/s, written {:.0} MB/s, read {:.0} MB/s",
            rate(appended),
            rate(written),
            rate(read)
        );
        store.delete(&object).await.unwrap();
    }
}
