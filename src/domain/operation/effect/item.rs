//! Snapshots and backups alike: the columns that they share, and how these are written.

use entity::{
    BackupId, OperationId, SnapshotId, backup, operation, snapshot, snapshot::ItemStatus,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};

use crate::domain::{Error, Result, billing::Billed, joined::is_one_of, transaction::Transaction};

/// The item of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A backup.
    Backup(BackupId),
}

impl Item {
    /// The item that `operation` makes, reads or deletes.
    pub fn of(operation: &operation::Model) -> Option<Self> {
        operation
            .snapshot_id
            .map(Self::Snapshot)
            .or_else(|| operation.backup_id.map(Self::Backup))
    }
}

impl From<Item> for Billed {
    fn from(item: Item) -> Self {
        match item {
            Item::Snapshot(id) => id.into(),
            Item::Backup(id) => id.into(),
        }
    }
}

/// The columns that snapshots and backups share.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// `status`.
    Status,
    /// `available_at`.
    AvailableAt,
    /// `failure`.
    Failure,
    /// `deleted_at`.
    DeletedAt,
    /// `on_storage`.
    OnStorage,
    /// `operation_id`.
    Operation,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::AvailableAt => "available_at",
            Self::Failure => "failure",
            Self::DeletedAt => "deleted_at",
            Self::OnStorage => "on_storage",
            Self::Operation => "operation_id",
        }
    }
}

/// Changes columns that snapshots and backups share, of an item that has to be there.
pub async fn update_item(
    tx: &Transaction<'_>,
    item: Item,
    changes: &[(Field, SimpleExpr)],
) -> Result<()> {
    if write_item(tx, item, changes, Condition::all()).await? == 1 {
        Ok(())
    } else {
        Err(Error::Broken(format!("{item:?} is gone")))
    }
}

/// The same of several at once.
pub async fn update_items(
    tx: &Transaction<'_>,
    items: &[Item],
    changes: &[(Field, SimpleExpr)],
) -> Result<()> {
    let snapshots = items.iter().filter_map(|item| match item {
        Item::Snapshot(id) => Some(*id),
        Item::Backup(_) => None,
    });
    let backups = items.iter().filter_map(|item| match item {
        Item::Backup(id) => Some(*id),
        Item::Snapshot(_) => None,
    });
    let snapshots: Vec<_> = snapshots.collect();
    let backups: Vec<_> = backups.collect();
    let backend = tx.db().get_database_backend();
    let mut written = 0;
    if !snapshots.is_empty() {
        let mut update = snapshot::Entity::update_many();
        for (field, value) in changes {
            update = update.col_expr(field.name(), value.clone());
        }
        let these = is_one_of(backend, snapshot::Column::Id, &snapshots);
        written += update.filter(these).exec(tx.db()).await?.rows_affected;
    }
    if !backups.is_empty() {
        let mut update = backup::Entity::update_many();
        for (field, value) in changes {
            update = update.col_expr(field.name(), value.clone());
        }
        let these = is_one_of(backend, backup::Column::Id, &backups);
        written += update.filter(these).exec(tx.db()).await?.rows_affected;
    }
    if usize::try_from(written).is_ok_and(|written| written == items.len()) {
        Ok(())
    } else {
        Err(Error::Broken(format!("one of {items:?} is gone")))
    }
}

/// The same of one whose row may have been removed by hand: then there is nothing to change.
pub async fn change_item(
    tx: &Transaction<'_>,
    item: Item,
    changes: &[(Field, SimpleExpr)],
) -> Result<()> {
    write_item(tx, item, changes, Condition::all()).await?;
    Ok(())
}

/// The same of one that has failed by `operation`, and only if nothing was done with it since; whether that was so.
pub async fn change_failed(
    tx: &Transaction<'_>,
    item: Item,
    operation: OperationId,
    changes: &[(Field, SimpleExpr)],
) -> Result<bool> {
    let column = |field: Field| Expr::col(field.name());
    let failed_by_it = Condition::all()
        .add(column(Field::Operation).eq(Expr::value(operation)))
        .add(column(Field::Status).eq(Expr::value(ItemStatus::Failed)))
        .add(column(Field::DeletedAt).is_null());
    Ok(write_item(tx, item, changes, failed_by_it).await? == 1)
}

async fn write_item(
    tx: &Transaction<'_>,
    item: Item,
    changes: &[(Field, SimpleExpr)],
    condition: Condition,
) -> Result<u64> {
    let written = match item {
        Item::Snapshot(id) => {
            let mut update = snapshot::Entity::update_many().filter(snapshot::Column::Id.eq(id));
            for (field, value) in changes {
                update = update.col_expr(field.name(), value.clone());
            }
            update.filter(condition).exec(tx.db()).await?
        }
        Item::Backup(id) => {
            let mut update = backup::Entity::update_many().filter(backup::Column::Id.eq(id));
            for (field, value) in changes {
                update = update.col_expr(field.name(), value.clone());
            }
            update.filter(condition).exec(tx.db()).await?
        }
    };
    Ok(written.rows_affected)
}
