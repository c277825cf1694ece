//! A requester wants a snapshot, backup or restore no more.

use entity::{
    OperationId, operation,
    operation::{OperationKind, OperationStatus},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::{
    end::{Ending, end},
    find_locked,
    state::is_ended,
};
use crate::{
    app::App,
    domain::{Error, Requester, Result, transaction::Transaction},
};

/// Cancels a pending operation at once; asks the agent of a started one to stop, which then ends
/// it. Cancelling again changes nothing.
pub async fn cancel(app: &App, requester: &Requester, id: OperationId) -> Result<operation::Model> {
    let scope = requester.scope()?;
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, scope, id).await?;
    if !OperationKind::PROTECTING.contains(&operation.kind) {
        return Err(Error::invalid(
            "Only snapshots, backups and restores can be cancelled.",
        ));
    }
    let asked_before = operation.cancel_requested_at.is_some();
    if operation.status == OperationStatus::Cancelled || asked_before && !is_ended(operation.status)
    {
        return Ok(operation);
    }
    if is_ended(operation.status) {
        return Err(Error::invalid("The operation has already ended."));
    }
    let operation = if operation.status == OperationStatus::Pending {
        end(&mut tx, operation, Ending::Cancelled, &requester.actor()).await?
    } else {
        tx.wake_agent(operation.hypervisor_id);
        let mut asked = operation.into_active_model();
        asked.cancel_requested_at = Set(Some(tx.now()));
        let operation = asked.update(tx.db()).await?;
        tx.touch(&operation);
        operation
    };
    tx.commit().await?;
    Ok(operation)
}
