//! Rows that are not deleted before a transaction ends which comes to refer to them.

use entity::{
    BackupStorageId, HypervisorGroupId, HypervisorId, backup_storage, hypervisor, hypervisor_group,
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    Error, Result,
    transaction::{HOLD, Transaction},
};

/// The group `id`, which is not deleted before the transaction ends.
pub async fn hypervisor_group(
    tx: &Transaction<'_>,
    id: HypervisorGroupId,
) -> Result<hypervisor_group::Model> {
    let group = hypervisor_group::Entity::present()
        .filter(hypervisor_group::Column::Id.eq(id))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    group.ok_or(Error::NotFound("hypervisor group"))
}

/// The hypervisor `id`, which is not deleted before the transaction ends.
pub async fn hypervisor(tx: &Transaction<'_>, id: HypervisorId) -> Result<hypervisor::Model> {
    let hypervisor = hypervisor::Entity::present()
        .filter(hypervisor::Column::Id.eq(id))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    hypervisor.ok_or(Error::NotFound("hypervisor"))
}

/// The backup storage `id`, which is not deleted before the transaction ends.
pub async fn backup_storage(
    tx: &Transaction<'_>,
    id: BackupStorageId,
) -> Result<backup_storage::Model> {
    let storage = backup_storage::Entity::present()
        .filter(backup_storage::Column::Id.eq(id))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    storage.ok_or(Error::NotFound("backup storage"))
}
