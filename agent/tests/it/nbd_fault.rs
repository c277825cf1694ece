//! The NBD client against servers that are slow, picky, poor or broken.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::future::{join_all, try_join_all};
use tidemark_agent::nbd::{Client, Error, Patience};

use crate::{
    kit::{Kit, SHORT},
    site::{MIB, within},
};

fn noise(length: usize) -> Bytes {
    let mut noise = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise.into()
}

async fn read(client: &Client, offset: u64, length: usize) -> Result<Bytes, Error> {
    // Stale bytes in the buffer must not survive.
    let buffer = BytesMut::from(&vec![0xee; length][..]);
    within(client.read(offset, buffer))
        .await
        .map(BytesMut::freeze)
}

/// Writes, reads back, zeroes and flushes all over the disk.
async fn exercise(client: &Client) {
    let size = usize::try_from(client.size_bytes()).unwrap();
    let content = noise(size);
    within(client.write(0, content.clone())).await.unwrap();
    assert_eq!(read(client, 0, size).await.unwrap(), content);
    let (from, to) = (size / 4 / 4096 * 4096, size / 2 / 4096 * 4096);
    within(client.write_zeroes(from as u64, (to - from) as u64))
        .await
        .unwrap();
    within(client.flush()).await.unwrap();
    let after = read(client, 0, size).await.unwrap();
    assert_eq!(after[..from], content[..from]);
    assert!(after[from..to].iter().all(|byte| *byte == 0));
    assert_eq!(after[to..], content[to..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_apart_and_cost_one_request_only() {
    let faults = "--filter=error memory size=16M error-pread=EIO error-pread-rate=100% \
                  error-pread-file=DIR/bad error-pwrite=ENOSPC error-pwrite-rate=100% \
                  error-pwrite-file=DIR/full";
    let Some(mut kit) = Kit::start(faults) else {
        return;
    };
    let client = kit.client().await;
    std::fs::write(kit.path("bad"), "").unwrap();
    std::fs::write(kit.path("full"), "").unwrap();
    let failed = read(&client, 0, 4 << 20).await.unwrap_err();
    assert!(matches!(failed, Error::Refused { code: 5, .. }), "{failed}");
    let full = within(client.write(0, noise(4 << 20))).await.unwrap_err();
    assert!(full.is_no_space(), "{full}");

    std::fs::remove_file(kit.path("bad")).unwrap();
    std::fs::remove_file(kit.path("full")).unwrap();
    exercise(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_requests_wait_beside_each_other() {
    let Some(mut kit) = Kit::start("--filter=delay memory size=16M delay-read=300ms") else {
        return;
    };
    let client = kit.client().await;
    let start = Instant::now();
    let reads = (0..16).map(|n| read(&client, n * MIB, 1 << 20));
    try_join_all(reads).await.unwrap();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(
        took < Duration::from_millis(300 * 8),
        "one after the other: {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_ends_the_connection() {
    let Some(mut kit) = Kit::start("--filter=delay memory size=16M delay-read=60") else {
        return;
    };
    let request = Duration::from_millis(200);
    let patience = Patience { request, ..SHORT };
    let client = kit.connect(patience).await.unwrap();
    let start = Instant::now();
    let reads = join_all((0..64).map(|n| read(&client, n % 16 * MIB, 1 << 20))).await;
    for outcome in reads {
        assert!(
            matches!(outcome, Err(Error::TimedOut { .. })),
            "{outcome:?}"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    // What comes later knows at once.
    let start = Instant::now();
    let later = join_all((0..4).map(|_| client.write(0, noise(512)))).await;
    assert!(
        later
            .iter()
            .all(|outcome| matches!(outcome, Err(Error::TimedOut { .. })))
    );
    assert!(start.elapsed() < request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_holds_nobody_up() {
    let Some(mut kit) = Kit::start("memory size=64M") else {
        return;
    };
    let client = kit.connect(SHORT).await.unwrap();
    exercise(&client).await;
    kit.pause();

    let start = Instant::now();
    // More than the socket takes, so that the writing side stands still as well.
    let writes = join_all((0..64).map(|n| client.write(n * MIB, noise(1 << 20))));
    for outcome in within(writes).await {
        assert!(
            matches!(outcome, Err(Error::TimedOut { seconds: 2 })),
            "{outcome:?}"
        );
    }
    within(client.close()).await;
    let greeting = kit.connect(SHORT).await.err().unwrap();
    assert!(
        matches!(greeting, Error::TimedOut { seconds: 2 }),
        "{greeting}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_with_requests_in_flight_ends_them_at_once() {
    let Some(mut kit) = Kit::start("--filter=delay memory size=16M delay-read=60") else {
        return;
    };
    let client = kit.client().await;
    let reads = join_all((0..16).map(|n| read(&client, n * MIB, 1 << 20)));
    let mut reads = std::pin::pin!(reads);
    let none = tokio::time::timeout(Duration::from_millis(100), &mut reads).await;
    assert!(none.is_err(), "they are in flight");
    kit.kill();
    let start = Instant::now();
    for outcome in reads.await {
        assert!(matches!(outcome, Err(Error::Lost(_))), "{outcome:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_requests_leave_a_slow_server_to_the_others() {
    let delays = "--filter=delay memory size=16M delay-read=100ms delay-write=100ms";
    let Some(mut kit) = Kit::start(delays) else {
        return;
    };
    let client = kit.client().await;
    let content = noise(16 << 20);
    for _ in 0..3 {
        let write = client.write(0, noise(16 << 20));
        let buffer = BytesMut::zeroed(16 << 20);
        let both = async { tokio::join!(write, client.read(0, buffer)) };
        drop(tokio::time::timeout(Duration::from_millis(20), both).await);
    }
    // What was dropped may still arrive, but what is asked for from now on comes after it.
    within(client.flush()).await.unwrap();
    within(client.write(0, content.clone())).await.unwrap();
    assert_eq!(read(&client, 0, 16 << 20).await.unwrap(), content);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_cut_to_the_largest_that_a_server_takes() {
    let policy = "--filter=blocksize-policy memory size=9M blocksize-maximum=64K \
                  blocksize-preferred=4K \
                  blocksize-error-policy=error";
    let Some(mut kit) = Kit::start(policy) else {
        return;
    };
    exercise(&kit.client().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_below_the_smallest_block_are_refused_here() {
    let policy = "--filter=blocksize-policy memory size=9M blocksize-minimum=4K \
                  blocksize-preferred=4K blocksize-error-policy=error";
    let Some(mut kit) = Kit::start(policy) else {
        return;
    };
    let client = kit.client().await;
    exercise(&client).await;
    for (offset, length) in [(512, 4096), (0, 512)] {
        let refused = read(&client, offset, length).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_no_whole_number_of_the_servers_blocks_is_refused() {
    let policy = "--filter=blocksize-policy memory size=1000000 blocksize-minimum=4K \
                  blocksize-preferred=4K blocksize-error-policy=error";
    let Some(mut kit) = Kit::start(policy) else {
        return;
    };
    let refused = kit.connect(SHORT).await.err().unwrap();
    assert!(matches!(refused, Error::Protocol(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn poor_servers_are_good_enough() {
    // Neither structured replies nor block status, no request for zeros, one connection only.
    for poverty in [
        "--no-sr memory size=9M",
        "--filter=noextents memory size=9M",
        "--filter=nozero memory size=9M",
        "--filter=multi-conn memory size=9M multi-conn-mode=disable",
        "--no-sr --filter=nozero --filter=noextents memory size=9M",
    ] {
        let Some(mut kit) = Kit::start(poverty) else {
            return;
        };
        let client = kit.client().await;
        exercise(&client).await;
        let regions = within(client.regions(0)).await.unwrap();
        assert_eq!(regions[0].offset, 0, "{poverty}");
        if poverty.contains("no-sr") || poverty.contains("noextents") {
            assert!(regions.iter().all(|region| !region.zero), "{poverty}");
        }
        let beyond = read(&client, 9 * MIB, 512).await;
        assert!(matches!(beyond, Err(Error::Invalid(_))), "{poverty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_can_be_read() {
    let Some(mut kit) = Kit::start("--readonly memory size=1M") else {
        return;
    };
    let client = kit.client().await;
    assert!(client.is_read_only());
    let refused = within(client.write(0, noise(512))).await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused { code: 1, .. }),
        "{refused}"
    );
    assert_eq!(read(&client, 0, 512).await.unwrap(), [0; 512][..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_flush_makes_no_promise() {
    let Some(mut kit) = Kit::start("eval get_size=echo\t1048576 pread=exit\t1") else {
        return;
    };
    let client = kit.client().await;
    let refused = within(client.flush()).await.unwrap_err();
    assert!(matches!(refused, Error::Protocol(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_disk_there_is_can_be_used() {
    let Some(mut kit) = Kit::start("memory size=9223372036854775807") else {
        return;
    };
    let client = kit.client().await;
    let size = client.size_bytes();
    assert_eq!(size, i64::MAX as u64);
    let place = size - 3 * MIB - 1;
    let content = noise(3 << 20);
    within(client.write(place, content.clone())).await.unwrap();
    assert_eq!(read(&client, place, 3 << 20).await.unwrap(), content);
    let mut position = size - 5000 * MIB;
    let mut data = 0;
    while position < size {
        for region in within(client.regions(position)).await.unwrap() {
            assert_eq!(region.offset, position);
            position += region.length;
            data += if region.zero { 0 } else { region.length };
        }
    }
    assert!((3 * MIB..4 * MIB).contains(&data), "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_says_nothing_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let ceremony = Duration::from_millis(100);
    let patience = Patience { ceremony, ..SHORT };
    let silent = within(Client::connect_with(&socket, 1, patience)).await;
    assert!(matches!(silent, Err(Error::TimedOut { .. })));
    drop(listener);
}
