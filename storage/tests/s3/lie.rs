//! Stores and networks that say one thing and do another: each is found out, and none of it is kept.

use std::sync::Arc;

use testbed::{Ceph, Rgw, until};
use tidemark_storage::{Error, Retry, S3, Store};

use crate::{
    proxy::{Fate, Kind, Proxy, refusal},
    site::{self, HASTY, InProcess},
};

/// A store in this process behind a proxy.
async fn site() -> (InProcess, Proxy, S3) {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &store.address()));
    (store, proxy, s3)
}

fn assert_unfaithful<T: std::fmt::Debug>(outcome: Result<T, Error>, words: &str) {
    match outcome {
        Err(error @ Error::Unfaithful { .. }) if error.to_string().contains(words) => {}
        other => panic!("Unfaithful with {words:?} was expected, got {other:?}"),
    }
}

/// Deleting the directory leaves nothing at the store.
async fn assert_can_be_cleaned_up(store: &InProcess) {
    let s3 = S3::new(&store.address());
    // The store in the test's process fails to list what it is taking away itself at that moment.
    until("the directory can be deleted", async || {
        let deleted = s3.delete_prefix(&site::path("a")).await;
        deleted.ok()
    })
    .await;
    assert_eq!(store.leftovers(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_an_error_in_a_success_is_a_failure() {
    let (store, proxy, s3) = site().await;
    proxy.every(Kind::Complete, Fate::Answer(200, refusal("InternalError")));
    let path = site::path("a/object");
    let error = site::write(&s3, &path).await.unwrap_err();
    let Error::Unreachable { reason } = &error else {
        panic!("{error:?}")
    };
    assert!(reason.contains("InternalError"), "{reason}");
    assert!(reason.ends_with("(tried 4 times)"), "{reason}");
    let outcome = s3.size(&path).await;
    assert!(matches!(outcome, Err(Error::NotFound { .. })));
    assert_can_be_cleaned_up(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_drops_the_object_is_found_out() {
    let (store, proxy, s3) = site().await;
    let answer = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>";
    proxy.every(Kind::Complete, Fate::Answer(200, answer.into()));
    let outcome = site::write(&s3, &site::path("a/object")).await;
    assert_unfaithful(outcome, "a/object was written, and is not there");
    assert_can_be_cleaned_up(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_object_that_is_dropped_is_found_out() {
    let (_store, proxy, s3) = site().await;
    proxy.every(Kind::Put, Fate::Answer(200, String::new()));
    let path = site::path("a/manifest.json");
    let outcome = s3.put(&path, site::chunk(1)).await;
    assert_unfaithful(outcome, "is not there");
    let mut writer = s3.create(&path, 1).await.unwrap();
    writer.append(site::chunk(1)).await.unwrap();
    assert_unfaithful(writer.commit().await, "is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_another_size_is_found_out_and_deleted() {
    let (store, proxy, s3) = site().await;
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1).slice(..1000)).await.unwrap();
    // The earlier object is what is looked at, since the later one never arrives.
    proxy.every(Kind::Put, Fate::Answer(200, String::new()));
    let outcome = s3.put(&path, site::chunk(1)).await;
    assert_unfaithful(
        outcome,
        "1048576 bytes were written to a/object, it has 1000",
    );
    assert_eq!(store.leftovers(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_confirmed_with_another_digest_is_found_out() {
    let (_store, proxy, s3) = site().await;
    proxy.every(Kind::Part, Fate::OtherEtag);
    let outcome = site::write(&s3, &site::path("a/object")).await;
    assert_unfaithful(outcome, "confirmed other bytes than were sent");
    proxy.every(Kind::Put, Fate::OtherEtag);
    let outcome = s3.put(&site::path("a/object"), site::chunk(1)).await;
    assert_unfaithful(outcome, "confirmed other bytes than were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_confirmed_wrongly_once_is_sent_again() {
    let (_store, proxy, s3) = site().await;
    proxy.next(1, Kind::Part, Fate::OtherEtag);
    let path = site::path("a/object");
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_object_that_is_confirmed_wrongly_or_dropped_once_is_sent_again() {
    let (_store, proxy, s3) = site().await;
    let s3 = Retry::new(Arc::new(s3), HASTY);
    let path = site::path("a/manifest.json");
    for fate in [Fate::OtherEtag, Fate::Answer(200, String::new())] {
        proxy.next(1, Kind::Put, fate);
        s3.put(&path, site::chunk(1)).await.unwrap();
        assert_eq!(s3.get(&path, 1 << 20).await.unwrap(), site::chunk(1));
        s3.delete(&path).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_confirmed_wrongly_once_is_sent_again() {
    let (_store, proxy, s3) = site().await;
    proxy.next(1, Kind::Put, Fate::OtherEtag);
    let path = site::path("a/object");
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_changed_on_its_way_is_refused_by_the_store() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &site::rgw(&store)));
    let path = site::path("a/object");
    proxy.every(Kind::Part, Fate::FlipBit);
    let outcome = site::write(&s3, &path).await;
    assert_unfaithful(outcome, "other bytes arrived than were sent");
    proxy.every(Kind::Put, Fate::FlipBit);
    let outcome = s3.put(&path, site::chunk(1)).await;
    assert_unfaithful(outcome, "other bytes arrived than were sent");
    // Once is bad luck.
    proxy.next(2, Kind::Part, Fate::FlipBit);
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_is_not_taken_for_the_range() {
    let (_store, proxy, s3) = site().await;
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1)).await.unwrap();
    proxy.every(Kind::Get, Fate::CutAnswer);
    let error = s3.read(&path, 0..1 << 20).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("cut short"), "{error}");
    let retried = Retry::new(std::sync::Arc::new(s3), HASTY);
    let error = retried.read(&path, 0..1 << 20).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    proxy.next(2, Kind::Get, Fate::CutAnswer);
    let read = retried.read(&path, 0..1 << 20).await.unwrap();
    assert!(read == site::chunk(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_than_the_range_is_not_taken_for_it() {
    let (_store, proxy, s3) = site().await;
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1)).await.unwrap();
    proxy.every(Kind::Get, Fate::Answer(200, "the whole object".into()));
    let outcome = s3.read(&path, 3..7).await;
    assert_unfaithful(outcome, "a range of a/object was asked for");
}

/// As of a proxy that has lost its way to the store.
fn nothing_here() -> Fate {
    Fate::Answer(404, "<html>404 Not Found</html>".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_not_to_be_there_by_who_knows_nothing_of_it_is_not_taken_for_gone() {
    let (_store, proxy, s3) = site().await;
    let s3 = Retry::new(Arc::new(s3), HASTY);
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1)).await.unwrap();
    proxy.every(Kind::Get, nothing_here());
    let error = s3.read(&path, 0..7).await.unwrap_err();
    assert!(!matches!(error, Error::NotFound { .. }), "{error:?}");
    assert!(
        error.to_string().contains("was said not to be there"),
        "{error}"
    );
    proxy.every(Kind::Delete, nothing_here());
    s3.delete(&path).await.unwrap_err();
    proxy.next(1, Kind::Get, nothing_here());
    assert_eq!(s3.get(&path, 1 << 20).await.unwrap(), site::chunk(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_stay_once_deleted_are_found_out() {
    let (_store, proxy, s3) = site().await;
    s3.put(&site::path("a/object"), site::chunk(1))
        .await
        .unwrap();
    proxy.every(Kind::Delete, Fate::Answer(204, String::new()));
    let outcome = s3.delete_prefix(&site::path("a")).await;
    assert_unfaithful(outcome, "a is still listed once deleted");
}
