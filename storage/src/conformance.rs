//! What every [`Store`] has to do, as tests that each implementation runs against itself.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is the result"
)]

use bytes::Bytes;
use futures_util::FutureExt as _;

use crate::{Error, ObjectPath, Store};

/// Runs the whole suite against an empty destination, and leaves no object in it.
///
/// # Panics
///
/// When the store breaks a promise; the message says which.
pub async fn check(store: &dyn Store) {
    an_append_that_was_given_up_on_spoils_the_object(store).await;
    an_object_appears_only_when_committed(store).await;
    a_dropped_or_aborted_writer_leaves_nothing(store).await;
    ranges_are_exact(store).await;
    an_empty_object_is_an_object(store).await;
    putting_twice_replaces(store).await;
    getting_obeys_the_limit(store).await;
    what_is_absent_is_not_found(store).await;
    a_listing_is_complete_and_ordered(store).await;
    deleting_is_idempotent_and_keeps_neighbours(store).await;
    deleting_a_prefix_stops_at_whole_components(store).await;
}

/// What a store promises that may have lost its disk without a word: in an empty destination it does
/// not say that an object is gone, and whoever clears up after himself needs nothing there.
///
/// # Panics
///
/// When the store breaks a promise; the message says which.
pub async fn check_empty_is_doubted(store: &dyn Store) {
    let object = path("suite/a/object");
    for outcome in [
        store.delete(&object).await,
        store.size(&object).await.map(drop),
        store.read(&object, 0..1).await.map(drop),
    ] {
        match outcome {
            Err(error @ Error::Unreachable { .. }) if error.to_string().contains("is empty") => {}
            other => panic!("a doubt because nothing is there was expected, got {other:?}"),
        }
    }
    clear(store).await;
}

/// What a store promises of the marker, which it is the first to write: it is an object like others, which no
/// listing shows and which leaves the destination as vacant as it was.
///
/// # Panics
///
/// When the store breaks a promise; the message says which.
pub async fn check_marker(store: &dyn Store) {
    let vacant = async || store.is_vacant().await.expect("is_vacant");
    let marker = ObjectPath::marker();
    assert!(vacant().await, "an empty destination is not vacant");
    assert_not_found(store.size(&marker).await, "size of a marker");
    assert_not_found(store.get(&marker, 100).await, "a marker");
    for content in ["first", "the second"] {
        let written = store.put(&marker, Bytes::from(content)).await;
        written.expect("put a marker");
        let read = store.get(&marker, 100).await.expect("get a marker");
        assert_eq!(read, content);
    }
    assert!(vacant().await, "a destination with a marker is not vacant");
    let object = path("volumes/suite/object");
    let written = store.put(&object, Bytes::from_static(b"x")).await;
    written.expect("put");
    assert!(!vacant().await, "a destination with an object is vacant");
    assert_eq!(names(store, "volumes").await, ["volumes/suite/object"]);
    store.delete(&object).await.expect("delete");
    assert!(vacant().await, "an emptied destination is not vacant");
}

fn path(path: &str) -> ObjectPath {
    ObjectPath::new(path).expect("a valid path")
}

async fn names(store: &dyn Store, prefix: &str) -> Vec<String> {
    let objects = store.list(&path(prefix)).await.expect("list");
    objects
        .into_iter()
        .map(|object| object.path.to_string())
        .collect()
}

async fn clear(store: &dyn Store) {
    store
        .delete_prefix(&path("suite"))
        .await
        .expect("delete_prefix");
    assert!(
        names(store, "suite").await.is_empty(),
        "the suite's objects are still listed"
    );
}

fn assert_not_found<T: std::fmt::Debug>(outcome: Result<T, Error>, what: &str) {
    match outcome {
        Err(Error::NotFound { .. }) => {}
        other => panic!("{what}: NotFound was expected, got {other:?}"),
    }
}

/// First of all, so that what a store does about it in the background is over by the end.
async fn an_append_that_was_given_up_on_spoils_the_object(store: &dyn Store) {
    let object = path("suite/torn");
    let chunk = Bytes::from(vec![1; 1 << 20]);
    let mut writer = store.create(&object, 1 << 20).await.expect("create");
    // A store that never waits for anything cannot be given up on.
    for _ in 0..32 {
        if let Some(appended) = writer.append(chunk.clone()).now_or_never() {
            appended.expect("append");
            continue;
        }
        assert!(
            writer.append(chunk).await.is_err(),
            "an append follows one that was given up on"
        );
        assert!(
            writer.commit().await.is_err(),
            "an object that lacks a chunk was committed"
        );
        break;
    }
    assert_not_found(store.size(&object).await, "size of a torn object");
    clear(store).await;
}

async fn an_object_appears_only_when_committed(store: &dyn Store) {
    let object = path("suite/a/object");
    let mut writer = store.create(&object, 1 << 20).await.expect("create");
    writer
        .append(Bytes::from_static(b"first "))
        .await
        .expect("append");
    assert_not_found(store.size(&object).await, "size before the commit");
    assert!(
        names(store, "suite").await.is_empty(),
        "an uncommitted object is listed"
    );
    writer
        .append(Bytes::from_static(b"second"))
        .await
        .expect("append");
    writer.commit().await.expect("commit");
    assert_eq!(store.get(&object, 100).await.expect("get"), "first second");
    clear(store).await;
}

async fn a_dropped_or_aborted_writer_leaves_nothing(store: &dyn Store) {
    let object = path("suite/a/object");
    let mut dropped = store.create(&object, 1 << 20).await.expect("create");
    dropped
        .append(Bytes::from_static(b"x"))
        .await
        .expect("append");
    drop(dropped);
    let mut aborted = store.create(&object, 1 << 20).await.expect("create");
    aborted
        .append(Bytes::from_static(b"x"))
        .await
        .expect("append");
    aborted.abort().await.expect("abort");
    assert_not_found(store.size(&object).await, "size after the abort");
    assert!(names(store, "suite").await.is_empty());
    clear(store).await;
}

async fn ranges_are_exact(store: &dyn Store) {
    let object = path("suite/object");
    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut writer = store.create(&object, 1 << 20).await.expect("create");
    for chunk in content.chunks(7777) {
        writer
            .append(Bytes::copy_from_slice(chunk))
            .await
            .expect("append");
    }
    writer.commit().await.expect("commit");
    assert_eq!(store.size(&object).await.expect("size"), 100_000);
    for (start, end) in [
        (0, 0),
        (0, 1),
        (12_345, 54_321),
        (99_999, 100_000),
        (0, 100_000),
    ] {
        let read = store.read(&object, start..end).await.expect("read");
        let (start, end) = (usize::try_from(start), usize::try_from(end));
        assert_eq!(read, content[start.expect("small")..end.expect("small")]);
    }
    let beyond = store.read(&object, 99_999..100_001).await;
    assert!(
        matches!(beyond, Err(Error::OutOfRange { size: 100_000, .. })),
        "{beyond:?}"
    );
    clear(store).await;
}

async fn an_empty_object_is_an_object(store: &dyn Store) {
    let object = path("suite/empty");
    store.put(&object, Bytes::new()).await.expect("put");
    assert_eq!(store.size(&object).await.expect("size"), 0);
    assert_eq!(names(store, "suite").await, ["suite/empty"]);
    clear(store).await;
}

async fn putting_twice_replaces(store: &dyn Store) {
    let object = path("suite/object");
    store
        .put(&object, Bytes::from_static(b"a longer first content"))
        .await
        .expect("put");
    store
        .put(&object, Bytes::from_static(b"second"))
        .await
        .expect("put again");
    assert_eq!(store.get(&object, 100).await.expect("get"), "second");
    clear(store).await;
}

async fn getting_obeys_the_limit(store: &dyn Store) {
    let object = path("suite/object");
    store
        .put(&object, Bytes::from_static(b"0123456789"))
        .await
        .expect("put");
    assert_eq!(store.get(&object, 10).await.expect("get").len(), 10);
    let refused = store.get(&object, 9).await;
    assert!(
        matches!(refused, Err(Error::OutOfRange { .. })),
        "{refused:?}"
    );
    clear(store).await;
}

async fn what_is_absent_is_not_found(store: &dyn Store) {
    let object = path("suite/absent");
    let other = path("suite/other");
    store
        .put(&other, Bytes::from_static(b"x"))
        .await
        .expect("put");
    assert_not_found(store.size(&object).await, "size");
    assert_not_found(store.read(&object, 0..1).await, "read");
    assert_not_found(store.get(&object, 1).await, "get");
    assert!(names(store, "suite/absent").await.is_empty());
    store
        .put(&object, Bytes::from_static(b"x"))
        .await
        .expect("put");
    assert_not_found(
        store.size(&path("suite/absent/below")).await,
        "size below an object",
    );
    assert_not_found(store.size(&path("suite")).await, "size of a prefix");
    clear(store).await;
}

async fn a_listing_is_complete_and_ordered(store: &dyn Store) {
    for name in ["suite/b/2", "suite/a", "suite/b/1", "suite/b/c/3"] {
        store
            .put(&path(name), Bytes::from_static(b"12345"))
            .await
            .expect("put");
    }
    let all = store.list(&path("suite")).await.expect("list");
    assert!(all.iter().all(|object| object.size_bytes == 5));
    let expected = ["suite/a", "suite/b/1", "suite/b/2", "suite/b/c/3"];
    assert_eq!(names(store, "suite").await, expected);
    assert_eq!(names(store, "suite/b").await, expected[1..]);
    assert_eq!(names(store, "suite/a").await, expected[..1]);
    clear(store).await;
}

async fn deleting_is_idempotent_and_keeps_neighbours(store: &dyn Store) {
    for name in ["suite/a", "suite/b"] {
        store
            .put(&path(name), Bytes::from_static(b"x"))
            .await
            .expect("put");
    }
    for _ in 0..2 {
        store.delete(&path("suite/a")).await.expect("delete");
        assert_eq!(names(store, "suite").await, ["suite/b"]);
    }
    clear(store).await;
    clear(store).await;
}

async fn deleting_a_prefix_stops_at_whole_components(store: &dyn Store) {
    for name in ["suite/a/1", "suite/ab/1"] {
        store
            .put(&path(name), Bytes::from_static(b"x"))
            .await
            .expect("put");
    }
    store
        .delete_prefix(&path("suite/a"))
        .await
        .expect("delete_prefix");
    assert_eq!(names(store, "suite").await, ["suite/ab/1"]);
    clear(store).await;
}
