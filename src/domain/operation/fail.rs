//! An administrator gives up on an operation.

use entity::{OperationId, Scope, operation::OperationKind};

use super::{
    end::{Ending, end},
    find_locked,
    state::is_ended,
};
use crate::{
    app::App,
    domain::{
        Error, ErrorCode, Requester, Result,
        guard::{Active, Refusal},
        text,
        transaction::Transaction,
    },
};

/// Marks an operation failed. Its volumes are freed at once if no agent holds it, else when the
/// agent confirms that it stopped or its lease is dead.
pub async fn fail(
    app: &App,
    requester: &Requester,
    id: OperationId,
    reason: &str,
) -> Result<entity::operation::Model> {
    let actor = requester.admin()?.email.clone();
    let reason = text::reason(reason)?;
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, Scope::Everything, id).await?;
    if is_ended(operation.status) {
        return Err(Error::invalid("The operation has already ended."));
    }
    let message = format!("Marked failed by an administrator: {reason}");
    let lease = operation.lease_expires_at;
    let code = ErrorCode::FailedByAdministrator;
    let ending = Ending::failed(&operation, code, message, lease);
    tx.wake_agent(operation.hypervisor_id);
    let operation = end(&mut tx, operation, ending, &actor).await?;
    tx.commit().await?;
    Ok(operation)
}

/// Marks failed what no agent can be writing to any more, because what it is about is written off. Refused while an
/// agent holds it.
pub(in crate::domain) async fn abandon(
    tx: &mut Transaction<'_>,
    id: OperationId,
    actor: &str,
) -> Result<()> {
    let mut operation = find_locked(tx, Scope::Everything, id).await?;
    let held_until = operation.lease_expires_at;
    if held_until.is_some_and(|until| until > tx.now()) {
        let kind = operation.kind;
        return Err(Refusal::VolumeBusy(Active { id, kind }).into());
    }
    if is_ended(operation.status) {
        // The cleanup frees what it still holds.
        return Ok(());
    }
    // Nobody can tell whether an agent that was lost had begun to write.
    operation.volume_touched |=
        held_until.is_some() && operation.kind == OperationKind::RestoreInPlace;
    let ending = Ending::Failed {
        code: ErrorCode::FailedByAdministrator,
        message: "What it was about was written off by an administrator.".to_owned(),
        lease: None,
    };
    end(tx, operation, ending, actor).await?;
    Ok(())
}
