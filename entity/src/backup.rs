//! Backups: full exports that outlive their volume.

use sea_orm::{Select, entity::prelude::*};

use crate::{
    AccountId, BackupId, BackupStorageId, HypervisorGroupId, HypervisorId, OperationId, Scope,
    VolumeId, VolumePlanId, name::keeps_search_key, row::read_by_place, snapshot::ItemStatus,
    volume_plan::StorageType,
};

/// A row of `backups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backups")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BackupId,
    /// Its owner.
    pub account_id: AccountId,
    /// The volume it was made of, which may be gone.
    pub volume_id: VolumeId,
    /// That volume's name then.
    pub volume_name: String,
    /// That volume's plan then.
    pub plan_id: VolumePlanId,
    /// That volume's group then.
    pub group_id: HypervisorGroupId,
    /// What that volume lay on.
    pub storage_type: StorageType,
    /// Where it was written to, for ever.
    pub backup_storage_id: BackupStorageId,
    /// Whose agent wrote it.
    pub hypervisor_id: HypervisorId,
    /// What its owner calls it.
    pub name: String,
    /// What searches compare; written with the name.
    pub search_name: String,
    /// What searches for its volume compare; written with the volume's name.
    pub search_volume_name: String,
    /// Where it is in its life.
    pub status: ItemStatus,
    /// The volume's size then.
    pub volume_size_bytes: i64,
    /// Bytes it takes at its destination.
    pub stored_bytes: Option<i64>,
    /// Digest of the stored object, `blake3:` and hexadecimal.
    pub checksum: Option<String>,
    /// Whether anything of it may be at its destination.
    pub on_storage: bool,
    /// When a restore last found out what it is worth.
    pub verified_at: Option<DateTimeUtc>,
    /// Whether it was whole then.
    pub verified_ok: Option<bool>,
    /// If not, what was wrong with it.
    pub verification_message: Option<String>,
    /// The latest operation on it.
    pub operation_id: OperationId,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it was done.
    pub available_at: Option<DateTimeUtc>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it was gone from its destination.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

keeps_search_key!(name => search_name, volume_name => search_volume_name);

read_by_place!(
    id,
    account_id,
    volume_id,
    volume_name,
    plan_id,
    group_id,
    storage_type,
    backup_storage_id,
    hypervisor_id,
    name,
    search_name,
    search_volume_name,
    status,
    volume_size_bytes,
    stored_bytes,
    checksum,
    on_storage,
    verified_at,
    verified_ok,
    verification_message,
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
