//! Backup storages: the destinations that backups are written to.

use sea_orm::{Select, entity::prelude::*};

use crate::{BackupStorageId, Sealed};

/// What kind of destination it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum BackupStorageKind {
    /// An S3-compatible bucket.
    #[sea_orm(string_value = "s_3")]
    S3,
    /// An NFS export.
    #[sea_orm(string_value = "nfs")]
    Nfs,
    /// A directory of the hypervisor itself.
    #[sea_orm(string_value = "local")]
    Local,
}

/// A row of `backup_storages`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backup_storages")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BackupStorageId,
    /// What it is called.
    pub name: String,
    /// What kind of destination it is.
    pub kind: BackupStorageKind,
    /// Of a local one: its directory on the hypervisors.
    pub path: Option<String>,
    /// Of a bucket: the store's URL; that of AWS if there is none.
    pub s3_endpoint: Option<String>,
    /// Of a bucket: its region.
    pub s3_region: Option<String>,
    /// Of a bucket: its name.
    pub s3_bucket: Option<String>,
    /// Of a bucket: what the keys begin with.
    pub s3_prefix: Option<String>,
    /// Of a bucket: the access key's id.
    pub s3_access_key_id: Option<String>,
    /// Of a bucket: the access key's secret.
    pub s3_secret_access_key: Option<Sealed>,
    /// Of a bucket: whether it stands in the path; what the endpoint is likely to want if null.
    pub s3_force_path_style: Option<bool>,
    /// Of an NFS export: its server.
    pub nfs_server: Option<String>,
    /// Of an NFS export: its path on the server.
    pub nfs_export: Option<String>,
    /// Of an NFS export: the directory below it.
    pub nfs_directory: Option<String>,
    /// How many bytes a second each agent may write there and read from there; null for any.
    pub bandwidth_limit: Option<i64>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted. What is history goes on to name it; nothing new does.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}

impl Entity {
    /// The rows that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }
}
