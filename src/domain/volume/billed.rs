//! Marks what is billed of a volume, all of it at once.

use entity::{VolumeId, backup, snapshot};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{
    Result,
    billing::{Billed, Change},
    transaction::{ROW_LOCK, Transaction},
};

/// Locks `snapshots`, and marks them.
pub async fn bill_snapshots(
    tx: &mut Transaction<'_>,
    snapshots: Condition,
    change: Change,
) -> Result<()> {
    let ids: Vec<String> = snapshot::Entity::find()
        .select_only()
        .column(snapshot::Column::Id)
        .filter(snapshots)
        .order_by_asc(snapshot::Column::Id)
        .lock(ROW_LOCK)
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in ids {
        tx.bill(Billed::Snapshot(id), change);
    }
    Ok(())
}

/// Locks the backups of a volume, and marks them.
pub async fn bill_backups(
    tx: &mut Transaction<'_>,
    volume: VolumeId,
    change: Change,
) -> Result<()> {
    let ids: Vec<String> = backup::Entity::find()
        .select_only()
        .column(backup::Column::Id)
        .filter(backup::Column::VolumeId.eq(volume))
        .filter(backup::Column::DeletedAt.is_null())
        .order_by_asc(backup::Column::Id)
        .lock(ROW_LOCK)
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in ids {
        tx.bill(Billed::Backup(id), change);
    }
    Ok(())
}
