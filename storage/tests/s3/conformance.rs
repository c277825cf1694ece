//! Every promise of a store, kept by real ones.

use std::{num::NonZeroU64, sync::Arc};

use testbed::{Ceph, Rgw};
use tidemark_storage::{
    Bandwidth, Destination, ObjectPath, Policy, Retry, S3, Store, Throttle, conformance,
    count::Count, probe,
};

use crate::site::{self, InProcess};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_this_process_passes_the_conformance_suite() {
    let store = InProcess::start().await;
    conformance::check(&S3::new(&store.address())).await;
    conformance::check(&*Destination::S3(store.address()).open().unwrap()).await;
    probe(Arc::new(S3::new(&store.address()))).await.unwrap();
    assert!(store.leftovers().is_empty());
    conformance::check_marker(&S3::new(&store.address())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cephs_store_passes_the_conformance_suite_as_it_is_and_decorated() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let plain: Arc<dyn Store> = Arc::new(S3::new(&site::rgw(&store)));
    conformance::check(&*plain).await;
    let limit = Bandwidth::new(NonZeroU64::new(1 << 30).unwrap());
    let retried = Arc::new(Retry::new(Arc::clone(&plain), Policy::default()));
    let throttled = Arc::new(Throttle::new(retried, limit));
    conformance::check(&Count::new(throttled, Arc::default())).await;
    conformance::check_marker(&*plain).await;
    plain.delete(&ObjectPath::marker()).await.unwrap();
    probe(plain).await.unwrap();
    assert_eq!(store.rclone(&["lsf", "-R", ":s3:backups"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_several_parts_comes_back_and_leaves_nothing_but_itself() {
    let store = InProcess::start().await;
    let s3 = S3::new(&store.address());
    let path = site::path("a/object");
    site::write(&s3, &path).await.unwrap();
    site::assert_written(&s3, &path).await;
    assert_eq!(s3.list(&site::path("a")).await.unwrap().len(), 1);
    assert_eq!(store.leftovers(), ["backups/below/here/a/object"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_aborted_or_dropped_leaves_nothing() {
    let store = InProcess::start().await;
    let s3 = S3::new(&store.address());
    let path = site::path("a/object");
    let writer = site::append_all(&s3, &path).await.unwrap();
    store.has_both_parts().await;
    writer.abort().await.unwrap();
    assert!(store.leftovers().is_empty());

    let writer = site::append_all(&s3, &path).await.unwrap();
    store.has_both_parts().await;
    drop(writer);
    let gone = async || store.leftovers().is_empty().then_some(());
    testbed::until("the upload is aborted in the background", gone).await;
}
