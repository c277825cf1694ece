//! Snapshots, backups and volumes on their way somewhere that no operation takes there: its row was removed,
//! or somebody wrote a status by hand. They would stay as they are for ever, and could not even be deleted.

use crate::{
    app::App,
    domain::{
        Result,
        billing::{Billed, Change},
        damage::INCOMPLETE,
        transaction::{ROW_LOCK, Transaction},
        volume::last_backup,
    },
    events::Topic,
};
use entity::{
    VolumeId, backup, operation, operation::OperationStatus, snapshot, snapshot::ItemStatus,
    volume, volume::VolumeState,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Query, SelectStatement, SimpleExpr},
};

/// The statuses of an item that an operation takes somewhere.
pub const UNSETTLED: [ItemStatus; 4] = [
    ItemStatus::Pending,
    ItemStatus::Creating,
    ItemStatus::Restoring,
    ItemStatus::Deleting,
];

/// What is stranded.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Snapshot,
    Backup,
    Volume,
}

/// Lets everything go that no operation takes anywhere: what was only read is available again, the rest has
/// failed and can be deleted.
pub async fn free(app: &App) -> Result<u64> {
    let mut freed = 0;
    for kind in [Kind::Snapshot, Kind::Backup, Kind::Volume] {
        for id in candidates(app, kind).await? {
            match free_one(app, kind, &id).await {
                Ok(count) => freed += count,
                Err(error) if app.damage.is_news(&format!("stranded {id}")) => {
                    tracing::error!(id, ?kind, %error, "what is stranded cannot be freed");
                }
                Err(_) => {}
            }
        }
    }
    Ok(freed)
}

async fn candidates(app: &App, kind: Kind) -> Result<Vec<String>> {
    let db = app.database.reads();
    let ids = match kind {
        Kind::Snapshot => {
            let rows = snapshot::Entity::find().filter(stranded_snapshot());
            let rows = rows.select_only().column(snapshot::Column::Id);
            rows.into_tuple().all(db).await?
        }
        Kind::Backup => {
            let rows = backup::Entity::find().filter(stranded_backup());
            let rows = rows.select_only().column(backup::Column::Id);
            rows.into_tuple().all(db).await?
        }
        Kind::Volume => {
            let rows = volume::Entity::find().filter(stranded_volume());
            let rows = rows.select_only().column(volume::Column::Id);
            rows.into_tuple().all(db).await?
        }
    };
    Ok(ids)
}

/// Locks the row, so that the statement behind sees the operations of whoever held it before.
async fn free_one(app: &App, kind: Kind, id: &str) -> Result<u64> {
    let mut tx = Transaction::begin(app).await?;
    if let Kind::Backup = kind {
        last_backup::hold(&tx, id).await?;
    }
    let volume: Option<String> = match kind {
        Kind::Snapshot => {
            let row = snapshot::Entity::find().filter(snapshot::Column::Id.eq(id));
            let row = row.select_only().column(snapshot::Column::VolumeId);
            row.lock(ROW_LOCK).into_tuple().one(tx.db()).await?
        }
        Kind::Backup => {
            let row = backup::Entity::find().filter(backup::Column::Id.eq(id));
            let row = row.select_only().column(backup::Column::VolumeId);
            row.lock(ROW_LOCK).into_tuple().one(tx.db()).await?
        }
        Kind::Volume => {
            let row = volume::Entity::find().filter(volume::Column::Id.eq(id));
            let row = row.select_only().column(volume::Column::Id);
            row.lock(ROW_LOCK).into_tuple().one(tx.db()).await?
        }
    };
    let freed = match kind {
        Kind::Snapshot => {
            snapshot::Entity::update_many()
                .col_expr(snapshot::Column::Failure, failure("failure"))
                .col_expr(snapshot::Column::Status, settled())
                .filter(snapshot::Column::Id.eq(id))
                .filter(stranded_snapshot())
                .exec(tx.db())
                .await?
        }
        Kind::Backup => {
            backup::Entity::update_many()
                .col_expr(backup::Column::Failure, failure("failure"))
                .col_expr(backup::Column::Status, settled())
                .filter(backup::Column::Id.eq(id))
                .filter(stranded_backup())
                .exec(tx.db())
                .await?
        }
        Kind::Volume => {
            volume::Entity::update_many()
                .col_expr(volume::Column::State, Expr::value(VolumeState::Failed))
                .filter(volume::Column::Id.eq(id))
                .filter(stranded_volume())
                .exec(tx.db())
                .await?
        }
    };
    match kind {
        Kind::Snapshot => tx.bill(Billed::Snapshot(id.to_owned()), Change::Differs),
        Kind::Backup => {
            last_backup::keep(&tx, id).await?;
            tx.bill(Billed::Backup(id.to_owned()), Change::Differs);
        }
        Kind::Volume => {}
    }
    if let Some(volume) = volume.and_then(|id| id.parse::<VolumeId>().ok()) {
        tx.wake(Topic::Volume(volume));
    }
    tx.commit().await?;
    Ok(freed.rows_affected)
}

fn was_read() -> SimpleExpr {
    Expr::col("status").eq(Expr::value(ItemStatus::Restoring))
}

fn settled() -> SimpleExpr {
    Expr::case(was_read(), Expr::value(ItemStatus::Available))
        .finally(Expr::value(ItemStatus::Failed))
        .into()
}

fn failure(column: &'static str) -> SimpleExpr {
    Expr::case(was_read(), Expr::col(column))
        .finally(Expr::value(INCOMPLETE))
        .into()
}

fn stranded_snapshot() -> Condition {
    Condition::all()
        .add(snapshot::Column::Status.is_in(UNSETTLED))
        .add(snapshot::Column::DeletedAt.is_null())
        .add(snapshot::Column::Id.not_in_subquery(in_flight(operation::Column::SnapshotId)))
}

fn stranded_backup() -> Condition {
    Condition::all()
        .add(backup::Column::Status.is_in(UNSETTLED))
        .add(backup::Column::DeletedAt.is_null())
        .add(backup::Column::Id.not_in_subquery(in_flight(operation::Column::BackupId)))
}

fn stranded_volume() -> Condition {
    Condition::all()
        .add(volume::Column::State.is_in([VolumeState::Creating, VolumeState::Deleting]))
        .add(volume::Column::DeletedAt.is_null())
        .add(volume::Column::Id.not_in_subquery(in_flight(operation::Column::VolumeId)))
        .add(volume::Column::Id.not_in_subquery(in_flight(operation::Column::TargetVolumeId)))
}

/// What operations in flight refer to in `column`.
fn in_flight(column: operation::Column) -> SelectStatement {
    Query::select()
        .column(column)
        .from(operation::Entity)
        .cond_where(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .and_where(column.is_not_null())
        .to_owned()
}
