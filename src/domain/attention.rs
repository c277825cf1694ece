//! What needs an administrator: a few figures, each counted in an index.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    backup_storage, backup_storage_test, hypervisor, operation,
    operation::OperationStatus,
    volume::{self, VolumeState},
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect,
    Select,
    sea_query::{Expr, Query},
};

use super::{Result, count, volume::last_backup::NEVER};
use crate::app::App;

/// How far back failures are counted.
const FAILURES: TimeDelta = TimeDelta::hours(24);
/// How long an operation stands still before it is stuck.
const STUCK: TimeDelta = TimeDelta::minutes(10);

/// What needs an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Operations that failed within 24 hours.
    pub failed_operations: u64,
    /// Operations that stand still.
    pub stuck_operations: u64,
    /// Hypervisors whose agents were there, and are not.
    pub offline_hypervisors: u64,
    /// Hypervisors whose agents are of another version than the gateway.
    pub outdated_hypervisors: u64,
    /// Backup storages that were never tested.
    pub backup_storages_untested: u64,
    /// Backup storages whose last test failed.
    pub backup_storages_failing: u64,
    /// Volumes without a backup that they could be restored from; above 10,000 an estimate.
    pub volumes_without_backup: u64,
    /// When all of it was counted.
    pub at: DateTime<Utc>,
}

/// What needs an administrator of a gateway of this `version`.
pub async fn read(app: &App, version: &str) -> Result<Attention> {
    let db = app.database.reads();
    let now = app.clock.now(db).await?;
    let (untested, failing) = storages(app).await?;
    Ok(Attention {
        failed_operations: failed(now).count(db).await?,
        stuck_operations: stuck(now).count(db).await?,
        offline_hypervisors: hypervisor::Entity::present()
            .filter(hypervisor::Column::LastSeenAt.lt(now - app.settings.lease))
            .count(db)
            .await?,
        outdated_hypervisors: hypervisor::Entity::present()
            .filter(hypervisor::Column::AgentVersion.ne(version))
            .count(db)
            .await?,
        backup_storages_untested: untested,
        backup_storages_failing: failing,
        volumes_without_backup: count::about(db, unprotected()).await?,
        at: now,
    })
}

/// Operations that failed within 24 hours before `now`. All others are named, so that the time is what is looked for in an
/// index: of all that ever failed there are more.
pub fn failed(now: DateTime<Utc>) -> Select<operation::Entity> {
    let others = [
        OperationStatus::Pending,
        OperationStatus::Started,
        OperationStatus::Completed,
        OperationStatus::Cancelled,
    ];
    operation::Entity::find()
        .filter(operation::Column::FinishedAt.gte(now - FAILURES))
        .filter(operation::Column::Status.is_not_in(others))
}

/// The operations that stand still at `now`.
pub fn stuck(now: DateTime<Utc>) -> Select<operation::Entity> {
    operation::Entity::find().filter(is_stuck(now))
}

/// That nothing was heard of an operation for ten minutes before `now`: that no agent took it, though its own works on
/// nothing else, or that none reports progress.
pub fn is_stuck(now: DateTime<Utc>) -> Condition {
    use operation::Column;
    let since = now - STUCK;
    let busy = Query::select()
        .column(Column::HypervisorId)
        .from(operation::Entity)
        .and_where(Column::Status.eq(OperationStatus::Started))
        .to_owned();
    let waiting = Condition::all()
        .add(Column::Status.eq(OperationStatus::Pending))
        .add(Column::CreatedAt.lt(since))
        .add(Column::HypervisorId.not_in_subquery(busy));
    let silent = Condition::any()
        .add(Column::ProgressedAt.lt(since))
        .add(Column::ProgressedAt.is_null());
    let running = Condition::all()
        .add(Column::Status.eq(OperationStatus::Started))
        .add(Column::StartedAt.lt(since))
        .add(silent);
    Condition::any().add(waiting).add(running)
}

/// The volumes that nothing protects.
pub fn unprotected() -> Select<volume::Entity> {
    volume::Entity::visible_to(entity::Scope::Everything).filter(is_unprotected())
}

/// That a volume is there and has no backup that it could be restored from. All other states are named: most volumes are
/// there, and few have no backup.
pub fn is_unprotected() -> Condition {
    let absent = [
        VolumeState::Creating,
        VolumeState::Deleting,
        VolumeState::Failed,
    ];
    Condition::all()
        .add(volume::Column::LastBackupAt.eq(NEVER))
        .add(volume::Column::State.is_not_in(absent))
}

/// How many backup storages were never tested, and the last test of how many failed.
async fn storages(app: &App) -> Result<(u64, u64)> {
    use backup_storage_test::{Column, Entity};
    let db = app.database.reads();
    let newest = Query::select()
        .expr(Expr::col(Column::Id).max())
        .from(Entity)
        .and_where(Column::FinishedAt.is_not_null())
        .group_by_col(Column::BackupStorageId)
        .to_owned();
    let tested: Vec<(String, bool)> = Entity::find()
        .select_only()
        .columns([Column::BackupStorageId, Column::Ok])
        .filter(Column::Id.in_subquery(newest))
        .into_tuple()
        .all(db)
        .await?;
    let present: Vec<String> = backup_storage::Entity::present()
        .select_only()
        .column(backup_storage::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let (mut untested, mut failing) = (0, 0);
    for id in present {
        match tested.iter().find(|(tested, _)| *tested == id) {
            None => untested += 1,
            Some((_, false)) => failing += 1,
            Some((_, true)) => {}
        }
    }
    Ok((untested, failing))
}
