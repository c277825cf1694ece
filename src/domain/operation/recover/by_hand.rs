//! Operations that an administrator ended in the database itself: what the gateway would have done follows.

use entity::{
    OperationId, Scope, backup, operation, operation::OperationStatus,
    operation_event::OperationEventKind, snapshot, volume,
};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, Query, SelectStatement, UnionType},
};

use super::{alive, judged, repair};
use crate::{
    app::App,
    domain::{
        ErrorCode, Result,
        operation::{
            damage::ids,
            effect::image,
            end::{Ending, settle},
            find_locked,
            state::is_ended,
            stranded::UNSETTLED,
            timeline,
        },
        transaction::Transaction,
    },
};

/// An administrator set the status of a row by hand: what the gateway would have done follows.
pub(super) async fn settle_all(app: &App) -> Result<u64> {
    let by_hand = operation::Entity::find()
        .filter(operation::Column::Status.is_not_in(OperationStatus::IN_FLIGHT))
        .filter(operation::Column::Id.in_subquery(unsettled()));
    let mut settled = 0;
    for id in ids(app, by_hand).await? {
        settled += u64::from(repair(app, id, settle_one(app, id)).await);
    }
    Ok(settled)
}

async fn settle_one(app: &App, id: OperationId) -> Result<bool> {
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, Scope::Everything, id).await?;
    if !is_ended(operation.status) || has_settled(&tx, &operation).await? {
        return Ok(false);
    }
    let operation = judged(operation, tx.now());
    let message = operation
        .error_message
        .clone()
        .unwrap_or_else(|| "Marked failed by hand in the database.".to_owned());
    let lease = alive(&operation, tx.now());
    let code = ErrorCode::FailedByAdministrator;
    let ending = Ending::failed(&operation, code, message, lease);
    tx.wake_agent(operation.hypervisor_id);
    // Whatever was written there, the work was not seen to be done.
    let failed = OperationStatus::Failed;
    let settled = settle(&mut tx, operation, failed, ending, "database").await?;
    image::in_doubt(&mut tx, &settled).await?;
    tx.commit().await?;
    Ok(true)
}

/// The operations that something still waits for: their end has no time; or an item is on its way somewhere; or they failed and
/// hold a volume. Most of them are in flight, and few are not: whoever ended those by hand may have set the time of their end as
/// well. There are many more that have ended, so none of it begins with those.
fn unsettled() -> SelectStatement {
    let mut unfinished = Query::select();
    unfinished
        .column(operation::Column::Id)
        .from(operation::Entity)
        .and_where(operation::Column::FinishedAt.is_null());
    let of_snapshots = Query::select()
        .column(snapshot::Column::OperationId)
        .from(snapshot::Entity)
        .cond_where(snapshot::Column::Status.is_in(UNSETTLED))
        .and_where(snapshot::Column::DeletedAt.is_null())
        .to_owned();
    let of_backups = Query::select()
        .column(backup::Column::OperationId)
        .from(backup::Entity)
        .cond_where(backup::Column::Status.is_in(UNSETTLED))
        .and_where(backup::Column::DeletedAt.is_null())
        .to_owned();
    let of_volumes = Query::select()
        .column((volume::Entity, volume::Column::ActiveOperationId))
        .from(volume::Entity)
        .inner_join(
            operation::Entity,
            Expr::col((operation::Entity, operation::Column::Id))
                .equals((volume::Entity, volume::Column::ActiveOperationId)),
        )
        .and_where(volume::Column::ActiveOperationId.is_not_null())
        .and_where(operation::Column::Status.eq(OperationStatus::Failed))
        .to_owned();
    unfinished
        .union(UnionType::All, of_snapshots)
        .union(UnionType::All, of_backups)
        .union(UnionType::All, of_volumes)
        .to_owned()
}

/// Whether the gateway itself has ended an operation: then its timeline says so.
async fn has_settled(tx: &Transaction<'_>, operation: &operation::Model) -> Result<bool> {
    let ends = [
        OperationEventKind::Completed,
        OperationEventKind::Failed,
        OperationEventKind::Cancelled,
    ];
    timeline::has(tx, operation.id, &ends).await
}
