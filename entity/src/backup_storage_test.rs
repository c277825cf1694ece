//! Tests of backup storages: asked of an agent, or done by the gateway.

use sea_orm::entity::prelude::*;

use crate::{BackupStorageId, BackupStorageTestId, HypervisorId};

/// A row of `backup_storage_tests`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backup_storage_tests")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BackupStorageTestId,
    /// What is tested.
    pub backup_storage_id: BackupStorageId,
    /// Whose agent tests it; null for the gateway itself.
    pub hypervisor_id: Option<HypervisorId>,
    /// When it was asked for.
    pub requested_at: DateTimeUtc,
    /// When the answer came.
    pub finished_at: Option<DateTimeUtc>,
    /// Whether a small object could be written, read back and deleted.
    pub ok: bool,
    /// What failed, for an administrator.
    pub message: String,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
