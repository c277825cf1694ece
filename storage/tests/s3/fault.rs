//! Stores that refuse: what an administrator reads, and what is tried again.

use testbed::{Ceph, Rgw};
use tidemark_storage::{Destination, Error, Retry, S3, S3Bucket, Secret, Store, probe};

use crate::{
    proxy::{Fate, Kind, Proxy, refusal},
    site::{self, HASTY, InProcess},
};

/// What a test of the destination says.
async fn told(address: S3Bucket) -> String {
    let store = Destination::S3(address).open().unwrap();
    probe(store).await.unwrap_err().to_string()
}

fn assert_told(told: &str, beginning: &str, end: &str) {
    assert!(told.starts_with(beginning) && told.ends_with(end), "{told}");
}

const DENIED: &str = "backup storage denies access while ";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_told() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let address = site::rgw(&store);
    let unknown = S3Bucket {
        access_key_id: "nobody".into(),
        ..address.clone()
    };
    assert_told(
        &told(unknown).await,
        &format!("{DENIED}writing probes/"),
        "/object: the store does not know the access key",
    );
    let wrong = S3Bucket {
        secret_access_key: Secret::new("a wrong secret"),
        ..address.clone()
    };
    let wrong = told(wrong).await;
    assert_told(
        &wrong,
        &format!("{DENIED}writing probes/"),
        "/object: the secret access key does not belong to the access key",
    );
    assert!(!wrong.contains("a wrong secret"));
    let missing = S3Bucket {
        bucket: "missing".into(),
        ..address
    };
    let does_not_exist = "backup storage cannot be reached: the bucket missing does not exist";
    assert_eq!(told(missing.clone()).await, does_not_exist);
    let size = S3::new(&missing).size(&site::path("a")).await.unwrap_err();
    assert_eq!(size.to_string(), does_not_exist);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_told_by_what_has_to_be_repaired() {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let address = site::through(&proxy.endpoint, &store.address());
    for (kind, status, code, beginning, end) in [
        (
            Kind::Put,
            403,
            "RequestTimeTooSkewed",
            "writing",
            ": this host's clock and the store's are too far apart",
        ),
        (
            Kind::Put,
            403,
            "InvalidAccessKeyId",
            "writing",
            ": the store does not know the access key",
        ),
        (
            Kind::Put,
            403,
            "SignatureDoesNotMatch",
            "writing",
            ": the secret access key does not belong to the access key",
        ),
        (
            Kind::Put,
            403,
            "AccessDenied",
            "writing",
            "no permission for it",
        ),
        (
            Kind::Get,
            403,
            "AccessDenied",
            "reading",
            "no permission for it",
        ),
        (Kind::Head, 403, "", "looking at", "no permission for it"),
        (
            Kind::List,
            403,
            "AccessDenied",
            "listing",
            "no permission for it",
        ),
        (
            Kind::Delete,
            403,
            "AccessDenied",
            "deleting",
            "no permission for it",
        ),
        (
            Kind::BeginUpload,
            403,
            "AccessDenied",
            "beginning an upload of",
            "no permission for it",
        ),
        (
            Kind::Part,
            403,
            "AccessDenied",
            "writing part",
            "no permission for it",
        ),
        (
            Kind::ListUploads,
            403,
            "AccessDenied",
            "listing the uploads of",
            "no permission for it",
        ),
    ] {
        proxy.every(kind, Fate::Answer(status, refusal(code)));
        let told = told(address.clone()).await;
        assert_told(&told, &format!("{DENIED}{beginning} "), end);
    }
    for (code, status, told_so) in [
        (
            "QuotaExceeded",
            403,
            "backup storage is full: no space left while writing",
        ),
        (
            "InsufficientStorage",
            507,
            "backup storage is full: no space left while writing",
        ),
        (
            "AuthorizationHeaderMalformed",
            400,
            "backup storage cannot be reached: the bucket backups is in another region",
        ),
        (
            "NoSuchBucket",
            404,
            "backup storage cannot be reached: the bucket backups does not exist",
        ),
        ("Unheard", 418, "backup storage failed while writing"),
    ] {
        proxy.every(Kind::Put, Fate::Answer(status, refusal(code)));
        let told = told(address.clone()).await;
        assert_told(&told, told_so, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_busy_is_asked_again() {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &store.address()));
    let s3 = Retry::new(std::sync::Arc::new(s3), HASTY);
    let path = site::path("a/object");
    let busy = || Fate::Answer(503, refusal("SlowDown"));
    for kind in [
        Kind::BeginUpload,
        Kind::Put,
        Kind::Part,
        Kind::Complete,
        Kind::Head,
        Kind::Delete,
    ] {
        proxy.next(3, kind, busy());
        site::write(&s3, &path).await.unwrap();
    }
    for kind in [
        Kind::Get,
        Kind::Head,
        Kind::List,
        Kind::Delete,
        Kind::ListUploads,
    ] {
        proxy.next(3, kind, busy());
        site::assert_written(&s3, &path).await;
        assert_eq!(s3.list(&path).await.unwrap().len(), 1);
        s3.delete_prefix(&site::path("b")).await.unwrap();
        s3.delete(&site::path("b/none")).await.unwrap();
    }
    s3.delete_prefix(&site::path("a")).await.unwrap();
    assert_eq!(store.leftovers(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_busy_is_unreachable() {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let s3 = site::hasty(&site::through(&proxy.endpoint, &store.address()));
    proxy.rule(|_| Fate::Answer(503, refusal("SlowDown")));
    let path = site::path("a/object");
    let error = site::write(&s3, &path).await.unwrap_err();
    let Error::Unreachable { reason } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        reason,
        "SlowDown while beginning an upload of a/object (tried 4 times)"
    );
    assert_eq!(proxy.requests(), 4, "one layer of attempts");
    let s3 = Retry::new(std::sync::Arc::new(s3), HASTY);
    let error = s3.size(&path).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!(proxy.requests(), 8, "one layer of attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_unreachable() {
    let store = InProcess::start().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let s3 = site::hasty(&site::through(&endpoint, &store.address()));
    let s3 = Retry::new(std::sync::Arc::new(s3), HASTY);
    let error = s3.size(&site::path("a")).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "backup storage cannot be reached: the endpoint refuses connections while looking at a (tried 4 times)"
    );
    let unnamed = site::through("http://store.invalid", &store.address());
    let s3 = site::hasty(&unnamed);
    let error = s3.size(&site::path("a")).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "backup storage cannot be reached for the moment: the endpoint's name cannot be resolved while looking at a"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_does_not_delete_can_be_seen_to_be_there() {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let address = site::through(&proxy.endpoint, &store.address());
    let store = Retry::new(std::sync::Arc::new(S3::new(&address)), HASTY);
    let path = site::path("a/manifest.json");
    let refusals = [
        (403, "AccessDenied"),
        (403, "ObjectLocked"),
        (503, "SlowDown"),
        (500, "InternalError"),
        (405, "MethodNotAllowed"),
    ];
    for (status, code) in refusals {
        store.put(&path, "whole".into()).await.unwrap();
        proxy.every(Kind::Delete, Fate::Answer(status, refusal(code)));
        store.delete(&path).await.unwrap_err();
        assert_eq!(store.size(&path).await.unwrap(), 5, "{code}");
        // What was done unheard is known, too.
        proxy.next(1, Kind::Delete, Fate::LoseAnswer);
        store.delete(&path).await.unwrap();
        let gone = store.size(&path).await.unwrap_err();
        assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
    }
}
