//! Backup storages: the destinations that backups are written to.

use sea_orm::entity::prelude::*;

use crate::BackupStorageId;

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
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
