//! What the guards know of one volume, inside the transaction that accepts an operation on it: read by one statement.

use chrono::{DateTime, Utc};
use entity::{
    AccountId, BackupStorageId, Scope, account, backup, hypervisor, hypervisor_group, instance,
    instance::InstanceStatus,
    operation::{self, OperationKind, OperationStatus},
    snapshot,
    volume::{self, DataState},
    volume_plan,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, QueryFilter,
    QueryResult, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr},
};

use super::{active, agent, counted_backups, counted_snapshots, worker};
use crate::domain::{
    Result, Settings,
    account::quota_of,
    guard::{Usage, VolumeFacts},
    joined::add,
    transaction::HOLD,
};

const HYPERVISOR: &str = "h_";
const PLAN: &str = "p_";
const ACCOUNT: &str = "a_";
const GROUP: &str = "g_";

/// A volume, as it was when its account was locked.
#[derive(Debug)]
pub struct One {
    /// What the guards know.
    pub facts: VolumeFacts,
    /// Its plan.
    pub plan: volume_plan::Model,
    /// Whose agent works on it. It is not deleted before the transaction ends.
    pub worker: hypervisor::Model,
}

/// What is known of `volume` at `now`, for a reader who sees `scope`; none where a row is missing that it refers to.
pub async fn load(
    db: &impl ConnectionTrait,
    settings: &Settings,
    now: DateTime<Utc>,
    scope: Scope,
    volume: &volume::Model,
) -> Result<Option<One>> {
    let attached = match volume.instance_id {
        Some(id) => instance::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    if attached.is_none() && volume.instance_id.is_some() {
        return Ok(None);
    }
    let Some(row) = db.query_one(&statement(volume, attached.as_ref())).await? else {
        return Ok(None);
    };
    let worker = hypervisor::Model::from_query_result(&row, HYPERVISOR)?;
    let plan = volume_plan::Model::from_query_result(&row, PLAN)?;
    let account = account::Model::from_query_result(&row, ACCOUNT)?;
    let of_group: Option<BackupStorageId> = row.try_get(GROUP, "backup_storage_id")?;
    let usage = |count, limit: i32| Usage {
        count,
        limit: u64::try_from(limit).unwrap_or_default(),
    };
    let facts = VolumeFacts {
        state: volume.state,
        inconsistent: volume.data_state == DataState::Inconsistent,
        attached_to_running_instance: attached
            .is_some_and(|instance| instance.status == InstanceStatus::Running),
        active: active(volume),
        cooldown_ends_at: volume.cooldown_ends_at,
        snapshots: usage(count(&row, "snapshots")?, plan.max_snapshots),
        backups: usage(count(&row, "backups")?, plan.max_backups),
        quota: quota_of(
            &account,
            settings,
            count(&row, "volumes")?,
            count(&row, "bytes")?,
        ),
        in_flight: Usage {
            count: count(&row, "in_flight")?,
            limit: settings.in_flight_limit.into(),
        },
        backup_storage: worker.backup_storage_id.or(of_group),
        agent: agent(&worker, scope),
        now,
    };
    Ok(Some(One {
        facts,
        plan,
        worker,
    }))
}

fn count(row: &QueryResult, name: &str) -> std::result::Result<u64, DbErr> {
    let count: Option<i64> = row.try_get("", name)?;
    Ok(u64::try_from(count.unwrap_or_default()).unwrap_or_default())
}

/// The rows around a volume, the worker's held, and how many there are of what is counted.
fn statement(volume: &volume::Model, attached: Option<&instance::Model>) -> SelectStatement {
    let snapshots = counted_snapshots().filter(snapshot::Column::VolumeId.eq(volume.id));
    let backups = counted_backups().filter(backup::Column::VolumeId.eq(volume.id));
    let in_flight = operation::Entity::find()
        .filter(operation::Column::AccountId.eq(volume.account_id))
        .filter(operation::Column::Kind.is_in(OperationKind::PROTECTING))
        .filter(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT));
    let bytes = Expr::col(volume::Column::SizeBytes).sum().cast_as("bigint");
    let mut query = Query::select();
    add::<hypervisor::Entity>(&mut query, HYPERVISOR);
    add::<volume_plan::Entity>(&mut query, PLAN);
    add::<account::Entity>(&mut query, ACCOUNT);
    let storage = hypervisor_group::Column::BackupStorageId;
    query
        .expr_as(
            Expr::col((hypervisor_group::Entity, storage)),
            format!("{GROUP}{}", storage.as_str()),
        )
        .expr_as(
            how_many(snapshots, snapshot::Column::Id.count()),
            "snapshots",
        )
        .expr_as(how_many(backups, backup::Column::Id.count()), "backups")
        .expr_as(
            how_many(in_flight, operation::Column::Id.count()),
            "in_flight",
        )
        .expr_as(
            how_many(of_account(volume.account_id), volume::Column::Id.count()),
            "volumes",
        )
        .expr_as(how_many(of_account(volume.account_id), bytes), "bytes")
        .from(hypervisor::Entity)
        .inner_join(
            hypervisor_group::Entity,
            Expr::col((hypervisor_group::Entity, hypervisor_group::Column::Id))
                .equals((hypervisor::Entity, hypervisor::Column::GroupId)),
        )
        .inner_join(
            volume_plan::Entity,
            volume_plan::Column::Id.eq(volume.plan_id),
        )
        .inner_join(account::Entity, account::Column::Id.eq(volume.account_id))
        .and_where(hypervisor::Column::Id.eq(worker(volume, attached)))
        .and_where(hypervisor::Column::DeletedAt.is_null())
        .lock_with_tables(HOLD, [hypervisor::Entity])
        .to_owned()
}

fn of_account(account: AccountId) -> Select<volume::Entity> {
    volume::Entity::find()
        .filter(volume::Column::AccountId.eq(account))
        .filter(volume::Column::DeletedAt.is_null())
}

/// What `count` gives of `rows`.
fn how_many<E: EntityTrait>(rows: Select<E>, count: SimpleExpr) -> SimpleExpr {
    let counted = rows.select_only().column_as(count, "counted").into_query();
    Expr::SubQuery(None, Box::new(counted.into()))
}
