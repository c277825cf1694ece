//! Hypervisors and their groups.

use chrono::{DateTime, Utc};
use entity::{BackupStorageId, HypervisorGroupId, HypervisorId, hypervisor, hypervisor_group};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect,
};

use super::{
    Error, Requester, Result, Settings, agent_token, backup_storage, text,
    transaction::{ROW_LOCK, Transaction},
};
use crate::{app::App, events::Topic};

/// Makes a group.
pub async fn create_group(
    app: &App,
    requester: &Requester,
    name: &str,
    backup_storage_id: Option<BackupStorageId>,
) -> Result<hypervisor_group::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    check_storage(&tx, backup_storage_id).await?;
    let group = hypervisor_group::ActiveModel {
        id: Set(app.ids.next(HypervisorGroupId::from_uuid)),
        name: Set(text::name(name)?),
        backup_storage_id: Set(backup_storage_id),
        created_at: Set(tx.now()),
    };
    let group = group.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(group)
}

/// Changes a group. `backup_storage_id`: `None` leaves it, `Some(None)` clears it.
pub async fn update_group(
    app: &App,
    requester: &Requester,
    id: HypervisorGroupId,
    name: Option<&str>,
    backup_storage_id: Option<Option<BackupStorageId>>,
) -> Result<hypervisor_group::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let group = hypervisor_group::Entity::find_by_id(id)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let mut group = group
        .ok_or(Error::NotFound("hypervisor group"))?
        .into_active_model();
    if let Some(name) = name {
        group.name = Set(text::name(name)?);
    }
    if let Some(storage) = backup_storage_id {
        check_storage(&tx, storage).await?;
        group.backup_storage_id = Set(storage);
    }
    let group = group.update(tx.db()).await?;
    tx.commit().await?;
    Ok(group)
}

/// Makes a hypervisor, and the token that its agent enrols with, which is shown once.
pub async fn create(
    app: &App,
    requester: &Requester,
    group_id: HypervisorGroupId,
    name: &str,
    backup_storage_id: Option<BackupStorageId>,
) -> Result<(hypervisor::Model, String)> {
    requester.admin()?;
    let mut tx = Transaction::begin(app).await?;
    find_group(tx.db(), group_id).await?;
    check_storage(&tx, backup_storage_id).await?;
    let hypervisor = hypervisor::ActiveModel {
        id: Set(app.ids.next(HypervisorId::from_uuid)),
        group_id: Set(group_id),
        name: Set(text::name(name)?),
        backup_storage_id: Set(backup_storage_id),
        agent_version: Set(None),
        agent_state_id: Set(None),
        can_snapshot: Set(false),
        can_backup: Set(false),
        last_seen_at: Set(None),
        created_at: Set(tx.now()),
    };
    let hypervisor = hypervisor.insert(tx.db()).await?;
    let secret = agent_token::enrol(&tx, hypervisor.id).await?;
    tx.wake(Topic::Hypervisors);
    tx.commit().await?;
    Ok((hypervisor, secret))
}

/// Changes a hypervisor. `backup_storage_id`: `None` leaves it, `Some(None)` makes it the group's.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: HypervisorId,
    name: Option<&str>,
    backup_storage_id: Option<Option<BackupStorageId>>,
) -> Result<hypervisor::Model> {
    requester.admin()?;
    let mut tx = Transaction::begin(app).await?;
    let hypervisor = hypervisor::Entity::find_by_id(id)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let mut hypervisor = hypervisor
        .ok_or(Error::NotFound("hypervisor"))?
        .into_active_model();
    if let Some(name) = name {
        hypervisor.name = Set(text::name(name)?);
    }
    if let Some(storage) = backup_storage_id {
        check_storage(&tx, storage).await?;
        hypervisor.backup_storage_id = Set(storage);
    }
    let hypervisor = hypervisor.update(tx.db()).await?;
    tx.wake(Topic::Hypervisors);
    tx.commit().await?;
    Ok(hypervisor)
}

/// The group `id`.
pub async fn find_group(
    db: &impl ConnectionTrait,
    id: HypervisorGroupId,
) -> Result<hypervisor_group::Model> {
    let group = hypervisor_group::Entity::find_by_id(id).one(db).await?;
    group.ok_or(Error::NotFound("hypervisor group"))
}

/// The hypervisor `id`.
pub async fn find(db: &impl ConnectionTrait, id: HypervisorId) -> Result<hypervisor::Model> {
    let hypervisor = hypervisor::Entity::find_by_id(id).one(db).await?;
    hypervisor.ok_or(Error::NotFound("hypervisor"))
}

/// `id` if its agent is alive, else the one of its group that was seen last: for work that the agent
/// of any hypervisor can do.
pub async fn find_reachable(
    db: &impl ConnectionTrait,
    id: HypervisorId,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<hypervisor::Model> {
    let first = find(db, id).await?;
    let is_alive = |seen: DateTime<Utc>| seen + settings.lease >= now;
    if first.last_seen_at.is_some_and(is_alive) {
        return Ok(first);
    }
    let others = hypervisor::Entity::find()
        .filter(hypervisor::Column::GroupId.eq(first.group_id))
        .all(db)
        .await?;
    let latest = others.into_iter().max_by_key(|other| other.last_seen_at);
    Ok(latest
        .filter(|latest| latest.last_seen_at > first.last_seen_at)
        .unwrap_or(first))
}

async fn check_storage(tx: &Transaction<'_>, id: Option<BackupStorageId>) -> Result<()> {
    if let Some(id) = id {
        backup_storage::find(tx.db(), id).await?;
    }
    Ok(())
}
