//! Deletions of backups that their storage refuses, or answers no more.

use std::sync::Arc;

use storage::{
    Destination, Local, S3Bucket, Secret,
    fault::{Fault, Faulty},
};
use testbed::{Ceph, Rgw};
use tidemark_agent::{
    driver::Removed,
    operation::{BackupItem, BackupStorage, Volume, Work},
};
use uuid::Uuid;

use crate::site::{MIB, Site, has_no_files};

fn delete(backup: &BackupItem) -> Work {
    Work::DeleteBackup {
        backup: backup.clone(),
    }
}

fn restore(site: &Site, backup: &BackupItem, volume: &Volume) -> (Volume, Work) {
    let target = site.volume(volume.size_bytes);
    let work = Work::RestoreBackup {
        backup: backup.clone(),
        target: target.clone(),
    };
    (target, work)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_storage_dies_at_any_request_is_said_to_be_what_it_is() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let real = Arc::clone(&site.host.stores);
    let local = || Arc::new(Local::new(site.path("backups")));
    let locals: Vec<_> = (0..3).map(|_| local()).collect();
    let kept = site.take_backup(&volume).await;
    // Looked at first, then the manifest goes, then the rest.
    let expected = [Removed::Nothing, Removed::Unknown, Removed::Some];
    for ((requests, expected), local) in (0..).zip(expected).zip(locals) {
        let backup = site.take_backup(&volume).await;
        let dying = Faulty::new(local, Fault::DiesAfterRequests(requests));
        site.use_store(Arc::new(dying));
        let (removed, told) = site.removed(delete(&backup), 1).await;
        assert_eq!(removed, expected, "{requests}: {told}");
        site.host.stores = Arc::clone(&real);
        let manifest = site.backup_directory(&backup).join("manifest.json");
        assert_eq!(manifest.exists(), expected != Removed::Some, "{requests}");
        site.complete(delete(&backup)).await;
        assert!(!site.backup_directory(&backup).exists());
        // What is gone is deleted once more.
        site.complete(delete(&backup)).await;
    }
    site.complete(delete(&kept)).await;
    assert!(has_no_files(&site.path("backups")));
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_its_storage_will_not_delete_can_be_restored_still() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    let real = Arc::clone(&site.host.stores);
    for (fault, words) in [
        (Fault::DeniesDeleting, "The backup storage denies access."),
        (Fault::KeepsDeleted, "The backup storage failed."),
    ] {
        let local = Arc::new(Local::new(site.path("backups")));
        site.use_store(Arc::new(Faulty::new(local, fault)));
        for epoch in 1..=2 {
            let (removed, told) = site.removed(delete(&backup), epoch).await;
            assert_eq!(told, words);
            assert_eq!(removed, Removed::Nothing);
        }
    }
    site.host.stores = real;
    let (target, work) = restore(&site, &backup, &volume);
    site.complete(work).await;
    assert_eq!(site.digest(&target), before);
    site.complete(delete(&backup)).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_backup_that_its_storage_will_not_delete_stays_half_a_backup() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    std::fs::remove_file(site.backup_directory(&backup).join("manifest.json")).unwrap();
    let real = Arc::clone(&site.host.stores);
    let local = Arc::new(Local::new(site.path("backups")));
    site.use_store(Arc::new(Faulty::new(local, Fault::DeniesDeleting)));
    let (removed, _) = site.removed(delete(&backup), 1).await;
    assert_eq!(removed, Removed::Nothing);
    site.host.stores = real;
    site.complete(delete(&backup)).await;
    assert!(!site.backup_directory(&backup).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_policy_forbids_it_deletes_nothing_and_one_that_is_away_neither() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let mut rgw = Rgw::start(&ceph).await;
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let bucket = S3Bucket {
        endpoint: Some(rgw.endpoint.clone()),
        region: "us-east-1".into(),
        bucket: rgw.bucket.clone(),
        prefix: None,
        access_key_id: rgw.access_key_id.clone(),
        secret_access_key: Secret::new(&rgw.secret_access_key),
        force_path_style: None,
    };
    let destination = Destination::S3(bucket);
    let store = destination.open().unwrap();
    let mut backup = site.backup_of(&volume);
    backup.storage = BackupStorage {
        id: Uuid::now_v7(),
        destination,
        mark: None,
        bytes_per_second: None,
    };
    site.complete(Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    })
    .await;

    rgw.forbid(&["s3:DeleteObject"]);
    let (removed, told) = site.removed(delete(&backup), 1).await;
    assert_eq!(told, "The backup storage denies access.");
    assert_eq!(removed, Removed::Nothing);
    rgw.kill();
    let (removed, told) = site.removed(delete(&backup), 1).await;
    assert_eq!(told, "The backup storage cannot be reached.");
    assert_eq!(removed, Removed::Nothing);
    rgw.restart().await;

    let (target, work) = restore(&site, &backup, &volume);
    site.complete(work).await;
    assert_eq!(site.digest(&target), before);
    rgw.forbid(&[]);
    site.complete(delete(&backup)).await;
    let path = format!("volumes/{}/{}", volume.id, backup.id);
    let path = storage::ObjectPath::new(path).unwrap();
    assert!(store.list(&path).await.unwrap().is_empty());
    site.assert_clean();
}
