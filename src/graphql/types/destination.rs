//! Where backup storages are, as the API shows it: all that was typed but the secrets.

use async_graphql::SimpleObject;
use entity::backup_storage::{BackupStorageKind, Model};

use crate::graphql::visible;

/// Where a bucket of an S3-compatible store is. The access key's secret cannot be read.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct S3Storage {
    /// The store's URL; that of AWS in the region if null.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with.
    pub prefix: Option<String>,
    /// The access key's id.
    pub access_key_id: String,
    /// Whether the bucket stands in the path; what the endpoint is likely to want if null.
    pub force_path_style: Option<bool>,
}

impl S3Storage {
    /// Of `storage`, if it is a bucket.
    pub fn of(storage: &Model) -> Option<Self> {
        (storage.kind == BackupStorageKind::S3).then(|| Self {
            endpoint: storage.s3_endpoint.clone(),
            region: text(storage.s3_region.as_ref()),
            bucket: text(storage.s3_bucket.as_ref()),
            prefix: storage.s3_prefix.clone(),
            access_key_id: text(storage.s3_access_key_id.as_ref()),
            force_path_style: storage.s3_force_path_style,
        })
    }
}

/// Where an NFS export is.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct NfsStorage {
    /// The server's name or address, with its port where that is not 2049.
    pub server: String,
    /// The export.
    pub export: String,
    /// The directory in it.
    pub directory: Option<String>,
}

impl NfsStorage {
    /// Of `storage`, if it is an NFS export.
    pub fn of(storage: &Model) -> Option<Self> {
        (storage.kind == BackupStorageKind::Nfs).then(|| Self {
            server: text(storage.nfs_server.as_ref()),
            export: text(storage.nfs_export.as_ref()),
            directory: storage.nfs_directory.clone(),
        })
    }
}

/// Where a local directory is.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct LocalStorage {
    /// The directory, on each hypervisor.
    pub path: String,
}

impl LocalStorage {
    /// Of `storage`, if it is a local directory.
    pub fn of(storage: &Model) -> Option<Self> {
        (storage.kind == BackupStorageKind::Local).then(|| Self {
            path: text(storage.path.as_ref()),
        })
    }
}

fn text(part: Option<&String>) -> String {
    part.cloned().unwrap_or_default()
}
