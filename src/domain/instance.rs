//! Instances: made and changed by administrators, started and stopped by their owners.

use entity::{
    AccountId, Credit, HypervisorId, InstanceId, instance, instance::InstanceStatus, volume,
    volume::DataState,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};

use super::{
    Error, Requester, Result, account,
    billing::Change,
    guard::{Refusal, held_by_restore_or_delete},
    hold,
    in_use::check_unused,
    plan, text,
    transaction::{ROW_LOCK, Transaction},
    volume::facts::active,
};
use crate::{app::App, events::Topic};

/// What [`create`] needs to know.
#[derive(Debug)]
pub struct Create {
    /// Its owner.
    pub account_id: AccountId,
    /// Where it runs.
    pub hypervisor_id: HypervisorId,
    /// What to call it.
    pub name: String,
    /// What an hour of running costs.
    pub credits_per_hour: Credit,
    /// The path of its QMP socket on the hypervisor.
    pub qmp_socket: Option<String>,
}

/// Makes an instance, which is stopped.
pub async fn create(app: &App, requester: &Requester, input: Create) -> Result<instance::Model> {
    requester.admin()?;
    let name = text::name(&input.name)?;
    let credits_per_hour = plan::checked_credit(input.credits_per_hour)?;
    let qmp_socket = input.qmp_socket.as_deref();
    let qmp_socket = qmp_socket
        .map(|path| text::absolute_path("qmpSocket", path))
        .transpose()?;
    let tx = Transaction::begin(app).await?;
    account::hold(&tx, input.account_id).await?;
    hold::hypervisor(&tx, input.hypervisor_id).await?;
    let instance = instance::ActiveModel {
        id: Set(app.ids.next(InstanceId::from_uuid)),
        account_id: Set(input.account_id),
        hypervisor_id: Set(input.hypervisor_id),
        name: Set(name),
        status: Set(InstanceStatus::Stopped),
        credits_per_hour: Set(credits_per_hour),
        qmp_socket: Set(qmp_socket),
        created_at: Set(tx.now()),
        deleted_at: Set(None),
    };
    let instance = instance.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(instance)
}

/// Calls an instance something else.
pub async fn rename(
    app: &App,
    requester: &Requester,
    id: InstanceId,
    name: &str,
) -> Result<instance::Model> {
    requester.admin()?;
    let (mut tx, instance) = lock(app, requester, id).await?;
    let mut changed = instance.into_active_model();
    changed.name = Set(text::name(name)?);
    let instance = changed.update(tx.db()).await?;
    let volumes = volume::Entity::visible_to(requester.scope()?)
        .filter(volume::Column::InstanceId.eq(id))
        .all(tx.db())
        .await?;
    for volume in &volumes {
        tx.wake(Topic::Volume(volume.id));
    }
    tx.commit().await?;
    Ok(instance)
}

/// Deletes an instance that is stopped and has no volumes. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: InstanceId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let (tx, instance) = lock(app, requester, id).await?;
    text::confirm(confirm_name, &instance.name)?;
    let what = format!("Instance \"{}\"", instance.name);
    if instance.status == InstanceStatus::Running {
        return Err(Refusal::InUse(format!("{what} is running. Stop it first.")).into());
    }
    let volumes = volume::Entity::visible_to(requester.scope()?)
        .filter(volume::Column::InstanceId.eq(id))
        .count(tx.db())
        .await?;
    check_unused(&what, &[(volumes, "volume")])?;
    let mut deleted = instance.into_active_model();
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

/// Starts an instance. Refused while a restore or a delete holds one of its volumes, or one of
/// them is inconsistent.
pub async fn start(app: &App, requester: &Requester, id: InstanceId) -> Result<instance::Model> {
    let (tx, instance) = lock(app, requester, id).await?;
    let volumes = volume::Entity::visible_to(requester.scope()?)
        .filter(volume::Column::InstanceId.eq(id))
        .lock(ROW_LOCK)
        .all(tx.db())
        .await?;
    for volume in &volumes {
        if let Some(refusal) = held_by_restore_or_delete(active(volume)) {
            return Err(refusal.into());
        }
        if volume.data_state == DataState::Inconsistent {
            return Err(Refusal::VolumeInconsistent.into());
        }
    }
    set_status(tx, instance, InstanceStatus::Running, &volumes).await
}

/// Stops an instance.
pub async fn stop(app: &App, requester: &Requester, id: InstanceId) -> Result<instance::Model> {
    let (tx, instance) = lock(app, requester, id).await?;
    let volumes = volume::Entity::visible_to(requester.scope()?)
        .filter(volume::Column::InstanceId.eq(id))
        .all(tx.db())
        .await?;
    set_status(tx, instance, InstanceStatus::Stopped, &volumes).await
}

async fn lock<'a>(
    app: &'a App,
    requester: &Requester,
    id: InstanceId,
) -> Result<(Transaction<'a>, instance::Model)> {
    let scope = requester.scope()?;
    let mut tx = Transaction::begin(app).await?;
    let find = || instance::Entity::visible_to(scope).filter(instance::Column::Id.eq(id));
    let instance = find()
        .one(tx.db())
        .await?
        .ok_or(Error::NotFound("instance"))?;
    tx.lock_account(instance.account_id).await?;
    let instance = find()
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?
        .ok_or(Error::NotFound("instance"))?;
    Ok((tx, instance))
}

async fn set_status(
    mut tx: Transaction<'_>,
    instance: instance::Model,
    status: InstanceStatus,
    volumes: &[volume::Model],
) -> Result<instance::Model> {
    let mut changed = instance.into_active_model();
    changed.status = Set(status);
    let instance = changed.update(tx.db()).await?;
    let change = match status {
        InstanceStatus::Running => Change::Begins,
        InstanceStatus::Stopped => Change::Ends,
    };
    tx.bill(instance.id, change);
    for volume in volumes {
        tx.wake(Topic::Volume(volume.id));
    }
    tx.commit().await?;
    Ok(instance)
}
