//! Snapshots: rollback marks on the volume's own storage.

use sea_orm::{Select, entity::prelude::*};

use crate::{
    AccountId, OperationId, Scope, SnapshotId, VolumeId,
    row::{kept_by_name, read_by_place},
};

/// Where a snapshot or a backup is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ItemStatus {
    /// Accepted; no agent has started.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// An agent is making it.
    #[sea_orm(string_value = "creating")]
    Creating,
    /// It can be restored.
    #[sea_orm(string_value = "available")]
    Available,
    /// A restore reads it.
    #[sea_orm(string_value = "restoring")]
    Restoring,
    /// It is being deleted.
    #[sea_orm(string_value = "deleting")]
    Deleting,
    /// It could not be made or deleted.
    #[sea_orm(string_value = "failed")]
    Failed,
}

/// A row of `snapshots`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SnapshotId,
    /// Its owner.
    pub account_id: AccountId,
    /// The volume it was taken of.
    pub volume_id: VolumeId,
    /// What its owner calls it.
    pub name: String,
    /// Where it is in its life.
    pub status: ItemStatus,
    /// The volume's size when it was taken.
    pub volume_size_bytes: i64,
    /// Bytes that only it keeps, as last measured.
    pub retained_bytes: i64,
    /// Whether anything of it may be on storage.
    pub on_storage: bool,
    /// It has failed, because it may be gone with an image that may have been replaced: its agent is asked.
    pub in_doubt: bool,
    /// The latest operation on it.
    pub operation_id: OperationId,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it was done.
    pub available_at: Option<DateTimeUtc>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it was gone from storage.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

kept_by_name!(ItemStatus: Pending);

read_by_place!(
    id,
    account_id,
    volume_id,
    name,
    status,
    volume_size_bytes,
    retained_bytes,
    on_storage,
    in_doubt,
    operation_id,
    created_at,
    available_at,
    failure,
    deleted_at,
);

impl Entity {
    /// The rows that `scope` covers, the deleted ones left out.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope
            .narrow(Self::find(), Column::AccountId)
            .filter(Column::DeletedAt.is_null())
    }
}
