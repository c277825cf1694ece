//! An agent takes the operations that wait for it.

use entity::{
    OperationId, Scope, hypervisor, operation, operation::OperationKind,
    operation_event::OperationEventKind,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::{
    damage::{self, contain},
    effect, find_locked,
    state::{LONG, Transition, advance, next},
    turn::{self, Room},
};
use crate::{
    app::App,
    domain::{Result, transaction::Transaction},
};

/// The most operations that one claim looks at: those that cannot be started are passed over.
const MAX_TRIED: usize = 300;

/// Starts up to `limit` pending operations of this hypervisor, the accounts in turn ([`turn`]). Each is held
/// by a lease of its next epoch.
pub async fn claim(
    app: &App,
    hypervisor: &hypervisor::Model,
    limit: u64,
) -> Result<Vec<operation::Model>> {
    let mut room = Room::of(app, hypervisor, limit).await?;
    let mut claimed = Vec::new();
    let mut tried = Vec::new();
    while room.places > 0 && tried.len() < MAX_TRIED {
        let Some(candidate) = turn::next(app, hypervisor.id, room, &tried).await? else {
            break;
        };
        let started = match damage::id(app, &candidate).await {
            Ok(Some(id)) => contain(app, id, start(app, hypervisor, id)).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match started {
            Ok(Some(Some(started))) => {
                room.places -= 1;
                if LONG.contains(&started.kind) {
                    room.long = room.long.saturating_sub(1);
                }
                claimed.push(started);
            }
            Ok(_) => {}
            // Those before it are the agent's by now, and it has to hear of them.
            Err(error) if !claimed.is_empty() => {
                tracing::error!(operation = candidate, %error, "an operation cannot be claimed");
                break;
            }
            Err(error) => return Err(error),
        }
        tried.push(candidate);
    }
    Ok(claimed)
}

async fn start(
    app: &App,
    hypervisor: &hypervisor::Model,
    candidate: OperationId,
) -> Result<Option<operation::Model>> {
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, Scope::Everything, candidate).await?;
    if next(operation.status, Transition::Claim).is_none() {
        // Cancelled or failed since it was read.
        return Ok(None);
    }
    let now = tx.now();
    let mut started = operation.clone().into_active_model();
    started.status = Set(advance(operation.status, Transition::Claim)?);
    started.epoch = Set(operation.epoch + 1);
    started.lease_expires_at = Set(Some(now + app.settings.lease));
    started.started_at = Set(Some(operation.started_at.unwrap_or(now)));
    started.phase = Set(first_phase(operation.kind).to_owned());
    let operation = started.update(tx.db()).await?;
    effect::started(&tx, &operation).await?;
    turn::take(&tx, hypervisor.id, operation.account_id).await?;
    let attempt = (operation.epoch > 1).then(|| format!("Attempt {}.", operation.epoch));
    tx.record(
        &operation,
        OperationEventKind::Started,
        &format!("agent {}", hypervisor.name),
        attempt,
    );
    tx.commit().await?;
    Ok(Some(operation))
}

/// What goes on until the agent reports its first phase.
fn first_phase(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::CreateSnapshot => "Taking the snapshot",
        OperationKind::CreateBackup => "Preparing the export",
        OperationKind::RestoreInPlace | OperationKind::RestoreToNewVolume => {
            "Preparing the restore"
        }
        OperationKind::DeleteSnapshot
        | OperationKind::DeleteBackup
        | OperationKind::DeleteVolume => "Deleting",
        OperationKind::CreateVolume => "Creating the volume",
    }
}
