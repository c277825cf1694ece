//! A store that dies at any request of an upload, and what is left of that.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use testbed::{Ceph, Rgw};
use tidemark_storage::{Error, S3, S3Bucket, Store};

use crate::{
    proxy::{Fate, Kind, Proxy, Seen},
    site::{self, InProcess},
};

/// The requests of an upload that change something: it begins, keeps its record, sends three parts,
/// completes, and deletes its record.
const STEPS: usize = 7;

fn is_step(seen: Seen<'_>) -> bool {
    matches!(
        seen.kind,
        Kind::BeginUpload | Kind::Put | Kind::Part | Kind::Complete | Kind::Delete
    )
}

/// Dies at a step: the step itself is done or not, and nothing is answered ever after.
fn dies_at(step: usize, done: bool) -> impl Fn(Seen<'_>) -> Fate + Send + Sync {
    let steps = Arc::new(AtomicUsize::new(0));
    move |seen| {
        let dead = steps.load(Ordering::SeqCst) > step;
        if dead || !is_step(seen) {
            return if dead { Fate::Cut } else { Fate::Pass };
        }
        match steps.fetch_add(1, Ordering::SeqCst) {
            earlier if earlier < step => Fate::Pass,
            earlier if earlier == step && done => Fate::LoseAnswer,
            _ => Fate::Cut,
        }
    }
}

/// Lets the store die at every step, deletes the directory by a way that is alive, and lets `look`
/// count what is left.
async fn die_at_every_step(
    address: &S3Bucket,
    upstream: &str,
    settle: impl AsyncFn(),
    look: impl AsyncFn() -> usize,
) {
    let directory = site::path("volumes/1");
    let path = site::path("volumes/1/disk.raw.zst");
    let alive = S3::new(address);
    for step in 0..STEPS {
        for done in [false, true] {
            let proxy = Proxy::start(upstream).await;
            proxy.rule(dies_at(step, done));
            let dying = site::hasty(&site::through(&proxy.endpoint, address));
            let outcome = site::write(&dying, &path).await;
            let place = format!("step {step}, done: {done}: {outcome:?}");
            let seen = alive.size(&path).await;
            match &outcome {
                // The record's deletion is the last step: without it all is well all the same.
                Ok(()) => {
                    assert_eq!(step, STEPS - 1, "{place}");
                    site::assert_written(&alive, &path).await;
                }
                Err(Error::Unreachable { .. }) if step == STEPS - 2 && done => {
                    assert_eq!(seen.unwrap(), (site::CHUNKS * site::MIB) as u64, "{place}");
                }
                Err(Error::Unreachable { .. }) => {
                    assert!(matches!(seen, Err(Error::NotFound { .. })), "{place}");
                }
                Err(other) => panic!("{other} at {place}"),
            }
            settle().await;
            alive.delete_prefix(&directory).await.unwrap();
            assert_eq!(look().await, 0, "left after {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_list_of_uploads_keeps_nothing_of_a_dead_one_but_what_has_no_record() {
    let store = InProcess::start().await;
    let address = store.address();
    let settle = async || store.idle().await;
    die_at_every_step(&address, &store.endpoint, settle, async || {
        let mut left = store.leftovers();
        // An upload that died before its record could be written has no parts.
        left.retain(|name| !name.starts_with(".upload-"));
        left.len()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cephs_store_keeps_nothing_of_a_dead_upload() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let address = site::rgw(&store);
    let client = client(&address);
    die_at_every_step(
        &address,
        &store.endpoint,
        async || {},
        async || {
            let uploads = client.list_multipart_uploads().bucket(&store.bucket);
            let objects = client.list_objects_v2().bucket(&store.bucket);
            let uploads = uploads.send().await.unwrap().uploads().len();
            uploads + objects.send().await.unwrap().contents().len()
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_completion_may_be_lost() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &site::rgw(&store)));
    let path = site::path("a/object");
    proxy.next(1, Kind::Complete, Fate::LoseAnswer);
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_another_program_is_left_alone_unless_it_is_below_the_prefix() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let address = site::rgw(&store);
    let client = client(&address);
    for key in ["below/here/a/x", "below/here/ab/x", "elsewhere/a/x"] {
        let begin = client.create_multipart_upload().bucket(&store.bucket);
        begin.key(key).send().await.unwrap();
    }
    let s3 = S3::new(&address);
    s3.delete_prefix(&site::path("a")).await.unwrap();
    let uploads = client.list_multipart_uploads().bucket(&store.bucket);
    let uploads = uploads.send().await.unwrap();
    let keys: Vec<_> = uploads.uploads().iter().filter_map(|u| u.key()).collect();
    assert_eq!(keys, ["below/here/ab/x", "elsewhere/a/x"]);
}

/// A client of the tests' own, which sees what the store sees.
pub fn client(address: &S3Bucket) -> Client {
    let credentials = Credentials::new(
        &address.access_key_id,
        address.secret_access_key.expose(),
        None,
        None,
        "test",
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(Region::new("us-east-1"))
        .force_path_style(true)
        .endpoint_url(address.endpoint.as_deref().unwrap());
    Client::from_conf(config.build())
}
