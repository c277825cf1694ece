//! The agent's progress: monotonic, and an event only where a phase begins.

use entity::{
    hypervisor, operation, operation::OperationStatus, operation_event::OperationEventKind,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::{
    damage::{Agent, contain_report},
    lookup_locked,
    renew::{Lease, LeaseState, state},
};
use crate::{
    app::App,
    domain::{Error, Result, transaction::Transaction},
};

/// How far an agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is going on, for a person.
    pub phase: String,
    /// Bytes that the destination acknowledged.
    pub bytes_done: i64,
    /// Bytes in all; 0 while unknown.
    pub bytes_total: i64,
}

/// The most characters of a phase's name.
const MAX_PHASE_CHARS: usize = 64;

/// Records progress of a lease that is still held, and tells what has become of it.
pub async fn record(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    progress: Progress,
) -> Result<LeaseState> {
    let chars = progress.phase.chars().count();
    if chars == 0 || chars > MAX_PHASE_CHARS || progress.phase.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "A phase has 1 to {MAX_PHASE_CHARS} characters and no control characters."
        )));
    }
    let work = record_whole(app, hypervisor, lease, progress);
    let state = contain_report(app, hypervisor, lease, Agent::MayWrite, work).await?;
    Ok(state.unwrap_or(LeaseState::Lost))
}

async fn record_whole(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    progress: Progress,
) -> Result<LeaseState> {
    let mut tx = Transaction::begin(app).await?;
    let held = |operation: &operation::Model| {
        operation.hypervisor_id == hypervisor.id
            && operation.epoch == lease.epoch
            && operation.status == OperationStatus::Started
    };
    let operation = lookup_locked(&tx, lease.operation).await?;
    let Some(operation) = operation.filter(held) else {
        return Ok(LeaseState::Lost);
    };
    let now = tx.now();
    let bytes_done = operation.bytes_done.max(progress.bytes_done);
    let begins_phase = operation.phase != progress.phase;
    let mut updated = operation.clone().into_active_model();
    if operation.offers > 0 {
        updated.offers = Set(0);
        updated.attempts = Set(operation.attempts + 1);
    }
    updated.bytes_per_second = Set(rate(&operation, bytes_done, now));
    updated.phase = Set(progress.phase.clone());
    updated.bytes_done = Set(bytes_done);
    updated.bytes_total = Set(progress.bytes_total.max(bytes_done));
    updated.progressed_at = Set(Some(now));
    let operation = updated.update(tx.db()).await?;
    if begins_phase {
        let actor = format!("agent {}", hypervisor.name);
        tx.record(
            &operation,
            OperationEventKind::Progressed,
            &actor,
            Some(progress.phase),
        );
    }
    tx.touch(&operation);
    tx.commit().await?;
    Ok(state(&operation))
}

/// Bytes per second since the last report, smoothed so that a panel's figure does not flicker.
fn rate(
    before: &operation::Model,
    bytes_done: i64,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<i64> {
    let since = before.progressed_at.or(before.started_at)?;
    let millis = (now - since).num_milliseconds();
    if millis <= 0 {
        return before.bytes_per_second;
    }
    let latest = (bytes_done - before.bytes_done).saturating_mul(1000) / millis;
    Some(
        before
            .bytes_per_second
            .map_or(latest, |smooth| (smooth.saturating_mul(3) + latest) / 4),
    )
}
