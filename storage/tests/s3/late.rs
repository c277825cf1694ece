//! Stores that are late, or answer strangely: what they do is found done, and nothing is thrown away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use testbed::{Ceph, Rgw};
use tidemark_storage::{Error, Retry, S3, Store};
use tokio::time::Instant;

use crate::{
    proxy::{Fate, Kind, Proxy, Seen, refusal},
    site::{self, HASTY, InProcess},
};

/// A store in this process behind a proxy.
async fn in_process() -> (InProcess, Proxy, S3) {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &store.address()));
    (store, proxy, s3)
}

/// The same of Ceph's store.
async fn rgw(ceph: &Ceph) -> (Rgw, Proxy, S3) {
    let store = Rgw::start(ceph).await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &site::rgw(&store)));
    (store, proxy, s3)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_sends_blanks_is_waited_for_and_its_end_counts() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let (_store, proxy, s3) = rgw(&ceph).await;
    let path = site::path("a/object");
    let time = Duration::from_millis(500);
    proxy.every(Kind::Complete, Fate::Blanks(time, None));
    let begun = Instant::now();
    site::write(&s3, &path).await.unwrap();
    assert!(begun.elapsed() > time);
    site::assert_written(&s3, &path).await;
    s3.delete(&path).await.unwrap();

    // A refusal after the blanks, though the store has done it: the object itself is the answer.
    let error = refusal("InternalError");
    proxy.every(Kind::Complete, Fate::Blanks(time, Some(error.clone())));
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
    s3.delete(&path).await.unwrap();

    // The same where the store has done nothing, once.
    proxy.next(1, Kind::Complete, Fate::Answer(200, error));
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_whose_answer_makes_no_sense_or_is_lost_is_found_done_whatever_the_etag() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let (_store, proxy, s3) = rgw(&ceph).await;
    let path = site::path("a/object");
    for fate in [
        Fate::Blanks(Duration::ZERO, Some("  ".into())),
        Fate::Blanks(Duration::ZERO, Some("<not xml".into())),
        Fate::LoseAnswer,
        Fate::CutAnswer,
    ] {
        let once = AtomicUsize::new(0);
        let complete = fate.clone();
        // Its ETag is no digest of anything, as where it encrypts with a key of somebody else's.
        proxy.rule(move |seen: Seen<'_>| match seen.kind {
            Kind::Head => Fate::OtherEtag,
            Kind::Complete if once.fetch_add(1, Ordering::SeqCst) == 0 => complete.clone(),
            _ => Fate::Pass,
        });
        let written = site::write(&s3, &path).await;
        assert!(written.is_ok(), "{fate:?}: {written:?}");
        site::assert_written(&s3, &path).await;
        s3.delete(&path).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_never_answered_is_found_done() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let (_store, proxy, s3) = rgw(&ceph).await;
    let moment = Duration::from_millis(100);
    let s3 = s3.looking(moment, moment);
    let path = site::path("a/object");
    proxy.every(Kind::Complete, Fate::Mute);
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;

    // Where nothing else is answered either, nobody waits for an hour.
    proxy.rule(|seen| match seen.kind {
        Kind::Complete => Fate::Hang,
        Kind::Head => Fate::Cut,
        _ => Fate::Pass,
    });
    let error = site::write(&s3, &path).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_another_upload_made_is_not_taken_for_ours() {
    let (_store, proxy, s3) = in_process().await;
    let path = site::path("a/object");
    site::write(&s3, &path).await.unwrap();
    // The same bytes would do: they are what was to be written.
    let other = Arc::new(AtomicUsize::new(0));
    proxy.rule(move |seen| match seen.kind {
        Kind::Complete => {
            other.fetch_add(1, Ordering::SeqCst);
            Fate::Answer(400, refusal("InvalidPart"))
        }
        Kind::Head => Fate::OtherEtag,
        _ => Fate::Pass,
    });
    let error = site::write(&s3, &path).await.unwrap_err();
    assert!(error.to_string().contains("InvalidPart"), "{error}");
    // Nor is it deleted.
    site::assert_written(&s3, &path).await;
}

/// Says of an object that it is not there, so many times.
fn hides(name: &'static str, times: usize) -> impl Fn(Seen<'_>) -> Fate + Send + Sync {
    let count = AtomicUsize::new(0);
    move |seen| {
        let is_it = seen.kind == Kind::Head && seen.path.ends_with(name);
        if is_it && count.fetch_add(1, Ordering::SeqCst) < times {
            return Fate::Answer(404, String::new());
        }
        Fate::Pass
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_seen_for_a_moment_is_looked_for_again() {
    let (_store, proxy, s3) = in_process().await;
    let path = site::path("a/object");
    proxy.rule(hides("/object", 2));
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;

    let small = site::path("a/small");
    let s3 = Retry::new(Arc::new(s3), HASTY);
    proxy.rule(hides("/small", 2));
    s3.put(&small, site::chunk(1)).await.unwrap();
    assert_eq!(s3.get(&small, 1 << 20).await.unwrap(), site::chunk(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_confirmed_without_an_etag_is_asked_for() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let (_store, proxy, s3) = rgw(&ceph).await;
    let path = site::path("a/object");
    proxy.every(Kind::Part, Fate::NoEtag);
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;

    let list = "<ListPartsResult></ListPartsResult>";
    proxy.rule(move |seen| match seen.kind {
        Kind::Part => Fate::NoEtag,
        Kind::ListParts => Fate::Answer(200, list.into()),
        _ => Fate::Pass,
    });
    let error = site::write(&s3, &path).await.unwrap_err().to_string();
    assert!(
        error.ends_with("without an ETag, and lists none"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_ranges_gives_a_beginning_and_otherwise_an_error() {
    let (_store, proxy, s3) = in_process().await;
    let path = site::path("a/object");
    let content = "all work and no play ".repeat(50_000);
    s3.put(&path, content.clone().into()).await.unwrap();
    proxy.every(Kind::Get, Fate::Answer(200, content.clone()));
    let size = content.len() as u64;
    for end in [size, 1000] {
        let read = s3.read(&path, 0..end).await.unwrap();
        let expected = &content.as_bytes()[..usize::try_from(end).unwrap()];
        assert!(read == expected, "{end}");
    }
    let beyond = s3.read(&path, 0..size + 1).await;
    assert!(
        matches!(beyond, Err(Error::OutOfRange { .. })),
        "{beyond:?}"
    );
    let error = s3.read(&path, 1..2).await.unwrap_err();
    assert!(matches!(error, Error::Unfaithful { .. }), "{error:?}");
    assert!(error.to_string().ends_with("ignores ranges"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_says_of_where_it_is_and_of_what_it_archived_is_told() {
    let (_store, proxy, s3) = in_process().await;
    let path = site::path("a/object");
    s3.put(&path, site::chunk(1)).await.unwrap();
    let moved =
        "<Error><Code>TemporaryRedirect</Code><Endpoint>b.s3-eu.example.test</Endpoint></Error>";
    for (fate, words) in [
        (
            Fate::Answer(403, refusal("InvalidObjectState")),
            "a/object is archived in the backup storage: restore it in the store first",
        ),
        (
            Fate::Tell(301, &[("x-amz-bucket-region", "eu-west-3")], String::new()),
            "in another region than the one that is configured: in eu-west-3",
        ),
        (
            Fate::Tell(
                307,
                &[("location", "https://far.example.test/")],
                String::new(),
            ),
            "is not at the endpoint that is configured, which names https://far.example.test/",
        ),
        (
            Fate::Answer(307, moved.into()),
            "is not at the endpoint that is configured, which names b.s3-eu.example.test",
        ),
    ] {
        proxy.every(Kind::Get, fate);
        let told = s3.read(&path, 0..10).await.unwrap_err().to_string();
        assert!(told.ends_with(words), "{told}");
    }
}
