//! What an operation's transitions do to its item and its volumes.

pub mod image;
mod item;

use std::collections::BTreeSet;

use entity::{
    BackupId, OperationId, VolumeId, backup, operation,
    operation::{OperationKind, OperationStatus},
    snapshot,
    snapshot::ItemStatus,
    volume,
    volume::{DataState, VolumeState},
};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};

use self::item::change_item;
pub use self::item::{Field, Item, change_failed, update_item, update_items};
use crate::{
    domain::{
        ErrorCode, Result,
        billing::Change,
        transaction::{ROW_LOCK, Transaction},
        volume::{last_backup, measure},
    },
    events::Topic,
};

/// An agent started these: what is to be made is being made, and may be on storage from now on. What is to be read is
/// restored from.
pub async fn started(tx: &mut Transaction<'_>, operations: &[operation::Model]) -> Result<()> {
    // Volumes before items, and each in their order: every transaction locks in this one.
    let replaced = |one: &operation::Model| one.replace_image.then_some(one.volume_id);
    let volumes = operations
        .iter()
        .filter_map(|one| made_volume(one).or_else(|| replaced(one)));
    for id in volumes.collect::<BTreeSet<_>>() {
        update_volume(tx, id, volume::Column::OnStorage, Expr::value(true)).await?;
    }
    let making = [
        (Field::Status, Expr::value(ItemStatus::Creating)),
        (Field::OnStorage, Expr::value(true)),
    ];
    let made: Vec<Item> = operations.iter().filter_map(made_item).collect();
    update_items(tx, &made, &making).await?;
    let restoring = [(Field::Status, Expr::value(ItemStatus::Restoring))];
    let read: BTreeSet<Item> = operations.iter().filter_map(read_item).collect();
    for item in read {
        update_item(tx, item, &restoring).await?;
        tx.bill(item, Change::Ends);
    }
    Ok(())
}

/// The agent was lost: what is to be made waits again, and what was read is read no more.
pub async fn requeued(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    let waiting = [(Field::Status, Expr::value(ItemStatus::Pending))];
    match (made_item(operation), read_item(operation)) {
        (Some(item), _) => update_item(tx, item, &waiting).await,
        (None, Some(item)) => read_no_more(tx, operation, item).await,
        (None, None) => Ok(()),
    }
}

/// Nothing of what was to be made is on storage.
pub async fn never_begun(tx: &Transaction<'_>, operation: &operation::Model) -> Result<()> {
    let nowhere = Expr::value(false);
    if let Some(item) = made_item(operation) {
        return change_item(tx, item, &[(Field::OnStorage, nowhere)]).await;
    }
    match made_volume(operation) {
        Some(id) => update_volume(tx, id, volume::Column::OnStorage, nowhere).await,
        None => Ok(()),
    }
}

/// The item that `operation` makes.
fn made_item(operation: &operation::Model) -> Option<Item> {
    let makes = matches!(
        operation.kind,
        OperationKind::CreateSnapshot | OperationKind::CreateBackup
    );
    Item::of(operation).filter(|_| makes)
}

/// The item that `operation` restores from.
fn read_item(operation: &operation::Model) -> Option<Item> {
    Item::of(operation).filter(|_| OperationKind::RESTORING.contains(&operation.kind))
}

/// The volume that `operation` makes.
fn made_volume(operation: &operation::Model) -> Option<VolumeId> {
    match operation.kind {
        OperationKind::CreateVolume => Some(operation.volume_id),
        OperationKind::RestoreToNewVolume => operation.target_volume_id,
        _ => None,
    }
}

/// The operation ended as `operation.status` says: its item and its volumes follow, and its
/// volumes are freed unless an agent may still be writing.
pub async fn ended(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    if let Some(backup) = operation.backup_id {
        last_backup::hold(tx, backup).await?;
        ended_whole(tx, operation).await?;
        return last_backup::keep(tx, backup).await;
    }
    ended_whole(tx, operation).await
}

async fn ended_whole(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    let completed = operation.status == OperationStatus::Completed;
    let changes_snapshots = matches!(
        operation.kind,
        OperationKind::CreateSnapshot
            | OperationKind::DeleteSnapshot
            | OperationKind::RestoreInPlace
    );
    let is_released = operation.lease_expires_at.is_none();
    // Of these two the volume is the one that is released, and measured by the same statement.
    let with_release = is_released && operation.kind != OperationKind::RestoreInPlace;
    if changes_snapshots && !with_release {
        measure::ask(tx, operation.volume_id).await?;
    }
    // Volumes before items: every transaction locks in this order.
    match operation.kind {
        OperationKind::RestoreInPlace => restored_in_place(tx, operation, completed).await?,
        OperationKind::RestoreToNewVolume | OperationKind::CreateVolume => {
            let id = made_volume(operation).unwrap_or(operation.volume_id);
            let state = if completed {
                VolumeState::Available
            } else {
                VolumeState::Failed
            };
            update_volume(tx, id, volume::Column::State, Expr::value(state)).await?;
        }
        OperationKind::DeleteVolume => volume_deleted(tx, operation, completed).await?,
        _ => {}
    }
    if is_released {
        let is_measured = changes_snapshots && with_release;
        let was_held = free(tx, operation, is_measured).await?;
        if is_measured && !was_held {
            measure::ask(tx, operation.volume_id).await?;
        }
    }
    let Some(item) = Item::of(operation) else {
        return Ok(());
    };
    match operation.kind {
        OperationKind::CreateSnapshot | OperationKind::CreateBackup => {
            made(tx, operation, item, completed).await
        }
        OperationKind::DeleteSnapshot | OperationKind::DeleteBackup => {
            deleted(tx, operation, item, completed).await
        }
        _ => read(tx, operation, item).await,
    }
}

/// The agent of an operation that was ended from outside has stopped, or its lease is dead.
pub async fn stopped(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    if operation.kind == OperationKind::RestoreInPlace {
        restored_in_place(tx, operation, false).await?;
    }
    release(tx, operation).await
}

/// Frees the volumes that `operation` holds. A completed one makes those that existed before rest.
pub async fn release(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    free(tx, operation, false).await?;
    Ok(())
}

/// The same, and asks what the snapshots of what was freed keep, if `is_measured`; whether there was any.
async fn free(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    is_measured: bool,
) -> Result<bool> {
    let rests = operation.status == OperationStatus::Completed
        && OperationKind::PROTECTING.contains(&operation.kind);
    let cooldown = tx.now() + tx.app().settings.cooldown;
    let mut free = volume::Entity::update_many();
    if is_measured {
        free = free.col_expr(volume::Column::MeasureAt, Expr::value(tx.now()));
    }
    free = free
        .col_expr(volume::Column::ActiveOperation, Expr::null())
        .col_expr(volume::Column::ActiveOperationId, Expr::null())
        .filter(volume::Column::ActiveOperationId.eq(operation.id));
    if rests {
        // A volume that the operation has just made did not exist before: it does not rest.
        let made = operation
            .target_volume_id
            .map_or_else(String::new, |id| id.to_string());
        let ends_at = Expr::case(
            Expr::col(volume::Column::Id).eq(made),
            Expr::col(volume::Column::CooldownEndsAt),
        )
        .finally(Expr::value(cooldown));
        free = free.col_expr(volume::Column::CooldownEndsAt, ends_at.into());
    }
    let freed = free.exec(tx.db()).await?;
    tx.touch(operation);
    Ok(freed.rows_affected > 0)
}

async fn restored_in_place(
    tx: &Transaction<'_>,
    operation: &operation::Model,
    completed: bool,
) -> Result<()> {
    if !completed && !operation.volume_touched {
        return Ok(());
    }
    let state = if completed {
        DataState::Consistent
    } else {
        DataState::Inconsistent
    };
    let id = operation.volume_id;
    if completed && operation.replace_image {
        // It may have been one that failed: now it has an image, and all that was restored is in it.
        let available = Expr::value(VolumeState::Available);
        update_volume(tx, id, volume::Column::State, available).await?;
    }
    update_volume(tx, id, volume::Column::DataState, Expr::value(state)).await
}

async fn volume_deleted(
    tx: &Transaction<'_>,
    operation: &operation::Model,
    completed: bool,
) -> Result<()> {
    let id = operation.volume_id;
    if completed {
        update_volume(tx, id, volume::Column::DeletedAt, Expr::value(tx.now())).await?;
        return gone_with_volume(tx, id).await;
    }
    let state = if operation.was_failed || !removed_nothing(operation) {
        VolumeState::Failed
    } else {
        VolumeState::Available
    };
    update_volume(tx, id, volume::Column::State, Expr::value(state)).await
}

/// What is left of the snapshots of a volume that is gone are failed ones, and they went with it.
pub async fn gone_with_volume(tx: &Transaction<'_>, id: VolumeId) -> Result<()> {
    snapshot::Entity::update_many()
        .col_expr(snapshot::Column::DeletedAt, Expr::value(tx.now()))
        .filter(snapshot::Column::VolumeId.eq(id))
        .filter(snapshot::Column::DeletedAt.is_null())
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Whether a deletion that did not complete has left everything as it was: no agent began it, or it was refused.
fn removed_nothing(operation: &operation::Model) -> bool {
    let refused = ErrorCode::DeleteRefused.as_str();
    operation.epoch == 0 || operation.error_code.as_deref() == Some(refused)
}

async fn made(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    item: Item,
    completed: bool,
) -> Result<()> {
    if completed {
        let available = [
            (Field::Status, Expr::value(ItemStatus::Available)),
            (Field::AvailableAt, Expr::value(tx.now())),
        ];
        // Nothing can be available of which there is no record.
        update_item(tx, item, &available).await?;
        tx.bill(item, Change::Begins);
        return Ok(());
    }
    fail_item(tx, operation, item).await
}

async fn deleted(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    item: Item,
    completed: bool,
) -> Result<()> {
    if completed {
        return change_item(tx, item, &[(Field::DeletedAt, Expr::value(tx.now()))]).await;
    }
    if !removed_nothing(operation) {
        // Half deleted is not restorable.
        return fail_item(tx, operation, item).await;
    }
    let before = if operation.was_failed {
        ItemStatus::Failed
    } else {
        ItemStatus::Available
    };
    change_item(tx, item, &[(Field::Status, Expr::value(before))]).await?;
    tx.bill(item, Change::Begins);
    Ok(())
}

async fn fail_item(tx: &Transaction<'_>, operation: &operation::Model, item: Item) -> Result<()> {
    let failure = operation
        .error_message
        .clone()
        .unwrap_or_else(|| "Cancelled.".to_owned());
    let failed = [
        (Field::Status, Expr::value(ItemStatus::Failed)),
        (Field::Failure, Expr::value(failure)),
    ];
    change_item(tx, item, &failed).await
}

/// A restore read the item, or was to read it.
async fn read(tx: &mut Transaction<'_>, operation: &operation::Model, item: Item) -> Result<()> {
    if let Item::Backup(id) = item {
        let corrupt = ErrorCode::BackupCorrupt.as_str();
        if operation.status == OperationStatus::Completed {
            verified(tx, id, None).await?;
        } else if operation.error_code.as_deref() == Some(corrupt) {
            let defect = operation.error_message.clone().unwrap_or_default();
            verified(tx, id, Some(defect)).await?;
        }
    }
    read_no_more(tx, operation, item).await
}

/// The item is available again unless another restore still reads it.
async fn read_no_more(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    item: Item,
) -> Result<()> {
    let column = match item {
        Item::Snapshot(id) => {
            let row = snapshot::Entity::find_by_id(id).lock(ROW_LOCK);
            let row = row.select_only().column(snapshot::Column::Id);
            row.into_tuple::<String>().one(tx.db()).await?;
            operation::Column::SnapshotId.eq(id)
        }
        Item::Backup(id) => {
            let row = backup::Entity::find_by_id(id).lock(ROW_LOCK);
            let row = row.select_only().column(backup::Column::Id);
            row.into_tuple::<String>().one(tx.db()).await?;
            operation::Column::BackupId.eq(id)
        }
    };
    let others = operation::Entity::find()
        .filter(column)
        .filter(operation::Column::Id.ne(operation.id))
        .filter(operation::Column::Kind.is_in(OperationKind::RESTORING))
        .filter(operation::Column::Status.eq(OperationStatus::Started))
        .count(tx.db())
        .await?;
    if others > 0 {
        return Ok(());
    }
    let available = [(Field::Status, Expr::value(ItemStatus::Available))];
    change_item(tx, item, &available).await?;
    tx.bill(item, Change::Begins);
    Ok(())
}

/// A restore has read a backup to its end, or found that it is not what was written, and in what.
pub async fn verified(
    tx: &mut Transaction<'_>,
    backup: BackupId,
    defect: Option<String>,
) -> Result<()> {
    use backup::Column;
    let change = if defect.is_none() {
        Change::Begins
    } else {
        Change::Ends
    };
    tx.bill(backup, change);
    backup::Entity::update_many()
        .col_expr(Column::VerifiedAt, Expr::value(tx.now()))
        .col_expr(Column::VerifiedOk, Expr::value(defect.is_none()))
        .col_expr(Column::VerificationMessage, Expr::value(defect))
        .filter(Column::Id.eq(backup))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Takes the lock of a free volume: the one place where it is taken.
pub async fn acquire(
    tx: &mut Transaction<'_>,
    volume: VolumeId,
    operation: OperationId,
    kind: OperationKind,
) -> Result<bool> {
    let taken = volume::Entity::update_many()
        .col_expr(volume::Column::ActiveOperation, Expr::value(kind))
        .col_expr(volume::Column::ActiveOperationId, Expr::value(operation))
        .filter(volume::Column::Id.eq(volume))
        .filter(volume::Column::ActiveOperationId.is_null())
        .exec(tx.db())
        .await?;
    tx.wake(Topic::Volume(volume));
    Ok(taken.rows_affected == 1)
}

async fn update_volume(
    tx: &Transaction<'_>,
    id: VolumeId,
    column: volume::Column,
    value: SimpleExpr,
) -> Result<()> {
    volume::Entity::update_many()
        .col_expr(column, value)
        .filter(volume::Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}
