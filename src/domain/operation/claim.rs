//! An agent takes the operations that wait for it.

use std::collections::{HashMap, HashSet};

use entity::{
    OperationId, Scope, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, Iterable, QueryFilter,
    sea_query::{CaseStatement, Expr, Func, SimpleExpr},
};

use super::{
    damage::{self, contain},
    effect, find_locked,
    lease::Lease,
    turn::{self, Candidate, Held, Room},
};
use crate::{
    app::App,
    domain::{Result, joined::is_one_of, transaction::Transaction},
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
    let held = turn::held(app, hypervisor.id).await?;
    let mut claimed = match holding {
        Some(holding) => offer_again(app, hypervisor, limit, &held, holding).await?,
        None => Vec::new(),
    };
    let offered = u64::try_from(claimed.len()).unwrap_or(u64::MAX);
    let mut room = Room::of(&held, limit.saturating_sub(offered));
    let mut tried = Vec::new();
    while room.places > 0 && tried.len() < MAX_TRIED {
        let round = turn::next(app, hypervisor.id, room, &tried).await?;
        let Round { chosen, is_last } = Round::of(round, room);
        if chosen.is_empty() {
            break;
        }
        match start_all(app, hypervisor, &chosen).await {
            Ok(started) => {
                let long = started
                    .iter()
                    .filter(|one| OperationKind::LONG.contains(&one.kind));
                let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                room.long = room.long.saturating_sub(count(long.count()));
                room.places = room.places.saturating_sub(count(started.len()));
                let is_complete = started.len() == chosen.len();
                claimed.extend(started);
                if is_last && is_complete {
                    break;
                }
                if !is_complete {
                    tried.extend(chosen);
                }
            }
            // Those before it are the agent's by now, and it has to hear of them.
            Err(error) if !claimed.is_empty() => {
                tracing::error!(?chosen, %error, "operations cannot be claimed");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

/// One operation of each account that waits, as far as there is room.
struct Round {
    chosen: Vec<String>,
    /// Nothing else waits that there would be room for.
    is_last: bool,
}

impl Round {
    fn of(candidates: Vec<Candidate>, room: Room) -> Self {
        let (mut places, mut long) = (room.places, room.long);
        let mut round = Self {
            chosen: Vec::new(),
            is_last: true,
        };
        for candidate in candidates {
            // Whose turn it is may have something quick instead of what there is no room for.
            let is_held_up = candidate.is_long() && long == 0 && room.long > 0;
            if places == 0 || is_held_up {
                round.is_last = places == 0;
                break;
            }
            places -= 1;
            long = long.saturating_sub(u64::from(candidate.is_long()));
            round.is_last &= !candidate.has_more;
            round.chosen.push(candidate.id);
        }
        round
    }
}

/// Starts what waits, all of it together; one by one where that meets what cannot be started.
async fn start_all(
    app: &App,
    hypervisor: &hypervisor::Model,
    chosen: &[String],
) -> Result<Vec<operation::Model>> {
    let mut ids = Vec::with_capacity(chosen.len());
    for text in chosen {
        ids.extend(damage::id(app, text).await?);
    }
    if ids.len() > 1 {
        match start(app, hypervisor, &ids).await {
            Ok(started) => return Ok(started),
            Err(error) => {
                tracing::debug!(%error, "operations cannot be started together");
            }
        }
    }
    let (mut started, mut failed) = (Vec::with_capacity(ids.len()), None);
    for id in ids {
        match contain(app, id, start(app, hypervisor, &[id])).await {
            Ok(one) => started.extend(one.into_iter().flatten()),
            // It holds up nobody else: an operation may be in the way of this one only, or for this moment only.
            Err(error) => {
                tracing::error!(operation = %id, %error, "an operation cannot be claimed");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if started.is_empty() => Err(error),
        _ => Ok(started),
    }
}

/// Offers again what never arrived, with the next epoch: whatever the answer that was lost may still do changes
/// nothing.
async fn offer_again(
    app: &App,
    hypervisor: &hypervisor::Model,
    limit: u64,
    held: &[Held],
    holding: &[Lease],
) -> Result<Vec<operation::Model>> {
    let holding: HashSet<String> = holding
        .iter()
        .map(|lease| lease.operation.to_string())
        .collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let unanswered = held
        .iter()
        .filter(|held| held.is_unanswered && !holding.contains(&held.id));
    let mut offered = Vec::new();
    for held in unanswered.take(limit) {
        if let Some(id) = damage::id(app, &held.id).await? {
            let again = contain(app, id, offer_one_again(app, hypervisor, id)).await?;
            offered.extend(again.flatten());
        }
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

/// Starts what still waits of these operations, of which no two are of one account.
async fn start(
    app: &App,
    hypervisor: &hypervisor::Model,
    ids: &[OperationId],
) -> Result<Vec<operation::Model>> {
    use operation::Column;
    let mut tx = Transaction::begin(app).await?;
    let now = tx.now();
    let next = |column: Column| Expr::col(column).add(1);
    let started = operation::Entity::update_many()
        .col_expr(Column::Status, Expr::value(OperationStatus::Started))
        .col_expr(Column::Revision, next(Column::Revision))
        .col_expr(Column::Epoch, next(Column::Epoch))
        .col_expr(Column::Offers, next(Column::Offers))
        .col_expr(
            Column::LeaseExpiresAt,
            Expr::value(now + app.settings.lease),
        )
        .col_expr(
            Column::StartedAt,
            Func::coalesce([Expr::col(Column::StartedAt), Expr::value(now)]).into(),
        )
        .col_expr(Column::Phase, first_phases())
        .filter(is_one_of(app.database.backend(), Column::Id, ids))
        // What was cancelled or failed since it was read is not.
        .filter(Column::Status.eq(OperationStatus::Pending))
        .exec_with_returning(tx.db())
        .await?;
    if started.is_empty() {
        return Ok(started);
    }
    // In the order of their turns, whatever order they were written in.
    let mut by_id: HashMap<_, _> = started.into_iter().map(|one| (one.id, one)).collect();
    let started: Vec<_> = ids.iter().filter_map(|id| by_id.remove(id)).collect();
    effect::started(&mut tx, &started).await?;
    let accounts: Vec<_> = started.iter().map(|one| one.account_id).collect();
    turn::take(&tx, hypervisor.id, &accounts).await?;
    let actor = format!("agent {}", hypervisor.name);
    for operation in &started {
        let attempt = (operation.epoch > 1).then(|| format!("Attempt {}.", operation.epoch));
        tx.record(operation, OperationEventKind::Started, &actor, attempt);
    }
    tx.commit().await?;
    Ok(started)
}

/// What goes on until the agent reports its first phase, by the kind of the row.
fn first_phases() -> SimpleExpr {
    let mut phases = CaseStatement::new();
    for kind in OperationKind::iter() {
        let is_it = Expr::col(operation::Column::Kind).eq(Expr::value(kind));
        phases = phases.case(is_it, Expr::value(first_phase(kind)));
    }
    phases.finally(Expr::col(operation::Column::Phase)).into()
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
