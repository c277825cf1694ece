//! Writing off what can never be deleted: its record ends, and what is left of it on storage is not touched.
//!
//! What an agent may be writing to is not written off, nor a place before what lies in it.

use entity::{
    AccountId, BackupId, BackupStorageId, HypervisorId, OperationId, Scope, SnapshotId,
    StoragePoolId, VolumeId, backup, operation, operation::OperationStatus, snapshot, volume,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};

use super::{
    Error, Requester, Result, backup_storage,
    billing::Change,
    guard::{Active, Refusal},
    hypervisor as hypervisors,
    in_use::check_unused,
    operation::{
        effect::{Field, Item, update_item},
        fail::abandon,
    },
    storage_pool, text,
    transaction::Transaction,
    volume::{billed::bill_snapshots, last_backup},
};
use crate::{app::App, events::Topic};

/// What is written off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A volume, with its snapshots, which lie in it. Its backups stay.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A backup.
    Backup(BackupId),
    /// A storage pool without volumes.
    StoragePool(StoragePoolId),
    /// A backup storage without backups that nobody writes to.
    BackupStorage(BackupStorageId),
    /// A hypervisor on which nothing lies.
    Hypervisor(HypervisorId),
}

/// Writes `target` off.
pub async fn write_off(
    app: &App,
    requester: &Requester,
    target: Target,
    confirm_name: &str,
    reason: &str,
) -> Result<()> {
    requester.admin()?;
    // It is kept with the audit event.
    text::reason(reason)?;
    match target {
        Target::Volume(id) => volume(app, requester, id, confirm_name).await,
        Target::Snapshot(id) => snapshot(app, requester, id, confirm_name).await,
        Target::Backup(id) => backup(app, requester, id, confirm_name).await,
        Target::StoragePool(id) => storage_pool::delete(app, requester, id, confirm_name).await,
        Target::BackupStorage(id) => backup_storage::delete(app, requester, id, confirm_name).await,
        Target::Hypervisor(id) => hypervisor(app, requester, id, confirm_name).await,
    }
}

async fn volume(app: &App, requester: &Requester, id: VolumeId, confirm_name: &str) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    let find = || volume::Entity::visible_to(Scope::Everything).filter(volume::Column::Id.eq(id));
    let owner = find().one(tx.db()).await?;
    let owner = owner.ok_or(Error::NotFound("volume"))?.account_id;
    // Nothing new is accepted from here on: what holds the volume can only let it go.
    tx.lock_account(owner).await?;
    let volume = find().one(tx.db()).await?;
    let volume = volume.ok_or(Error::NotFound("volume"))?;
    text::confirm(confirm_name, &volume.name)?;
    if volume.instance_id.is_some() {
        return Err(Refusal::VolumeAttached.into());
    }
    if let Some(holder) = volume.active_operation_id {
        let holds = Condition::all().add(operation::Column::Id.eq(holder));
        end_all(&mut tx, holds, &requester.actor()).await?;
    }
    volume::Entity::update_many()
        .col_expr(volume::Column::ActiveOperation, Expr::null())
        .col_expr(volume::Column::ActiveOperationId, Expr::null())
        .col_expr(volume::Column::MeasureAt, Expr::null())
        .col_expr(volume::Column::DeletedAt, Expr::value(tx.now()))
        .filter(volume::Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    snapshot::Entity::update_many()
        .col_expr(snapshot::Column::DeletedAt, Expr::value(tx.now()))
        .filter(snapshot::Column::VolumeId.eq(id))
        .filter(snapshot::Column::DeletedAt.is_null())
        .exec(tx.db())
        .await?;
    let lost = Condition::all().add(snapshot::Column::VolumeId.eq(id));
    bill_snapshots(&mut tx, lost, Change::Ends).await?;
    tx.wake(Topic::Volume(id));
    tx.commit().await
}

async fn snapshot(
    app: &App,
    requester: &Requester,
    id: SnapshotId,
    confirm_name: &str,
) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    let find =
        || snapshot::Entity::visible_to(Scope::Everything).filter(snapshot::Column::Id.eq(id));
    let found = find().one(tx.db()).await?;
    tx.lock_account(found.ok_or(Error::NotFound("snapshot"))?.account_id)
        .await?;
    let snapshot = find().one(tx.db()).await?;
    let snapshot = snapshot.ok_or(Error::NotFound("snapshot"))?;
    text::confirm(confirm_name, &snapshot.name)?;
    let on_it = Condition::all().add(operation::Column::SnapshotId.eq(id));
    end_all(&mut tx, on_it, &requester.actor()).await?;
    item_is_gone(tx, Item::Snapshot(id), snapshot.volume_id).await
}

async fn backup(app: &App, requester: &Requester, id: BackupId, confirm_name: &str) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    let find = || backup::Entity::visible_to(Scope::Everything).filter(backup::Column::Id.eq(id));
    let found = find().one(tx.db()).await?;
    let owner: AccountId = found.ok_or(Error::NotFound("backup"))?.account_id;
    tx.lock_account(owner).await?;
    let backup = find().one(tx.db()).await?;
    let backup = backup.ok_or(Error::NotFound("backup"))?;
    text::confirm(confirm_name, &backup.name)?;
    let on_it = Condition::all().add(operation::Column::BackupId.eq(id));
    end_all(&mut tx, on_it, &requester.actor()).await?;
    last_backup::hold(&tx, id).await?;
    item_is_gone(tx, Item::Backup(id), backup.volume_id).await
}

/// Ends those of `operations` that have not ended. Refused if an agent holds one.
async fn end_all(tx: &mut Transaction<'_>, operations: Condition, actor: &str) -> Result<()> {
    let under_way = Condition::any()
        .add(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .add(operation::Column::LeaseExpiresAt.is_not_null());
    let under_way = operation::Entity::find()
        .filter(operations)
        .filter(under_way)
        .order_by_asc(operation::Column::Id)
        .all(tx.db())
        .await?;
    let ids: Vec<OperationId> = under_way.iter().map(|operation| operation.id).collect();
    for id in ids {
        abandon(tx, id, actor).await?;
    }
    Ok(())
}

async fn item_is_gone(mut tx: Transaction<'_>, item: Item, volume: VolumeId) -> Result<()> {
    let gone = [(Field::DeletedAt, Expr::value(tx.now()))];
    update_item(&tx, item, &gone).await?;
    tx.bill(item, Change::Ends);
    if let Item::Backup(id) = item {
        last_backup::keep(&tx, id).await?;
    }
    tx.wake(Topic::Volume(volume));
    tx.commit().await
}

/// Deletes a hypervisor that never comes back: what waits for its agent fails. What lies on it has to be written off
/// before.
async fn hypervisor(
    app: &App,
    requester: &Requester,
    id: HypervisorId,
    confirm_name: &str,
) -> Result<()> {
    let actor = requester.admin()?.email.clone();
    let tx = Transaction::begin(app).await?;
    let hypervisor = hypervisors::find(tx.db(), id).await?;
    text::confirm(confirm_name, &hypervisor.name)?;
    // Before anything fails: what is refused must change nothing.
    let [lying @ .., _] = hypervisors::users(&tx, &hypervisor).await?;
    check_unused(&format!("Hypervisor \"{}\"", hypervisor.name), &lying)?;
    let waiting = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(id))
        .filter(hypervisors::under_way())
        .order_by_asc(operation::Column::Id)
        .all(tx.db())
        .await?;
    let now = tx.now();
    let held =
        |operation: &&operation::Model| operation.lease_expires_at.is_some_and(|at| at > now);
    if let Some(operation) = waiting.iter().find(held) {
        let (id, kind) = (operation.id, operation.kind);
        return Err(Refusal::VolumeBusy(Active { id, kind }).into());
    }
    drop(tx);
    // One by one, as by `failOperation`: the ends of operations lock in another order than a deletion.
    for operation in waiting {
        let mut tx = Transaction::begin(app).await?;
        abandon(&mut tx, operation.id, &actor).await?;
        tx.commit().await?;
    }
    hypervisors::delete(app, requester, id, confirm_name).await
}
