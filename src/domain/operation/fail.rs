//! An administrator gives up on an operation.

use entity::{OperationId, Scope};

use super::{
    find_locked,
    finish::{Ending, end},
    state::is_ended,
};
use crate::{
    app::App,
    domain::{Error, ErrorCode, Requester, Result, text, transaction::Transaction},
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
    let ending = Ending::Failed {
        code: ErrorCode::TimedOut,
        message: format!("Marked failed by an administrator: {reason}"),
        lease: operation.lease_expires_at,
    };
    tx.wake_agent(operation.hypervisor_id);
    let operation = end(&mut tx, operation, ending, &actor).await?;
    tx.commit().await?;
    Ok(operation)
}
