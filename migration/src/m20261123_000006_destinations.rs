//! Buckets and NFS exports as backup storages, and the keys of Ceph pools.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, bytes_null, drop_columns, flag_null, text_null};

const OF_BACKUP_STORAGES: &[&str] = &[
    "s3_endpoint",
    "s3_region",
    "s3_bucket",
    "s3_prefix",
    "s3_access_key_id",
    "s3_secret_access_key",
    "s3_force_path_style",
    "nfs_server",
    "nfs_export",
    "nfs_directory",
    "bandwidth_limit",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = OF_BACKUP_STORAGES.iter().map(|name| match *name {
            "s3_force_path_style" => flag_null(name),
            "bandwidth_limit" => bytes_null(name),
            _ => text_null(name),
        });
        add_columns(manager, "backup_storages", columns.collect()).await?;
        add_columns(manager, "storage_pools", vec![text_null("rbd_keyring")]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "storage_pools", &["rbd_keyring"]).await?;
        drop_columns(manager, "backup_storages", OF_BACKUP_STORAGES).await
    }
}
