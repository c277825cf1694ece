//! Attaching and detaching: refused while a restore or a delete holds the volume.

use entity::{
    InstanceId, VolumeId, instance, storage_pool, volume,
    volume::{DataState, VolumeState},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

use super::{facts::active, lock};
use crate::{
    app::App,
    domain::{
        Error, Requester, Result,
        guard::{Refusal, held_by_restore_or_delete},
        room::ensure_room,
        transaction::Transaction,
    },
    events::Topic,
    limits::MAX_VOLUMES_OF_INSTANCE,
};

/// Attaches a volume to an instance of its account and group.
pub async fn attach(
    app: &App,
    requester: &Requester,
    id: VolumeId,
    instance: InstanceId,
) -> Result<volume::Model> {
    let scope = requester.scope()?;
    let (tx, volume) = lock(app, requester, id).await?;
    let instance = instance::Entity::visible_to(scope)
        .filter(instance::Column::Id.eq(instance))
        .one(tx.db())
        .await?
        .ok_or(Error::NotFound("instance"))?;
    if instance.account_id != volume.account_id {
        return Err(Error::invalid(
            "Volume and instance belong to different accounts.",
        ));
    }
    if volume.instance_id == Some(instance.id) {
        return Ok(volume);
    }
    check_group(&tx, &volume, &instance).await?;
    check_reach(&tx, &volume, &instance).await?;
    if volume.state != VolumeState::Available {
        return Err(Refusal::VolumeNotAvailable(volume.state).into());
    }
    if volume.instance_id.is_some() {
        return Err(Refusal::VolumeAttached.into());
    }
    not_held(&volume)?;
    if volume.data_state == DataState::Inconsistent {
        return Err(Refusal::VolumeInconsistent.into());
    }
    let attached = volume::Entity::find().filter(volume::Column::InstanceId.eq(instance.id));
    ensure_room(
        &tx,
        attached,
        MAX_VOLUMES_OF_INSTANCE,
        "volumes on the instance",
    )
    .await?;
    set_instance(tx, volume, Some(instance.id)).await
}

/// Detaches a volume from its instance. One that is not attached stays as it is.
pub async fn detach(app: &App, requester: &Requester, id: VolumeId) -> Result<volume::Model> {
    let (tx, volume) = lock(app, requester, id).await?;
    if volume.instance_id.is_none() {
        return Ok(volume);
    }
    not_held(&volume)?;
    set_instance(tx, volume, None).await
}

fn not_held(volume: &volume::Model) -> Result<()> {
    held_by_restore_or_delete(active(volume)).map_or(Ok(()), |refusal| Err(refusal.into()))
}

/// A volume can be attached where its pool is: in its own group.
async fn check_group(
    tx: &Transaction<'_>,
    volume: &volume::Model,
    instance: &instance::Model,
) -> Result<()> {
    let hypervisor = entity::hypervisor::Entity::find_by_id(instance.hypervisor_id)
        .one(tx.db())
        .await?;
    if hypervisor.is_some_and(|hypervisor| hypervisor.group_id == volume.group_id) {
        return Ok(());
    }
    Err(Error::invalid(
        "Volume and instance are in different hypervisor groups.",
    ))
}

/// A volume in a local pool can be attached on that hypervisor only.
async fn check_reach(
    tx: &Transaction<'_>,
    volume: &volume::Model,
    instance: &instance::Model,
) -> Result<()> {
    let pool = storage_pool::Entity::find_by_id(volume.pool_id)
        .one(tx.db())
        .await?;
    let owner = pool.and_then(|pool| pool.hypervisor_id);
    if owner.is_none_or(|owner| owner == instance.hypervisor_id) {
        return Ok(());
    }
    Err(Refusal::VolumeOutOfReach.into())
}

async fn set_instance(
    mut tx: Transaction<'_>,
    volume: volume::Model,
    instance: Option<InstanceId>,
) -> Result<volume::Model> {
    let mut changed = volume.into_active_model();
    changed.instance_id = Set(instance);
    let volume = changed.update(tx.db()).await?;
    tx.wake(Topic::Volume(volume.id));
    tx.commit().await?;
    Ok(volume)
}
