//! Agents: how they enter, that they are alive, and all that an assignment tells them.

use entity::{
    InstallationId, Scope, account, backup, hypervisor, hypervisor_group, instance, operation,
    operation::OperationKind, operation_log::LogLevel, snapshot, volume, volume_plan,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Error, ErrorCode, Result, audit, backup_storage, hypervisor as hypervisors, installation,
    operation::{
        claim,
        damage::{INCOMPLETE, is_damage},
        effect::image::Image,
        finish::{self, Outcome, Removed},
        log, recover,
        renew::Lease,
    },
    plan, storage_pool, text,
    transaction::Transaction,
};
use crate::{app::App, events::Topic};

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

/// The agent is alive.
pub async fn record_heartbeat(app: &App, hypervisor: &hypervisor::Model) -> Result<()> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let seen_before = hypervisor.last_seen_at;
    hypervisor::Entity::update_many()
        .col_expr(hypervisor::Column::LastSeenAt, Expr::value(now))
        .filter(hypervisor::Column::Id.eq(hypervisor.id))
        .exec(db)
        .await?;
    if seen_before.is_none_or(|seen| seen + app.settings.lease <= now) {
        app.hub.wake([Topic::Hypervisors]);
    }
    Ok(())
}

/// All that an agent needs to know to work on an operation.
#[derive(Debug)]
pub struct Assignment {
    /// The operation, as claimed.
    pub operation: operation::Model,
    /// What the database is one of.
    pub installation: InstallationId,
    /// Whose operation it is.
    pub account: account::Model,
    /// The volume that is worked on or read; none when the source of a restore is gone.
    pub volume: Option<AssignedVolume>,
    /// Of a restore to a new volume: that volume.
    pub target: Option<AssignedVolume>,
    /// The snapshot.
    pub snapshot: Option<snapshot::Model>,
    /// The backup, and how to reach where it lies.
    pub backup: Option<(backup::Model, backup_storage::Access)>,
}

/// A volume and where it lies.
#[derive(Debug)]
pub struct AssignedVolume {
    /// The volume.
    pub volume: volume::Model,
    /// Its plan.
    pub plan: volume_plan::Model,
    /// Its pool, and how to reach it.
    pub pool: storage_pool::Access,
    /// The group whose pool that is.
    pub group: hypervisor_group::Model,
    /// What it is attached to.
    pub instance: Option<instance::Model>,
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
    let mut assignments = Vec::new();
    for operation in claim::claim(app, hypervisor, limit, holding).await? {
        match assignment(app, operation.clone()).await {
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

/// Loads what an assignment tells.
async fn assignment(app: &App, operation: operation::Model) -> Result<Assignment> {
    let db = app.database.reads();
    let volume = volume::Entity::visible_to(Scope::Everything)
        .filter(volume::Column::Id.eq(operation.volume_id))
        .one(db)
        .await
        .map_err(Error::from);
    // A backup is deleted, and restored to a new volume, without the one that it was made of.
    let dispensable = match operation.kind {
        OperationKind::DeleteBackup => true,
        OperationKind::RestoreToNewVolume => operation.backup_id.is_some(),
        _ => false,
    };
    let volume = match volume {
        Ok(Some(_)) if operation.kind == OperationKind::DeleteBackup => None,
        Ok(Some(volume)) => match assigned(app, volume).await {
            Err(error) if dispensable && is_damage(&error) => None,
            known => Some(known?),
        },
        Ok(None) if dispensable => None,
        Ok(None) => return Err(missing("volume")),
        Err(error) if dispensable && is_damage(&error) => None,
        Err(error) => return Err(error),
    };
    let target = match operation.target_volume_id {
        Some(id) => {
            let target = volume::Entity::find_by_id(id).one(db).await?;
            let target = target.ok_or_else(|| missing("target volume"))?;
            Some(assigned(app, target).await?)
        }
        None => None,
    };
    let snapshot = match operation.snapshot_id {
        Some(id) => {
            let snapshot = snapshot::Entity::find_by_id(id).one(db).await?;
            Some(snapshot.ok_or_else(|| missing("snapshot"))?)
        }
        None => None,
    };
    let backup = match operation.backup_id {
        Some(id) => {
            let backup = backup::Entity::find_by_id(id).one(db).await?;
            let backup = backup.ok_or_else(|| missing("backup"))?;
            let storage = backup_storage::find(db, backup.backup_storage_id).await?;
            Some((
                backup,
                backup_storage::Access::to(app, storage, Some(operation.hypervisor_id)).await?,
            ))
        }
        None => None,
    };
    let account = account::Entity::once_visible_to(Scope::Everything)
        .filter(account::Column::Id.eq(operation.account_id))
        .one(db)
        .await?;
    Ok(Assignment {
        installation: installation::id(app).await?,
        account: account.ok_or_else(|| missing("account"))?,
        operation,
        volume,
        target,
        snapshot,
        backup,
    })
}

/// Loads what an agent needs to know of a volume.
pub async fn assigned(app: &App, volume: volume::Model) -> Result<AssignedVolume> {
    let db = app.database.reads();
    let plan = plan::find(db, volume.plan_id).await?;
    let pool = entity::storage_pool::Entity::find_by_id(volume.pool_id)
        .one(db)
        .await?
        .ok_or_else(|| missing("storage pool"))?;
    let group = hypervisor_group::Entity::find_by_id(pool.group_id)
        .one(db)
        .await?
        .ok_or_else(|| missing("hypervisor group"))?;
    let instance = match volume.instance_id {
        Some(id) => instance::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(AssignedVolume {
        volume,
        plan,
        pool: storage_pool::Access::to(app, pool).await?,
        group,
        instance,
    })
}

fn missing(what: &str) -> Error {
    Error::Broken(format!("an operation has no {what}"))
}
