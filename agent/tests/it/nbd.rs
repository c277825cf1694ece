//! The NBD client against a real `qemu-nbd`.

use std::{path::Path, time::Duration};

use bytes::{Bytes, BytesMut};
use tidemark_agent::nbd::{Client, Error};
use tokio::process::{Child, Command};

use crate::site::{MIB, run, text, within};

struct Served {
    directory: tempfile::TempDir,
    server: Child,
    client: Client,
}

impl Served {
    async fn new(size: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (image, socket) = (
            directory.path().join("image"),
            directory.path().join("socket"),
        );
        run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2", text(&image), size],
        );
        let server = serve(&image, &socket, more);
        let client = connect(&socket).await;
        Self {
            directory,
            server,
            client,
        }
    }
}

fn serve(image: &Path, socket: &Path, more: &[&str]) -> Child {
    let mut command = Command::new("qemu-nbd");
    command
        .args(["-f", "qcow2", "--shared=4", "-k", text(socket)])
        .args(more)
        .arg(image);
    command.kill_on_drop(true).spawn().unwrap()
}

async fn connect(socket: &Path) -> Client {
    let attempt = async {
        loop {
            match Client::connect(socket, 4).await {
                Ok(client) => return client,
                Err(Error::Connect(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    within(attempt).await
}

fn noise(length: usize) -> Bytes {
    let mut noise = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise.into()
}

async fn read(client: &Client, offset: u64, length: usize) -> Bytes {
    // Stale bytes in the buffer must not survive.
    let buffer = BytesMut::from(&vec![0xee; length][..]);
    within(client.read(offset, buffer)).await.unwrap().freeze()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_reads_back_and_holes_are_zero() {
    let served = Served::new("64M", &[]).await;
    let client = &served.client;
    assert_eq!(
        (client.size_bytes(), client.is_read_only()),
        (64 * MIB, false)
    );
    let content = noise(5 * 1024 * 1024 + 512);
    within(client.write(3 * MIB + 512, content.clone()))
        .await
        .unwrap();
    assert_eq!(read(client, 3 * MIB + 512, content.len()).await, content);
    let around = read(client, 3 * MIB, content.len() + 1024).await;
    assert_eq!(around[512..content.len() + 512], content);
    assert!(
        around[..512]
            .iter()
            .chain(&around[content.len() + 512..])
            .all(|byte| *byte == 0)
    );

    within(client.write_zeroes(4 * MIB, MIB)).await.unwrap();
    within(client.flush()).await.unwrap();
    assert!(
        read(client, 4 * MIB, 1 << 20)
            .await
            .iter()
            .all(|byte| *byte == 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_covers_the_disk_and_knows_its_holes() {
    let served = Served::new("3G", &[]).await;
    let client = &served.client;
    within(client.write(2000 * MIB, noise(1 << 20)))
        .await
        .unwrap();
    let (mut position, mut data) = (0, Vec::new());
    while position < client.size_bytes() {
        for region in within(client.regions(position)).await.unwrap() {
            assert_eq!(region.offset, position);
            position += region.length;
            if !region.zero {
                data.push((region.offset, region.length));
            }
        }
    }
    assert_eq!(position, 3 << 30);
    assert_eq!(data, [(2000 * MIB, MIB)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_end_are_refused_here() {
    let served = Served::new("1M", &[]).await;
    let beyond = served.client.read(MIB - 512, BytesMut::zeroed(1024)).await;
    assert!(matches!(beyond, Err(Error::Invalid(_))), "{beyond:?}");
    let overflowing = served.client.write_zeroes(u64::MAX, 2).await;
    assert!(
        matches!(overflowing, Err(Error::Invalid(_))),
        "{overflowing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_says_so_and_refuses_writes() {
    let served = Served::new("1M", &["--read-only"]).await;
    assert!(served.client.is_read_only());
    let refused = within(served.client.write(0, noise(512))).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    // The connection is as good as before.
    assert_eq!(read(&served.client, 0, 512).await.len(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_request_does_no_harm_to_the_next() {
    let served = Served::new("64M", &[]).await;
    let content = noise(16 << 20);
    within(served.client.write(0, content.clone()))
        .await
        .unwrap();
    for _ in 0..50 {
        let abandoned = served.client.read(0, BytesMut::zeroed(16 << 20));
        // Polled once, so that some of it is on its way, and dropped.
        let abandoned = tokio::time::timeout(Duration::ZERO, abandoned).await;
        drop(abandoned);
    }
    assert_eq!(read(&served.client, 0, 16 << 20).await, content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_ends_every_request_at_once() {
    let mut served = Served::new("1G", &[]).await;
    let client = served.client.clone();
    let reads = tokio::spawn(async move {
        loop {
            let reads = (0..16).map(|n| client.read(n * MIB, BytesMut::zeroed(1 << 20)));
            if let Err(error) = futures_util::future::try_join_all(reads).await {
                return error;
            }
        }
    });
    served.server.start_kill().unwrap();
    let error = tokio::time::timeout(Duration::from_secs(5), reads)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(error, Error::Lost(_)), "{error}");
    let later = within(served.client.read(0, BytesMut::zeroed(512))).await;
    assert!(matches!(later, Err(Error::Lost(_))), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_when_its_client_says_goodbye() {
    let Served {
        directory,
        mut server,
        client,
    } = Served::new("1M", &[]).await;
    within(client.close()).await;
    assert!(within(server.wait()).await.unwrap().success());
    drop(directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_server_is_no_server() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let missing = Client::connect(&socket, 1).await.err().unwrap();
    assert!(matches!(missing, Error::Connect(_)), "{missing}");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let impostor = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"220 mail.example.org ESMTP ready")
            .await
            .unwrap();
    });
    let refused = Client::connect(&socket, 1).await.err().unwrap();
    assert!(matches!(refused, Error::Protocol(_)), "{refused}");
    impostor.await.unwrap();
}
