//! How a volume comes to be: where it is placed, and the row that it begins with.

use entity::{
    AccountId, HypervisorGroupId, HypervisorId, OperationId, StoragePoolId, VolumeId, hypervisor,
    operation::OperationKind,
    storage_pool, volume,
    volume::{DataState, VolumeState},
    volume_plan,
    volume_plan::StorageType,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::{
    Error, Result, hold,
    transaction::{HOLD, Transaction},
    volume::last_backup::NEVER,
};

/// Where a volume will lie, and whose agent will work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The group.
    pub group_id: HypervisorGroupId,
    /// The pool.
    pub pool_id: StoragePoolId,
    /// The hypervisor.
    pub hypervisor_id: HypervisorId,
}

/// Chooses a pool of the right kind in the group, and the hypervisor `near` which the source lies
/// if it is in the group, else the one seen last. None of them is deleted before the transaction ends.
pub async fn place(
    tx: &Transaction<'_>,
    group_id: HypervisorGroupId,
    storage_type: StorageType,
    near: Option<HypervisorId>,
) -> Result<Place> {
    let db = tx.db();
    let group = hold::hypervisor_group(tx, group_id).await?;
    let pools = storage_pool::Entity::present()
        .filter(storage_pool::Column::GroupId.eq(group_id))
        .filter(storage_pool::Column::StorageType.eq(storage_type))
        .order_by_asc(storage_pool::Column::Id)
        .lock(HOLD)
        .all(db)
        .await?;
    let is_near = |pool: &&storage_pool::Model| {
        near.is_none() || pool.hypervisor_id.is_none() || pool.hypervisor_id == near
    };
    let pool = pools.iter().find(is_near).or(pools.first());
    let pool = pool.ok_or_else(|| no_pool(&group.name, storage_type))?;
    // What lies in a local pool is worked on where the pool is.
    let near = pool.hypervisor_id.or(near);
    let hypervisors = hypervisor::Entity::present()
        .filter(hypervisor::Column::GroupId.eq(group_id))
        .order_by_asc(hypervisor::Column::Id)
        .lock(HOLD)
        .all(db)
        .await?;
    let chosen = hypervisors
        .iter()
        .find(|hypervisor| Some(hypervisor.id) == near)
        .or_else(|| {
            hypervisors
                .iter()
                .max_by_key(|hypervisor| hypervisor.last_seen_at)
        })
        .ok_or_else(|| {
            Error::invalid(format!(
                "Hypervisor group \"{}\" has no hypervisor.",
                group.name
            ))
        })?;
    Ok(Place {
        group_id,
        pool_id: pool.id,
        hypervisor_id: chosen.id,
    })
}

fn no_pool(group: &str, storage_type: StorageType) -> Error {
    let kind = match storage_type {
        StorageType::Qcow2File => "qcow2",
        StorageType::CephRbd => "Ceph",
    };
    Error::invalid(format!(
        "Hypervisor group \"{group}\" has no {kind} storage pool. Choose another group or plan."
    ))
}

/// A volume that an operation will make.
#[derive(Debug)]
pub struct Birth<'a> {
    /// Its owner.
    pub account: AccountId,
    /// Its name, checked.
    pub name: String,
    /// Its plan, which gives its size.
    pub plan: &'a volume_plan::Model,
    /// Where it will lie.
    pub place: &'a Place,
    /// What makes it, and holds its lock until then.
    pub operation: OperationId,
    /// What kind of operation that is.
    pub kind: OperationKind,
}

impl Birth<'_> {
    /// Writes its row.
    pub async fn insert(self, tx: &Transaction<'_>) -> Result<volume::Model> {
        let volume = volume::ActiveModel {
            id: Set(tx.app().ids.next(VolumeId::from_uuid)),
            account_id: Set(self.account),
            name: Set(self.name),
            // Made of the name when the row is saved.
            search_name: NotSet,
            size_bytes: Set(self.plan.size_bytes),
            storage_type: Set(self.plan.storage_type),
            state: Set(VolumeState::Creating),
            data_state: Set(DataState::Consistent),
            plan_id: Set(self.plan.id),
            group_id: Set(self.place.group_id),
            hypervisor_id: Set(self.place.hypervisor_id),
            pool_id: Set(self.place.pool_id),
            instance_id: Set(None),
            active_operation: Set(Some(self.kind)),
            active_operation_id: Set(Some(self.operation)),
            cooldown_ends_at: Set(None),
            measure_at: Set(None),
            last_backup_at: Set(NEVER),
            on_storage: Set(false),
            created_at: Set(tx.now()),
            deleted_at: Set(None),
        };
        Ok(volume.insert(tx.db()).await?)
    }
}
