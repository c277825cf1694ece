//! The cleanup: dead leases, missed deadlines, rows that were failed by hand, locks left over.
//!
//! It takes no input, may run at any time and in any number of gateways: each repair is a
//! transaction that checks again, under the row's lock, what it repairs. What is damaged costs its own
//! operation only ([`super::damage`]).

mod by_hand;

use chrono::{DateTime, Utc};
use entity::{
    OperationId, Scope, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    volume,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Query},
};

use super::{
    claim::MAX_OFFERS,
    damage::{contain, ids},
    deadline,
    effect::{self, image},
    end::{Ending, end, requeue},
    find_locked,
    state::is_ended,
    stranded, turn,
};
use crate::{
    app::App,
    domain::{
        ErrorCode, Result,
        transaction::{ROW_LOCK, Transaction},
    },
    events::Topic,
};

/// Who did it, in the timeline.
const ACTOR: &str = "tidemark";

/// What one run repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Operations whose agent was lost.
    pub lost: u64,
    /// Operations past their deadline.
    pub timed_out: u64,
    /// Operations that were ended by hand in the database.
    pub by_hand: u64,
    /// Locks without an operation in flight.
    pub locks: u64,
    /// Snapshots, backups and volumes on their way somewhere that no operation takes there.
    pub stranded: u64,
}

/// Repairs all there is to repair. Each repair stands alone: what cannot be repaired stops no other.
pub async fn recover(app: &App) -> Result<Repaired> {
    let clamped = clamp(app).await;
    let timed_out = fail_overdue(app).await;
    let lost = lose_dead_leases(app).await;
    let by_hand = by_hand::settle_all(app).await;
    let locks = free_locks(app).await;
    let stranded = stranded::free(app).await;
    let forgotten = turn::forget(app).await;
    clamped?;
    forgotten?;
    Ok(Repaired {
        timed_out: timed_out?,
        lost: lost?,
        by_hand: by_hand?,
        locks: locks?,
        stranded: stranded?,
    })
}

/// Repairs one operation; whether there was something to repair. What fails now may succeed the next time.
async fn repair(
    app: &App,
    id: OperationId,
    work: impl Future<Output = Result<bool>> + Send,
) -> bool {
    match contain(app, id, work).await {
        Ok(repaired) => repaired.unwrap_or_default(),
        Err(error) => {
            tracing::error!(operation = %id, %error, "an operation cannot be repaired now");
            false
        }
    }
}

/// The agent of `hypervisor` has started anew and holds its host: whatever an earlier process of it
/// worked on has stopped.
pub async fn restarted(app: &App, hypervisor: &hypervisor::Model) -> Result<()> {
    let held = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(hypervisor.id))
        .filter(operation::Column::LeaseExpiresAt.is_not_null());
    for id in ids(app, held).await? {
        repair(app, id, lose(app, id, |_, _| true)).await;
    }
    Ok(())
}

/// A clock that was set back must not keep a volume resting, or a lease alive, for longer than the
/// settings say, nor an operation its deadline: what lies too far ahead is brought near.
async fn clamp(app: &App) -> Result<()> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let latest = now + app.settings.cooldown;
    volume::Entity::update_many()
        .col_expr(volume::Column::CooldownEndsAt, Expr::value(latest))
        .filter(volume::Column::CooldownEndsAt.gt(latest))
        .exec(db)
        .await?;
    let latest = now + app.settings.lease;
    operation::Entity::update_many()
        .col_expr(operation::Column::LeaseExpiresAt, Expr::value(latest))
        .filter(operation::Column::LeaseExpiresAt.gt(latest))
        .exec(db)
        .await?;
    let ahead = operation::Entity::find()
        .filter(operation::Column::CreatedAt.gt(now))
        .filter(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .all(app.database.reads())
        .await?;
    for operation in ahead {
        let patience = deadline(&operation, &app.settings) - operation.created_at;
        operation::Entity::update_many()
            .col_expr(operation::Column::CreatedAt, Expr::value(now))
            .col_expr(operation::Column::DeadlineAt, Expr::value(now + patience))
            .filter(operation::Column::Id.eq(operation.id))
            .filter(operation::Column::CreatedAt.eq(operation.created_at))
            .exec(db)
            .await?;
    }
    Ok(())
}

async fn fail_overdue(app: &App) -> Result<u64> {
    let now = app.clock.now(app.database.reads()).await?;
    let by_the_settings = Condition::all()
        .add(operation::Column::DeadlineAt.is_null())
        .add(operation::Column::CreatedAt.lte(now - app.settings.deadline));
    let overdue = operation::Entity::find()
        .filter(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .filter(
            Condition::any()
                .add(operation::Column::DeadlineAt.lte(now))
                .add(by_the_settings),
        );
    let mut failed = 0;
    for id in ids(app, overdue).await? {
        failed += u64::from(repair(app, id, fail_one(app, id)).await);
    }
    Ok(failed)
}

async fn fail_one(app: &App, id: OperationId) -> Result<bool> {
    let mut tx = Transaction::begin(app).await?;
    let operation = find_locked(&tx, Scope::Everything, id).await?;
    if is_ended(operation.status) {
        return Ok(false);
    }
    let patience = deadline(&operation, &app.settings) - operation.created_at;
    let operation = judged(operation, tx.now());
    let message = format!("Did not end within {} seconds.", patience.num_seconds());
    let lease = alive(&operation, tx.now());
    let ending = Ending::failed(&operation, ErrorCode::TimedOut, message, lease);
    tx.wake_agent(operation.hypervisor_id);
    end(&mut tx, operation, ending, ACTOR).await?;
    tx.commit().await?;
    Ok(true)
}

/// While a server of the database was away nobody could renew a lease: none is lost until the server has been there for
/// as long as one lasts.
async fn lose_dead_leases(app: &App) -> Result<u64> {
    let db = app.database.reads();
    let up_for = app.clock.up_for(db).await?;
    if up_for.is_some_and(|up_for| up_for < app.settings.lease) {
        return Ok(0);
    }
    let now = app.clock.now(db).await?;
    let dead = operation::Entity::find().filter(operation::Column::LeaseExpiresAt.lte(now));
    let mut lost = 0;
    for id in ids(app, dead).await? {
        let work = lose(app, id, |operation, now| alive(operation, now).is_none());
        lost += u64::from(repair(app, id, work).await);
    }
    Ok(lost)
}

/// Ends a lease: the operation waits for another attempt, or has had its last one.
async fn lose(
    app: &App,
    id: OperationId,
    is_dead: impl FnOnce(&operation::Model, DateTime<Utc>) -> bool,
) -> Result<bool> {
    let mut tx = Transaction::begin(app).await?;
    let mut operation = find_locked(&tx, Scope::Everything, id).await?;
    if operation.lease_expires_at.is_none() || !is_dead(&operation, tx.now()) {
        return Ok(false);
    }
    operation.lease_expires_at = None;
    // Nobody can tell whether it had begun to write.
    operation.volume_touched |= operation.kind == OperationKind::RestoreInPlace;
    if is_ended(operation.status) {
        stop(&mut tx, operation).await?;
        tx.commit().await?;
        return Ok(false);
    }
    if operation.cancel_requested_at.is_some() {
        end(&mut tx, operation, Ending::Cancelled, ACTOR).await?;
    } else if let Some(message) = given_up(&operation, app.settings.max_attempts) {
        let ending = Ending::failed(&operation, ErrorCode::AgentLost, message, None);
        end(&mut tx, operation, ending, ACTOR).await?;
    } else if operation.offers > 0 {
        requeue(&mut tx, operation, ACTOR, "The agent did not take it up.").await?;
    } else {
        requeue(&mut tx, operation, ACTOR, "The agent was lost.").await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Why an operation whose agent was lost is not given to one again.
fn given_up(operation: &operation::Model, max_attempts: u32) -> Option<String> {
    if operation.offers > 0 {
        return (operation.offers >= MAX_OFFERS)
            .then(|| format!("The hypervisor's agent did not take it up in {MAX_OFFERS} offers."));
    }
    (i64::from(operation.attempts) >= i64::from(max_attempts))
        .then(|| format!("The hypervisor's agent was lost during all {max_attempts} attempts."))
}

/// Frees what an operation that was ended from outside still held.
async fn stop(tx: &mut Transaction<'_>, operation: operation::Model) -> Result<()> {
    operation::Entity::update_many()
        .col_expr(operation::Column::LeaseExpiresAt, Expr::null())
        .col_expr(
            operation::Column::Revision,
            Expr::value(operation.revision + 1),
        )
        .col_expr(
            operation::Column::VolumeTouched,
            Expr::value(operation.volume_touched),
        )
        .filter(operation::Column::Id.eq(operation.id))
        .exec(tx.db())
        .await?;
    effect::stopped(tx, &operation).await?;
    image::in_doubt(tx, &operation).await
}

/// Frees the locks of volumes whose operation is not there, or has ended with no agent left that
/// may write.
async fn free_locks(app: &App) -> Result<u64> {
    let candidates: Vec<String> = volume::Entity::find()
        .select_only()
        .column(volume::Column::Id)
        .filter(left_over())
        .into_tuple()
        .all(app.database.reads())
        .await?;
    let mut freed = 0;
    for id in candidates {
        match free_lock(app, &id).await {
            Ok(count) => freed += count,
            Err(error) if app.damage.is_news(&format!("lock of volume {id}")) => {
                tracing::error!(volume = id, %error, "a lock that is left over cannot be freed");
            }
            Err(_) => {}
        }
    }
    Ok(freed)
}

async fn free_lock(app: &App, id: &str) -> Result<u64> {
    let mut tx = Transaction::begin(app).await?;
    // Under the row's lock, so that the statement below sees who holds the volume now.
    volume::Entity::find()
        .select_only()
        .column(volume::Column::Id)
        .filter(volume::Column::Id.eq(id))
        .lock(ROW_LOCK)
        .into_tuple::<String>()
        .one(tx.db())
        .await?;
    let freed = volume::Entity::update_many()
        .col_expr(volume::Column::ActiveOperation, Expr::null())
        .col_expr(volume::Column::ActiveOperationId, Expr::null())
        .filter(volume::Column::Id.eq(id))
        .filter(left_over())
        .exec(tx.db())
        .await?;
    if let Ok(id) = id.parse() {
        tx.wake(Topic::Volume(id));
    }
    tx.commit().await?;
    Ok(freed.rows_affected)
}

/// A lock, or half of one, that no operation holds.
fn left_over() -> Condition {
    let holder = Query::select()
        .expr(Expr::value(1))
        .from(operation::Entity)
        .and_where(
            Expr::col((operation::Entity, operation::Column::Id))
                .equals((volume::Entity, volume::Column::ActiveOperationId)),
        )
        .cond_where(
            Condition::any()
                .add(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
                .add(operation::Column::LeaseExpiresAt.is_not_null())
                .add(operation::Column::FinishedAt.is_null()),
        )
        .to_owned();
    let locked = Condition::any()
        .add(volume::Column::ActiveOperation.is_not_null())
        .add(volume::Column::ActiveOperationId.is_not_null());
    Condition::all().add(locked).add(Expr::exists(holder).not())
}

/// An operation whose lease is dead: nobody can tell whether its agent had begun to write.
fn judged(mut operation: operation::Model, now: DateTime<Utc>) -> operation::Model {
    let is_dead = operation.lease_expires_at.is_some() && alive(&operation, now).is_none();
    operation.volume_touched |= is_dead && operation.kind == OperationKind::RestoreInPlace;
    operation
}

/// The lease of an operation, while its agent may still be working.
fn alive(operation: &operation::Model, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    operation
        .lease_expires_at
        .filter(|expires_at| *expires_at > now)
}
