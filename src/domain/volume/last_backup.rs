//! When the newest backup of a volume was asked for that it could be restored from: a column that is kept, so that lists are
//! ordered and narrowed by it.
//!
//! Whatever changes what a backup is holds its volume first, as volumes are locked before items, and keeps the column
//! afterwards.

use chrono::{DateTime, Utc};
use entity::{backup, snapshot::ItemStatus, volume};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Value,
    sea_query::{Expr, Func, Query, SelectStatement},
};

use crate::domain::{
    Result,
    transaction::{ROW_LOCK, Transaction},
};

/// Before all backups: what the column holds where there is none.
pub const NEVER: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// What can be restored from, one that is being deleted included: it may stay.
const GOOD: [ItemStatus; 3] = [
    ItemStatus::Available,
    ItemStatus::Restoring,
    ItemStatus::Deleting,
];

/// Locks the volume that the backup `id` was made of, deleted or not.
pub async fn hold(tx: &Transaction<'_>, id: impl Into<Value>) -> Result<()> {
    volume::Entity::find()
        .select_only()
        .column(volume::Column::Id)
        .filter(volume::Column::Id.in_subquery(volume_of(id)))
        .lock(ROW_LOCK)
        .into_tuple::<String>()
        .one(tx.db())
        .await?;
    Ok(())
}

/// Sets the column anew for the volume that the backup `id` was made of, which is held.
pub async fn keep(tx: &Transaction<'_>, id: impl Into<Value>) -> Result<()> {
    let newest = Query::select()
        .expr(Expr::col((backup::Entity, backup::Column::CreatedAt)).max())
        .from(backup::Entity)
        .and_where(
            Expr::col((backup::Entity, backup::Column::VolumeId))
                .equals((volume::Entity, volume::Column::Id)),
        )
        .and_where(backup::Column::Status.is_in(GOOD))
        .and_where(backup::Column::Failure.is_null())
        .and_where(backup::Column::DeletedAt.is_null())
        // One that a restore found corrupt is none.
        .and_where(
            backup::Column::VerifiedOk
                .is_null()
                .or(backup::Column::VerifiedOk.eq(true)),
        )
        .to_owned();
    let newest = Expr::from(Func::coalesce([Expr::from(newest), Expr::value(NEVER)]));
    let kept = Expr::col((volume::Entity, volume::Column::LastBackupAt));
    // A row that stays as it is is not written: PostgreSQL looks again at what one refers to that is written twice.
    volume::Entity::update_many()
        .col_expr(volume::Column::LastBackupAt, newest.clone())
        .filter(kept.ne(newest))
        .filter(volume::Column::Id.in_subquery(volume_of(id)))
        .exec(tx.db())
        .await?;
    Ok(())
}

fn volume_of(backup: impl Into<Value>) -> SelectStatement {
    Query::select()
        .column(backup::Column::VolumeId)
        .from(backup::Entity)
        .and_where(backup::Column::Id.eq(backup))
        .to_owned()
}
