//! Agents: how they enter, that they are alive, and all that an assignment tells them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    HypervisorId, hypervisor, operation, operation::OperationKind, operation_log::LogLevel,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Error, ErrorCode, Result,
    assignment::Assignment,
    audit,
    damage::{INCOMPLETE, is_damage},
    hypervisor as hypervisors,
    operation::{
        claim,
        effect::image::Image,
        finish::{self, Outcome, Removed},
        lease::Lease,
        log, recover,
    },
    text,
    transaction::Transaction,
};
use crate::{app::App, events::Topic};

/// How long an agent that was seen is not noted to be seen again.
const SEEN: TimeDelta = TimeDelta::seconds(1);

/// What an agent says of itself.
#[derive(Debug)]
pub struct Hello {
    /// Its version.
    pub version: String,
    /// Which state directory it holds: only one process can hold it.
    pub state_id: Uuid,
    /// It can do the work of snapshots.
    pub can_snapshot: bool,
    /// It can do the work of backups.
    pub can_backup: bool,
}

/// An agent's process has started. If it holds the directory that the last one held, that one has
/// ended, and its leases end now. Another one may be alive: its leases end when it is silent.
pub async fn hello(
    app: &App,
    hypervisor: &hypervisor::Model,
    hello: Hello,
) -> Result<hypervisor::Model> {
    let version = text::name(&hello.version)?;
    let state_id = hello.state_id.to_string();
    let hypervisor = hypervisors::find(app.database.reads(), hypervisor.id).await?;
    let last = hypervisor.agent_state_id.as_ref();
    if last.is_none_or(|last| *last == state_id) {
        audit::aside(recover::restarted(app, &hypervisor)).await?;
    }
    let mut tx = Transaction::begin(app).await?;
    let mut seen = hypervisor.into_active_model();
    seen.agent_version = Set(Some(version));
    seen.agent_state_id = Set(Some(state_id));
    seen.can_snapshot = Set(hello.can_snapshot);
    seen.can_backup = Set(hello.can_backup);
    seen.last_seen_at = Set(Some(tx.now()));
    let hypervisor = seen.update(tx.db()).await?;
    tx.wake(Topic::Hypervisors);
    tx.commit().await?;
    Ok(hypervisor)
}

/// When this gateway last noted that agents are alive. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Heartbeats(Arc<Mutex<HashMap<HypervisorId, Noted>>>);

/// By the database's clock and by this process's.
#[derive(Clone, Copy, Debug)]
struct Noted {
    at: DateTime<Utc>,
    since: Instant,
}

impl Heartbeats {
    /// Whether it was just noted that the agent of `hypervisor` is alive.
    fn are_noted(&self, app: &App, hypervisor: HypervisorId) -> bool {
        let known = self.lock().get(&hypervisor).copied();
        known.is_some_and(|noted| {
            let now = app.clock.later(noted.at, noted.since.elapsed());
            noted.at <= now && now - noted.at < SEEN
        })
    }

    fn note(&self, hypervisor: HypervisorId, at: DateTime<Utc>) {
        let since = Instant::now();
        self.lock().insert(hypervisor, Noted { at, since });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HypervisorId, Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agent is alive.
pub async fn record_heartbeat(app: &App, hypervisor: &hypervisor::Model) -> Result<()> {
    let seen_before = hypervisor.last_seen_at;
    if seen_before.is_some() && app.heartbeats.are_noted(app, hypervisor.id) {
        return Ok(());
    }
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let is_noted = seen_before.is_some_and(|seen| seen <= now && now - seen < SEEN);
    if !is_noted {
        hypervisor::Entity::update_many()
            .col_expr(hypervisor::Column::LastSeenAt, Expr::value(now))
            .filter(hypervisor::Column::Id.eq(hypervisor.id))
            .exec(db)
            .await?;
        app.heartbeats.note(hypervisor.id, now);
    }
    if seen_before.is_none_or(|seen| seen + app.settings.lease <= now) {
        app.hub.wake([Topic::Hypervisors]);
    }
    Ok(())
}

/// Gives the agent up to `limit` operations that wait for it, what never reached it first. One that it cannot be told of, because
/// a secret that it needs does not open or a row is missing, fails and holds no other up. One that
/// cannot be read just now is claimed anew when its lease is over.
pub async fn assign(
    app: &App,
    hypervisor: &hypervisor::Model,
    limit: u64,
    holding: Option<&[Lease]>,
) -> Result<Vec<Assignment>> {
    let claimed = claim::claim(app, hypervisor, limit, holding).await?;
    let mut assignments = Vec::with_capacity(claimed.len());
    for (operation, assignment) in Assignment::load_all(app, claimed).await {
        match assignment {
            Ok(assignment) => assignments.push(assignment),
            Err(error) => {
                tracing::error!(operation = %operation.id, %error, "an agent cannot be told what it needs");
                if let Some(message) = lasting(&error)
                    && let Err(error) = give_up(app, hypervisor, &operation, &error, message).await
                {
                    tracing::error!(operation = %operation.id, %error, "nor can it be ended");
                }
            }
        }
    }
    Ok(assignments)
}

/// What a customer is told of an error that no later attempt mends.
fn lasting(error: &Error) -> Option<&'static str> {
    match error {
        Error::Database(_) if !is_damage(error) => None,
        Error::SecretUnreadable { .. } => {
            Some("The gateway cannot read the key of a storage. Ask the operator.")
        }
        _ => Some(INCOMPLETE),
    }
}

async fn give_up(
    app: &App,
    hypervisor: &hypervisor::Model,
    operation: &operation::Model,
    error: &Error,
    message: &str,
) -> Result<()> {
    let lease = Lease {
        operation: operation.id,
        epoch: operation.epoch,
    };
    let entry = log::Entry {
        at: app.clock.now(app.database.reads()).await?,
        level: LogLevel::Error,
        message: error.to_string(),
        public: false,
        number: None,
    };
    log::record(app, hypervisor, lease, vec![entry]).await?;
    let outcome = Outcome::Failed {
        code: ErrorCode::StorageFailed,
        message: message.to_owned(),
        // An earlier attempt may have begun to write.
        volume_touched: operation.epoch > 1 && operation.kind == OperationKind::RestoreInPlace,
        removed: if operation.epoch > 1 {
            Removed::Unknown
        } else {
            Removed::Nothing
        },
        begun: operation.epoch > 1,
        image: if operation.epoch > 1 {
            Image::Unknown
        } else {
            Image::Kept
        },
    };
    finish::finish(app, hypervisor, lease, outcome).await?;
    Ok(())
}
