//! Stores that say nothing, and networks that are slow: the one is an error, the other is not.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use testbed::{Ceph, Rgw};
use tidemark_storage::{Bandwidth, Destination, Error, Store, Throttle};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::{
    proxy::{Fate, Kind, Proxy},
    site::{self, InProcess, MIB},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stands_still_is_an_error_within_a_minute() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let s3 = Destination::S3(site::rgw(&store)).open().unwrap();
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1)).await.unwrap();
    store.pause();
    let begun = Instant::now();
    let write = site::write(&*s3, &path);
    let (read, size, put, write) = tokio::join!(
        s3.read(&path, 0..1000),
        s3.size(&path),
        s3.put(&path, site::chunk(2)),
        write
    );
    for error in [read.map(drop), size.map(drop), put, write].map(Result::unwrap_err) {
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_mins(1),
        "{:?}",
        begun.elapsed()
    );
    store.resume();
    assert_eq!(s3.size(&path).await.unwrap(), 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_waits_for_a_store_that_confirms_nothing() {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    proxy.every(Kind::Part, Fate::Hang);
    let s3 = site::hasty(&site::through(&proxy.endpoint, &store.address()));
    let mut writer = s3.create(&site::path("a"), 1 << 30).await.unwrap();
    let mut appended = 0;
    while let Ok(taken) = timeout(Duration::from_secs(3), writer.append(site::chunk(0))).await {
        taken.unwrap();
        appended += MIB;
    }
    assert_eq!(appended, 24 * MIB, "three parts of 8 MiB");
    assert_eq!(writer.unconfirmed_bytes(), appended as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_be_slower_than_any_time_out() {
    let store = InProcess::start().await;
    let endpoint = slow(&store.endpoint, 8 << 10, Duration::from_millis(40)).await;
    let s3 = site::hasty(&site::through(&endpoint, &store.address()));
    let begun = Instant::now();
    let path = site::path("a/object");
    let content = [0, 1, 2, 3, 4].map(site::chunk).concat();
    s3.put(&path, content.into()).await.unwrap();
    assert!(
        begun.elapsed() > Duration::from_secs(22),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(s3.size(&path).await.unwrap(), 5 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_upload_is_as_slow_as_it_should_be() {
    let store = InProcess::start().await;
    let s3 = Arc::new(site::hasty(&store.address()));
    let bandwidth = Bandwidth::new(NonZeroU64::new(8 << 20).unwrap());
    let s3 = Throttle::new(s3, bandwidth);
    let (begun, path) = (Instant::now(), site::path("a/object"));
    site::write(&s3, &path).await.unwrap();
    // 16 MiB at 8 MiB per second, of which the last MiB is not waited for.
    let least = Duration::from_secs(1);
    assert!(begun.elapsed() > least, "{:?}", begun.elapsed());
    site::assert_written(&s3, &path).await;
}

/// A link that takes so many bytes, rests, and takes the next.
async fn slow(upstream: &str, bytes: usize, rest: Duration) -> String {
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let socket = TcpSocket::new_v4().unwrap();
    // What waits in buffers has left the sender, and would look like speed.
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&upstream).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move {
                let mut buffer = vec![0; bytes];
                while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                    if to_server.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                    sleep(rest).await;
                }
            });
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        }
    });
    endpoint
}
