//! Hypervisors and their groups.

use chrono::{DateTime, Utc};
use entity::{
    BackupStorageId, HypervisorGroupId, HypervisorId, Scope, backup, backup_storage,
    backup_storage::BackupStorageKind, hypervisor, hypervisor_group, instance, operation,
    operation::OperationStatus, storage_pool, volume,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
};

use super::{
    Error, Requester, Result, Settings, agent_token, hold,
    in_use::{Users, check_unused},
    text,
    transaction::{ROW_LOCK, Transaction},
};
use crate::domain::room::ensure_room;
use crate::limits::{MAX_GROUPS, MAX_HYPERVISORS, MAX_HYPERVISORS_OF_GROUP};
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
    ensure_room(
        &tx,
        hypervisor_group::Entity::find(),
        MAX_GROUPS,
        "hypervisor groups",
    )
    .await?;
    let group = hypervisor_group::ActiveModel {
        id: Set(app.ids.next(HypervisorGroupId::from_uuid)),
        name: Set(text::name(name)?),
        backup_storage_id: Set(backup_storage_id),
        created_at: Set(tx.now()),
        deleted_at: Set(None),
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
    let group = hypervisor_group::Entity::present()
        .filter(hypervisor_group::Column::Id.eq(id))
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
    hold::hypervisor_group(&tx, group_id).await?;
    check_storage(&tx, backup_storage_id).await?;
    let all = hypervisor::Entity::find();
    let of_group = all.clone().filter(hypervisor::Column::GroupId.eq(group_id));
    ensure_room(&tx, all, MAX_HYPERVISORS, "hypervisors").await?;
    ensure_room(
        &tx,
        of_group,
        MAX_HYPERVISORS_OF_GROUP,
        "hypervisors in the group",
    )
    .await?;
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
        deleted_at: Set(None),
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
    let hypervisor = hypervisor::Entity::present()
        .filter(hypervisor::Column::Id.eq(id))
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
    // Its agent acts under its name.
    tx.wake(Topic::Agent(id));
    tx.commit().await?;
    Ok(hypervisor)
}

/// Deletes a group without hypervisors and pools, in which no volume lies and no backup was made. History goes on to
/// name it.
pub async fn delete_group(
    app: &App,
    requester: &Requester,
    id: HypervisorGroupId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let group = hypervisor_group::Entity::present()
        .filter(hypervisor_group::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let group = group.ok_or(Error::NotFound("hypervisor group"))?;
    text::confirm(confirm_name, &group.name)?;
    let hypervisors = hypervisor::Entity::present()
        .filter(hypervisor::Column::GroupId.eq(id))
        .count(tx.db())
        .await?;
    let pools = storage_pool::Entity::present()
        .filter(storage_pool::Column::GroupId.eq(id))
        .count(tx.db())
        .await?;
    let volumes = volume::Entity::visible_to(Scope::Everything)
        .filter(volume::Column::GroupId.eq(id))
        .count(tx.db())
        .await?;
    let what = format!("Hypervisor group \"{}\"", group.name);
    let users = [
        (hypervisors, "hypervisor"),
        (pools, "storage pool"),
        (volumes, "volume"),
        (count_backups_of(&tx, id).await?, "backup"),
    ];
    check_unused(&what, &users)?;
    let mut deleted = group.into_active_model();
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

/// Deletes a hypervisor on which nothing lies and nothing is in flight, and ends the tokens of its agent. The last one
/// of a group stays while the group has backups, which need an agent. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: HypervisorId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let mut tx = Transaction::begin(app).await?;
    let group = find(tx.db(), id).await?.group_id;
    // Of two that are deleted at once, one is the last of their group.
    hypervisor_group::Entity::find_by_id(group)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let hypervisor = hypervisor::Entity::present()
        .filter(hypervisor::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let hypervisor = hypervisor.ok_or(Error::NotFound("hypervisor"))?;
    text::confirm(confirm_name, &hypervisor.name)?;
    check_unused(
        &format!("Hypervisor \"{}\"", hypervisor.name),
        &users(&tx, &hypervisor).await?,
    )?;
    let mut deleted = hypervisor.into_active_model();
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    agent_token::revoke(&mut tx, id).await?;
    tx.wake(Topic::Hypervisors);
    tx.commit().await
}

/// Operations that an agent does, or is to do.
pub(super) fn under_way() -> Condition {
    Condition::any()
        .add(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .add(operation::Column::LeaseExpiresAt.is_not_null())
}

/// What needs a hypervisor, and last what waits for it.
pub(super) async fn users(
    tx: &Transaction<'_>,
    hypervisor: &hypervisor::Model,
) -> Result<[Users; 5]> {
    let everything = Scope::Everything;
    let volumes = volume::Entity::visible_to(everything)
        .filter(volume::Column::HypervisorId.eq(hypervisor.id))
        .count(tx.db())
        .await?;
    let pools = storage_pool::Entity::present()
        .filter(storage_pool::Column::GroupId.eq(hypervisor.group_id))
        .filter(storage_pool::Column::HypervisorId.eq(hypervisor.id))
        .count(tx.db())
        .await?;
    let instances = instance::Entity::visible_to(everything)
        .filter(instance::Column::HypervisorId.eq(hypervisor.id))
        .count(tx.db())
        .await?;
    let others = hypervisor::Entity::present()
        .filter(hypervisor::Column::GroupId.eq(hypervisor.group_id))
        .filter(hypervisor::Column::Id.ne(hypervisor.id))
        .count(tx.db())
        .await?;
    let backups = if others == 0 {
        count_backups_of(tx, hypervisor.group_id).await?
    } else {
        let local = backup_storage::Entity::find()
            .select_only()
            .column(backup_storage::Column::Id)
            .filter(backup_storage::Column::Kind.eq(BackupStorageKind::Local))
            .into_query();
        backup::Entity::visible_to(everything)
            .filter(backup::Column::HypervisorId.eq(hypervisor.id))
            .filter(backup::Column::BackupStorageId.in_subquery(local))
            .count(tx.db())
            .await?
    };
    let operations = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(hypervisor.id))
        .filter(under_way())
        .count(tx.db())
        .await?;
    Ok([
        (volumes, "volume"),
        (pools, "storage pool"),
        (instances, "instance"),
        (backups, "backup"),
        (operations, "operation"),
    ])
}

/// How many backups were made of volumes of the group `id`.
async fn count_backups_of(tx: &Transaction<'_>, id: HypervisorGroupId) -> Result<u64> {
    Ok(backup::Entity::visible_to(Scope::Everything)
        .filter(backup::Column::GroupId.eq(id))
        .count(tx.db())
        .await?)
}

/// The hypervisor `id`.
pub async fn find(db: &impl ConnectionTrait, id: HypervisorId) -> Result<hypervisor::Model> {
    let hypervisor = hypervisor::Entity::present()
        .filter(hypervisor::Column::Id.eq(id))
        .one(db)
        .await?;
    hypervisor.ok_or(Error::NotFound("hypervisor"))
}

/// `id` if it is there and its agent is alive, else the one of its group that was seen last: for work that the agent
/// of any hypervisor can do.
pub async fn find_reachable(
    db: &impl ConnectionTrait,
    id: HypervisorId,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<hypervisor::Model> {
    let first = hypervisor::Entity::find_by_id(id).one(db).await?;
    let first = first.ok_or(Error::NotFound("hypervisor"))?;
    let is_there = first.deleted_at.is_none();
    let is_alive = |seen: DateTime<Utc>| seen + settings.lease >= now;
    if is_there && first.last_seen_at.is_some_and(is_alive) {
        return Ok(first);
    }
    let others = hypervisor::Entity::present()
        .filter(hypervisor::Column::GroupId.eq(first.group_id))
        .all(db)
        .await?;
    let latest = others.into_iter().max_by_key(|other| other.last_seen_at);
    let before = first.last_seen_at;
    latest
        .filter(|latest| !is_there || latest.last_seen_at > before)
        .or(is_there.then_some(first))
        .ok_or(Error::NotFound("hypervisor"))
}

async fn check_storage(tx: &Transaction<'_>, id: Option<BackupStorageId>) -> Result<()> {
    if let Some(id) = id {
        hold::backup_storage(tx, id).await?;
    }
    Ok(())
}
