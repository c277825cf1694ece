//! An agent takes the operations that wait for it.

use entity::{
    OperationId, Scope, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{
    damage::{self, contain},
    effect, find_locked,
    lease::Lease,
    state::{Transition, advance, next},
    turn::{self, Room},
};
use crate::{
    app::App,
    domain::{Result, transaction::Transaction},
};

/// How often an operation is offered to an agent that says no word of it.
pub const MAX_OFFERS: i32 = 5;
/// The most operations that one claim looks at: those that cannot be started are passed over.
const MAX_TRIED: usize = 300;

/// Starts up to `limit` pending operations of this hypervisor, the accounts in turn ([`turn`]). Each is held
/// by a lease of its next epoch.
///
/// What was given to the agent before, that it said no word of and does not hold, never arrived: that is
/// offered again first. An agent that does not say what it is `holding` is offered it when its lease is over.
pub async fn claim(
    app: &App,
    hypervisor: &hypervisor::Model,
    limit: u64,
    holding: Option<&[Lease]>,
) -> Result<Vec<operation::Model>> {
    let mut claimed = match holding {
        Some(holding) => offer_again(app, hypervisor, limit, holding).await?,
        None => Vec::new(),
    };
    let offered = u64::try_from(claimed.len()).unwrap_or(u64::MAX);
    let mut room = Room::of(app, hypervisor, limit.saturating_sub(offered)).await?;
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
                if OperationKind::LONG.contains(&started.kind) {
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

/// Offers again what never arrived, with the next epoch: whatever the answer that was lost may still do changes
/// nothing.
async fn offer_again(
    app: &App,
    hypervisor: &hypervisor::Model,
    limit: u64,
    holding: &[Lease],
) -> Result<Vec<operation::Model>> {
    let unanswered = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(hypervisor.id))
        .filter(operation::Column::Status.eq(OperationStatus::Started))
        .filter(operation::Column::Offers.gt(0))
        .filter(operation::Column::Id.is_not_in(holding.iter().map(|lease| lease.operation)))
        .order_by_asc(operation::Column::Id)
        .limit(limit);
    let mut offered = Vec::new();
    for id in damage::ids(app, unanswered).await? {
        let again = contain(app, id, offer_one_again(app, hypervisor, id)).await?;
        offered.extend(again.flatten());
    }
    Ok(offered)
}

async fn offer_one_again(
    app: &App,
    hypervisor: &hypervisor::Model,
    id: OperationId,
) -> Result<Option<operation::Model>> {
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, Scope::Everything, id).await?;
    let unanswered = operation.status == OperationStatus::Started && operation.offers > 0;
    if !unanswered || operation.offers >= MAX_OFFERS {
        // It has been heard of since; or its lease ends it.
        return Ok(None);
    }
    let mut again = operation.clone().into_active_model();
    again.epoch = Set(operation.epoch + 1);
    again.offers = Set(operation.offers + 1);
    again.lease_expires_at = Set(Some(tx.now() + app.settings.lease));
    let operation = again.update(tx.db()).await?;
    tx.record(
        &operation,
        OperationEventKind::Started,
        &format!("agent {}", hypervisor.name),
        Some(format!(
            "Offer {}: the one before did not arrive.",
            operation.offers
        )),
    );
    tx.commit().await?;
    Ok(Some(operation))
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
    started.revision = Set(operation.revision + 1);
    started.epoch = Set(operation.epoch + 1);
    started.offers = Set(operation.offers + 1);
    started.lease_expires_at = Set(Some(now + app.settings.lease));
    started.started_at = Set(Some(operation.started_at.unwrap_or(now)));
    started.phase = Set(first_phase(operation.kind).to_owned());
    let operation = started.update(tx.db()).await?;
    effect::started(&mut tx, &operation).await?;
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
