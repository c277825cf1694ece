//! Volumes, with the lock and the cooldown that guard them.

use sea_orm::{Select, entity::prelude::*};

use crate::{
    AccountId, HypervisorGroupId, HypervisorId, InstanceId, OperationId, Scope, StoragePoolId,
    VolumeId, VolumePlanId,
    name::keeps_search_key,
    operation::OperationKind,
    row::{kept_by_name, read_by_place},
    volume_plan::StorageType,
};

/// Where a volume is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum VolumeState {
    /// Not yet on storage.
    #[sea_orm(string_value = "creating")]
    Creating,
    /// On storage.
    #[sea_orm(string_value = "available")]
    Available,
    /// On its way off storage.
    #[sea_orm(string_value = "deleting")]
    Deleting,
    /// Could not be created or deleted.
    #[sea_orm(string_value = "failed")]
    Failed,
}

/// Whether a volume's content is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum DataState {
    /// It is.
    #[sea_orm(string_value = "consistent")]
    Consistent,
    /// A restore in place failed half way.
    #[sea_orm(string_value = "inconsistent")]
    Inconsistent,
}

/// A row of `volumes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volumes")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VolumeId,
    /// Its owner.
    pub account_id: AccountId,
    /// What its owner calls it; never a name on storage.
    pub name: String,
    /// What searches compare; written with the name.
    pub search_name: String,
    /// How large the disk is.
    pub size_bytes: i64,
    /// What it lies on.
    pub storage_type: StorageType,
    /// Where it is in its life.
    pub state: VolumeState,
    /// Whether its content is whole.
    pub data_state: DataState,
    /// Its plan.
    pub plan_id: VolumePlanId,
    /// The group it belongs to.
    pub group_id: HypervisorGroupId,
    /// Whose agent works on it while it is not attached.
    pub hypervisor_id: HypervisorId,
    /// Where it lies.
    pub pool_id: StoragePoolId,
    /// What it is attached to.
    pub instance_id: Option<InstanceId>,
    /// What the operation that holds the lock does; null when the volume is free.
    pub active_operation: Option<OperationKind>,
    /// The operation that holds the lock; null when the volume is free.
    pub active_operation_id: Option<OperationId>,
    /// When the next operation may start, by the database's clock.
    pub cooldown_ends_at: Option<DateTimeUtc>,
    /// When what its snapshots keep is to be measured next; null while there is nothing to measure.
    pub measure_at: Option<DateTimeUtc>,
    /// When the newest of its backups was asked for that it could be restored from; the epoch while there is none, which is
    /// before all others, on each database alike.
    pub last_backup_at: DateTimeUtc,
    /// Whether anything of it may be on storage.
    pub on_storage: bool,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it was gone from storage.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

keeps_search_key!(name => search_name);

kept_by_name!(DataState: Inconsistent, VolumeState: Creating);

read_by_place!(
    id,
    account_id,
    name,
    search_name,
    size_bytes,
    storage_type,
    state,
    data_state,
    plan_id,
    group_id,
    hypervisor_id,
    pool_id,
    instance_id,
    active_operation,
    active_operation_id,
    cooldown_ends_at,
    measure_at,
    last_backup_at,
    on_storage,
    created_at,
    deleted_at,
);

impl Entity {
    /// The rows that `scope` covers, the deleted ones left out.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope
            .narrow(Self::find(), Column::AccountId)
            .filter(Column::DeletedAt.is_null())
    }

    /// The rows that `scope` covers, the deleted ones too.
    pub fn once_visible_to(scope: Scope) -> Select<Self> {
        scope.narrow(Self::find(), Column::AccountId)
    }
}
