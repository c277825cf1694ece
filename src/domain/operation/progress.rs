//! The agent's progress: monotonic, and an event only where a phase begins.
//!
//! Where a phase begins it is written at once. Between phases it is handed on to those who watch, from memory, and
//! [`keep`] writes it to the row every few seconds, so that what watches costs the database nothing. Whatever else
//! becomes of the operation wakes its topic: then the next report asks the database again whether its lease is held.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::{
    HypervisorId, OperationId, hypervisor, operation, operation::OperationStatus,
    operation_event::OperationEventKind,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DbBackend, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::Expr,
};
use tokio::time::Instant;

use super::{
    damage::contain_report,
    lease::{Agent, Lease, LeaseState, state},
};
use crate::{
    app::App,
    domain::{
        Error, Result,
        transaction::{NEED_NOT_WAIT, Transaction},
    },
    events::{self, News, Topic, Watch},
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
/// How long a lease that the database was asked about is taken to be held where nothing was told of it since.
const BELIEVED: Duration = Duration::from_secs(15);

/// What this gateway knows of the leases whose agents report to it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Reports(Arc<Mutex<HashMap<OperationId, Reported>>>);

/// What was reported under a lease, and what stands in the row.
#[derive(Debug)]
struct Reported {
    hypervisor: HypervisorId,
    /// What the agent was told.
    state: LeaseState,
    phase: String,
    progress: events::Progress,
    /// When, by the database's clock and by this process's.
    at: DateTime<Utc>,
    since: Instant,
    /// The bytes that stand in the row.
    written_bytes: i64,
    /// When the row was seen to be this lease's.
    seen: Instant,
    /// Wakes when something else becomes of the operation.
    changes: Watch,
}

impl Reported {
    fn is_unwritten(&self) -> bool {
        self.written_bytes < self.progress.bytes_done
    }
}

impl Reports {
    /// Takes a report of a lease that is known to be held, where no phase begins by it.
    fn take(
        &self,
        app: &App,
        hypervisor: &hypervisor::Model,
        lease: Lease,
        report: &Progress,
    ) -> Option<LeaseState> {
        let mut all = self.lock();
        let known = all.get_mut(&lease.operation)?;
        let is_held = known.hypervisor == hypervisor.id
            && known.progress.epoch == lease.epoch
            && known.phase == report.phase
            && known.seen.elapsed() < BELIEVED
            && !known.changes.has_changed();
        if !is_held {
            return None;
        }
        let now = app.clock.later(known.at, known.since.elapsed());
        let before = known.progress;
        let bytes_done = before.bytes_done.max(report.bytes_done);
        let speed = Speed {
            bytes_done: before.bytes_done,
            at: Some(known.at),
            smooth: before.bytes_per_second,
        };
        known.progress = events::Progress {
            bytes_done,
            bytes_total: report.bytes_total.max(bytes_done),
            bytes_per_second: speed.after(bytes_done, now),
            ..before
        };
        (known.at, known.since) = (now, Instant::now());
        app.hub
            .tell(News::progress(lease.operation, known.progress));
        Some(known.state)
    }

    /// What is not in the rows yet.
    fn unwritten(&self) -> Vec<(OperationId, events::Progress, DateTime<Utc>)> {
        let mut all = self.lock();
        all.retain(|_, known| known.is_unwritten() || known.seen.elapsed() < BELIEVED);
        let unwritten = all.iter().filter(|(_, known)| known.is_unwritten());
        unwritten
            .map(|(id, known)| (*id, known.progress, known.at))
            .collect()
    }

    /// Notes that the row has what was told, and what the agent is to do; or that it is no longer this lease's.
    fn wrote(&self, id: OperationId, told: events::Progress, state: LeaseState) {
        let mut all = self.lock();
        let Some(known) = all.get_mut(&id) else {
            return;
        };
        if known.progress.epoch != told.epoch {
            return;
        }
        if state == LeaseState::Lost {
            all.remove(&id);
        } else {
            known.state = state;
            known.written_bytes = told.bytes_done;
            known.seen = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Reported>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    if let Some(state) = app.reports.take(app, hypervisor, lease, &progress) {
        return Ok(state);
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
    // Watched before the row is read, so that no change falls between the two.
    let changes = app.hub.watch(Topic::Operation(lease.operation));
    let (mut tx, operation) = Transaction::begin_with_operation(app, lease.operation).await?;
    let held = |operation: &operation::Model| {
        operation.hypervisor_id == hypervisor.id
            && operation.epoch == lease.epoch
            && operation.status == OperationStatus::Started
    };
    let Some(operation) = operation.filter(held) else {
        return Ok(LeaseState::Lost);
    };
    let now = tx.now();
    let mut latest = Arc::new(operation.clone());
    app.hub.bring_up_to_date(&mut latest);
    let bytes_done = latest.bytes_done.max(progress.bytes_done);
    let begins_phase = operation.phase != progress.phase;
    let begins_attempt = operation.offers > 0;
    let mut updated = operation.clone().into_active_model();
    if begins_attempt {
        updated.offers = Set(0);
        updated.attempts = Set(operation.attempts + 1);
    }
    let speed = Speed {
        bytes_done: operation.bytes_done,
        at: operation.progressed_at.or(operation.started_at),
        smooth: operation.bytes_per_second,
    };
    updated.bytes_per_second = Set(speed.after(bytes_done, now));
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
    let is_news = begins_phase || begins_attempt;
    if is_news {
        tx.touch(&operation);
    } else {
        tx.need_not_wait().await?;
    }
    tx.commit().await?;
    let state = state(&operation);
    let progress = events::Progress::of(&operation);
    app.hub.tell(News::progress(operation.id, progress));
    if is_news {
        // Its own change woke `changes`: the next report begins to be believed.
        app.reports.lock().remove(&operation.id);
        return Ok(state);
    }
    let seen = Instant::now();
    let reported = Reported {
        hypervisor: hypervisor.id,
        state,
        phase: operation.phase,
        progress,
        at: now,
        since: seen,
        written_bytes: operation.bytes_done,
        seen,
        changes,
    };
    app.reports.lock().insert(operation.id, reported);
    Ok(state)
}

/// Writes to the rows what was reported since it was last done. Each stands alone: one that cannot be written stops no
/// other.
pub async fn keep(app: &App) -> Result<()> {
    let mut outcome = Ok(());
    for (id, progress, at) in app.reports.unwritten() {
        match write(app, id, progress, at).await {
            Ok(state) => app.reports.wrote(id, progress, state),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Writes one, and tells what has become of its lease.
async fn write(
    app: &App,
    id: OperationId,
    progress: events::Progress,
    at: DateTime<Utc>,
) -> Result<LeaseState> {
    use operation::Column;
    let mut update = operation::Entity::update_many()
        .col_expr(Column::BytesDone, Expr::value(progress.bytes_done))
        .col_expr(Column::BytesTotal, Expr::value(progress.bytes_total))
        .col_expr(
            Column::BytesPerSecond,
            Expr::value(progress.bytes_per_second),
        )
        .col_expr(Column::ProgressedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .filter(Column::Epoch.eq(progress.epoch))
        .filter(Column::Revision.eq(progress.revision))
        .filter(Column::Status.eq(OperationStatus::Started))
        .filter(Column::BytesDone.lte(progress.bytes_done));
    if app.database.backend() == DbBackend::Postgres {
        update = update.filter(Expr::cust(NEED_NOT_WAIT));
    }
    let written = update.exec_with_returning(app.database.writes()).await?;
    Ok(written.first().map_or(LeaseState::Lost, state))
}

/// How fast an operation goes.
struct Speed {
    /// How far it was at its last report, and when that was.
    bytes_done: i64,
    at: Option<DateTime<Utc>>,
    /// What was told then.
    smooth: Option<i64>,
}

impl Speed {
    /// Bytes per second up to a report, smoothed so that a panel's figure does not flicker.
    fn after(&self, bytes_done: i64, now: DateTime<Utc>) -> Option<i64> {
        let millis = (now - self.at?).num_milliseconds();
        if millis <= 0 {
            return self.smooth;
        }
        let latest = (bytes_done - self.bytes_done).saturating_mul(1000) / millis;
        Some(
            self.smooth
                .map_or(latest, |smooth| (smooth.saturating_mul(3) + latest) / 4),
        )
    }
}
