//! Buckets of other kinds than the plain one: with other names, and with object lock.

use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule,
};
use testbed::{Ceph, Rgw};
use tidemark_storage::{Destination, S3Bucket, Secret, probe};

use crate::{death::client, site};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_may_have_a_name_that_aws_takes_none_for_and_be_a_tenant_s() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let (id, secret) = store.add_tenant(&ceph, "Acme_1");
    let address = S3Bucket {
        access_key_id: id,
        secret_access_key: Secret::new(&secret),
        ..site::rgw(&store)
    };
    for name in ["Upper-Case", "under_score", "Dots.And_All"] {
        let make = client(&address).create_bucket().bucket(name);
        make.send().await.unwrap();
        // By its tenant's name others can see it who may, and so can the tenant.
        for bucket in [name.to_owned(), format!("Acme_1:{name}")] {
            let address = S3Bucket {
                bucket: bucket.clone(),
                ..address.clone()
            };
            let s3 = Destination::S3(address).open().unwrap();
            let probed = probe(s3.clone()).await;
            assert!(probed.is_ok(), "{bucket}: {probed:?}");
            let path = site::path("a/object");
            site::write(&*s3, &path).await.unwrap();
            site::assert_written(&*s3, &path).await;
            s3.delete_prefix(&site::path("a")).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_with_object_lock_what_is_deleted_is_hidden_and_its_bytes_stay() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let store = Rgw::start(&ceph).await;
    let address = S3Bucket {
        bucket: "locked".into(),
        ..site::rgw(&store)
    };
    let client = client(&address);
    let make = client.create_bucket().bucket(&address.bucket);
    make.object_lock_enabled_for_bucket(true)
        .send()
        .await
        .unwrap();
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .days(1);
    let rule = ObjectLockRule::builder().default_retention(retention.build());
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(rule.build());
    let configure = client
        .put_object_lock_configuration()
        .bucket(&address.bucket);
    configure
        .object_lock_configuration(lock.build())
        .send()
        .await
        .unwrap();

    let s3 = Destination::S3(address.clone()).open().unwrap();
    probe(s3.clone()).await.unwrap();
    let (object, manifest) = (site::path("a/object"), site::path("a/manifest.json"));
    site::write(&*s3, &object).await.unwrap();
    s3.put(&manifest, "whole".into()).await.unwrap();
    s3.delete(&manifest).await.unwrap();
    s3.delete_prefix(&site::path("a")).await.unwrap();
    assert!(s3.list(&site::path("a")).await.unwrap().is_empty());

    let versions = client.list_object_versions().bucket(&address.bucket);
    let versions = versions.send().await.unwrap();
    for kept in [&object, &manifest] {
        let key = format!("below/here/{kept}");
        let mut found = versions.versions().iter();
        let version = found.find(|version| version.key() == Some(&key)).unwrap();
        let delete = client.delete_object().bucket(&address.bucket);
        let delete = delete.key(&key).version_id(version.version_id().unwrap());
        let refused = delete.send().await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
    }
}
