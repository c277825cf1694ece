//! The agent's last word: done, failed, or stopped.

use entity::{
    backup, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

pub use super::outcome::{Completed, Outcome, Removed};
use super::{
    damage::contain_report,
    effect::{self, image},
    end::{Ending, MAX_MESSAGE_CHARS, end_as_told, requeue, touched},
    late,
    lease::{Agent, Lease},
    state::is_ended,
};
use crate::{
    app::App,
    domain::{Result, text::printable, transaction::Transaction},
    limits::MAX_CHECKSUM_CHARS,
};

/// Ends an operation as its agent says; false when the report came too late to change how it ended.
pub async fn finish(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    outcome: Outcome,
) -> Result<bool> {
    let work = finish_whole(app, hypervisor, lease, outcome);
    let accepted = contain_report(app, hypervisor, lease, Agent::HasStopped, work).await?;
    Ok(accepted.unwrap_or(false))
}

async fn finish_whole(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    outcome: Outcome,
) -> Result<bool> {
    let (mut tx, operation) = Transaction::begin_with_operation(app, lease.operation).await?;
    let theirs = |operation: &operation::Model| {
        operation.hypervisor_id == hypervisor.id && operation.epoch == lease.epoch
    };
    let Some(operation) = operation.filter(theirs) else {
        return Ok(false);
    };
    if is_ended(operation.status) {
        late::confirm_stopped(&mut tx, operation, &outcome).await?;
        tx.commit().await?;
        return Ok(false);
    }
    if operation.status != OperationStatus::Started {
        return Ok(false);
    }
    let actor = format!("agent {}", hypervisor.name);
    let image = outcome.image(&operation);
    let is_refusal = outcome.is_refusal(&operation);
    let operation = match outcome {
        Outcome::Completed(completed) => {
            // Volumes before items: every transaction locks in this order.
            let operation = end_as_told(&mut tx, operation, Ending::Completed, &actor).await?;
            keep(&mut tx, &operation, completed).await?;
            operation
        }
        Outcome::Failed {
            code,
            message,
            volume_touched,
            begun,
            ..
        } => {
            let operation = touched(operation, volume_touched);
            let message = printable(&message, MAX_MESSAGE_CHARS);
            let ending = if is_refusal {
                Ending::refused(&message)
            } else {
                Ending::failed(&operation, code, message, None)
            };
            // What an earlier attempt may have begun, this one cannot have left undone.
            let begun = begun || operation.epoch > 1;
            let operation = end_as_told(&mut tx, operation, ending, &actor).await?;
            if !begun {
                effect::never_begun(&tx, &operation).await?;
            }
            operation
        }
        Outcome::Stopped { volume_touched, .. } => {
            let operation = touched(operation, volume_touched);
            if operation.cancel_requested_at.is_some() {
                end_as_told(&mut tx, operation, Ending::Cancelled, &actor).await?
            } else {
                let operation = handed_back(operation);
                requeue(&mut tx, operation, &actor, "The agent stopped.").await?
            }
        }
    };
    image::settle(&mut tx, &operation, image).await?;
    tx.commit().await?;
    Ok(true)
}

/// An agent that stops in order and says so has used up neither an attempt nor an offer.
fn handed_back(mut operation: operation::Model) -> operation::Model {
    if operation.offers == 0 {
        operation.attempts = (operation.attempts - 1).max(0);
    }
    operation.offers = 0;
    operation
}

/// Keeps what the work yields.
async fn keep(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    completed: Completed,
) -> Result<()> {
    if let (OperationKind::CreateBackup, Some(id)) = (operation.kind, operation.backup_id) {
        let checksum = completed.checksum;
        let checksum = checksum.map(|checksum| printable(&checksum, MAX_CHECKSUM_CHARS));
        backup::Entity::update_many()
            .col_expr(
                backup::Column::StoredBytes,
                Expr::value(completed.stored_bytes),
            )
            .col_expr(backup::Column::Checksum, Expr::value(checksum))
            .filter(backup::Column::Id.eq(id))
            .exec(tx.db())
            .await?;
    }
    image::keep_retained(tx, operation.volume_id, completed.retained).await
}
