//! Loads what the guards know of volumes: for `Volume.actions` of many at once, and of one inside
//! the transaction that accepts an operation.

pub mod one;

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use entity::{
    AccountId, BackupStorageId, HypervisorGroupId, HypervisorId, InstanceId, Scope, VolumeId,
    VolumePlanId, backup, hypervisor, hypervisor_group, instance,
    instance::InstanceStatus,
    operation::{self, OperationKind, OperationStatus},
    snapshot::{self, ItemStatus},
    volume::{self, DataState},
    volume_plan,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait, Select, TryGetable,
    sea_query::{Expr, ExprTrait},
};

use crate::domain::{
    Error, Result, Settings, account,
    guard::{Active, AgentFacts, ItemFacts, TargetFacts, Usage, VolumeFacts, Work},
};

/// The states in which a snapshot or backup counts against its cap.
pub const COUNTED: [ItemStatus; 5] = [
    ItemStatus::Pending,
    ItemStatus::Creating,
    ItemStatus::Available,
    ItemStatus::Restoring,
    ItemStatus::Deleting,
];

/// What the guards know of each of `volumes` at `now`, for a reader who sees `scope`. The number of statements does not depend on
/// how many volumes there are.
pub async fn load(
    db: &impl ConnectionTrait,
    settings: &Settings,
    now: DateTime<Utc>,
    scope: Scope,
    volumes: &[Arc<volume::Model>],
) -> Result<HashMap<VolumeId, VolumeFacts>> {
    let around = Around::load(db, volumes).await?;
    let ids = || volumes.iter().map(|volume| volume.id);
    let snapshots = snapshots(db, ids()).await?;
    let backups = backups(db, ids()).await?;
    let accounts = || volumes.iter().map(|volume| volume.account_id);
    let in_flight = in_flight(db, accounts()).await?;
    let quotas = account::quotas(db, settings, accounts()).await?;

    let facts_of = |volume: &Arc<volume::Model>| {
        let attached = around.instance(volume)?;
        let hypervisor = around.hypervisor(worker(volume, attached))?;
        let plan = around.plan(volume.plan_id)?;
        let quota = quotas.get(&volume.account_id).copied();
        let facts = VolumeFacts {
            state: volume.state,
            inconsistent: volume.data_state == DataState::Inconsistent,
            attached_to_running_instance: attached
                .is_some_and(|instance| instance.status == InstanceStatus::Running),
            active: active(volume),
            cooldown_ends_at: volume.cooldown_ends_at,
            snapshots: usage(&snapshots, &volume.id, plan.max_snapshots),
            backups: usage(&backups, &volume.id, plan.max_backups),
            quota: quota.ok_or_else(|| gone("account", volume.account_id))?,
            in_flight: Usage {
                count: in_flight
                    .get(&volume.account_id)
                    .copied()
                    .unwrap_or_default(),
                limit: settings.in_flight_limit.into(),
            },
            backup_storage: around.backup_storage(hypervisor)?,
            agent: agent(hypervisor, scope),
            now,
        };
        Ok((volume.id, facts))
    };
    volumes.iter().map(facts_of).collect()
}

/// Whose agent works on a volume: of an attached one that of its instance, because the image is
/// open there; otherwise the volume's own.
pub fn worker(volume: &volume::Model, attached: Option<&instance::Model>) -> HypervisorId {
    attached.map_or(volume.hypervisor_id, |instance| instance.hypervisor_id)
}

/// What holds the lock of a volume.
pub fn active(volume: &volume::Model) -> Option<Active> {
    Some(Active {
        id: volume.active_operation_id?,
        kind: volume.active_operation?,
    })
}

/// What the agent of a hypervisor can do. One that was never seen has said nothing yet, so nothing
/// is held against it: the operation waits for it. Names of hypervisors are for administrators.
pub fn agent(hypervisor: &hypervisor::Model, scope: Scope) -> AgentFacts {
    let unknown = hypervisor.agent_version.is_none();
    AgentFacts {
        hypervisor: (scope == Scope::Everything).then(|| hypervisor.name.clone()),
        can_snapshot: unknown || hypervisor.can_snapshot,
        can_backup: unknown || hypervisor.can_backup,
    }
}

/// What the guards know of a snapshot of `volume`.
pub fn of_snapshot(snapshot: &snapshot::Model, volume: &volume::Model) -> ItemFacts {
    ItemFacts {
        work: Work::Snapshot,
        status: snapshot.status,
        storage_type: volume.storage_type,
        volume_size_bytes: snapshot.volume_size_bytes,
    }
}

/// What the guards know of a backup.
pub fn of_backup(backup: &backup::Model) -> ItemFacts {
    ItemFacts {
        work: Work::Backup,
        status: backup.status,
        storage_type: backup.storage_type,
        volume_size_bytes: backup.volume_size_bytes,
    }
}

/// What the guards know of a volume that is overwritten.
pub fn target_of_volume(volume: &volume::Model) -> TargetFacts {
    TargetFacts {
        storage_type: volume.storage_type,
        size_bytes: volume.size_bytes,
    }
}

/// What the guards know of the volumes of a plan.
pub fn target_of_plan(plan: &volume_plan::Model) -> TargetFacts {
    TargetFacts {
        storage_type: plan.storage_type,
        size_bytes: plan.size_bytes,
    }
}

/// How many operations each of `accounts` has in flight. An account without any is left out.
pub async fn in_flight(
    db: &impl ConnectionTrait,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, u64>> {
    let accounts: HashSet<_> = accounts.into_iter().collect();
    let rows = operation::Entity::find()
        .filter(operation::Column::AccountId.is_in(accounts))
        .filter(operation::Column::Kind.is_in(OperationKind::PROTECTING))
        .filter(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT));
    tally(db, rows, operation::Column::AccountId).await
}

/// How many deletes and new volumes of an account wait, and how many may. Those that wait for an agent which is
/// not there are not counted: their owner cannot make them go away.
pub async fn waiting(
    db: &impl ConnectionTrait,
    settings: &Settings,
    now: DateTime<Utc>,
    account: AccountId,
) -> Result<Usage> {
    let online = hypervisor::Entity::find()
        .select_only()
        .column(hypervisor::Column::Id)
        .filter(hypervisor::Column::LastSeenAt.gt(now - settings.lease))
        .into_query();
    let count = operation::Entity::find()
        .filter(operation::Column::AccountId.eq(account))
        .filter(operation::Column::Status.eq(OperationStatus::Pending))
        .filter(operation::Column::Kind.is_in(OperationKind::UNCOUNTED))
        .filter(operation::Column::HypervisorId.in_subquery(online))
        .count(db)
        .await?;
    Ok(Usage {
        count,
        limit: settings.waiting_limit.into(),
    })
}

/// The snapshots that count against their volumes' caps.
fn counted_snapshots() -> Select<snapshot::Entity> {
    snapshot::Entity::find()
        .filter(snapshot::Column::Status.is_in(COUNTED))
        .filter(snapshot::Column::DeletedAt.is_null())
}

/// The backups that count against their volumes' caps.
fn counted_backups() -> Select<backup::Entity> {
    backup::Entity::find()
        .filter(backup::Column::Status.is_in(COUNTED))
        .filter(backup::Column::DeletedAt.is_null())
}

async fn snapshots(
    db: &impl ConnectionTrait,
    volumes: impl Iterator<Item = VolumeId>,
) -> Result<HashMap<VolumeId, u64>> {
    let rows = counted_snapshots().filter(snapshot::Column::VolumeId.is_in(volumes));
    tally(db, rows, snapshot::Column::VolumeId).await
}

async fn backups(
    db: &impl ConnectionTrait,
    volumes: impl Iterator<Item = VolumeId>,
) -> Result<HashMap<VolumeId, u64>> {
    let rows = counted_backups().filter(backup::Column::VolumeId.is_in(volumes));
    tally(db, rows, backup::Column::VolumeId).await
}

/// Caps on the items of a volume; one that is not given is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caps {
    /// On its snapshots.
    pub snapshots: Option<i32>,
    /// On its backups.
    pub backups: Option<i32>,
}

/// That a volume holds more than `caps` allow, as a condition of the database.
pub fn above(caps: Caps) -> Condition {
    let volume = volume::Column::Id.as_column_ref();
    let mut above = Condition::any();
    if let Some(most) = caps.snapshots {
        let held = counted_snapshots().filter(
            Expr::col(snapshot::Column::VolumeId.as_column_ref()).eq(Expr::col(volume.clone())),
        );
        above = above.add(more_than(held, snapshot::Column::Id, most));
    }
    if let Some(most) = caps.backups {
        let held = counted_backups()
            .filter(Expr::col(backup::Column::VolumeId.as_column_ref()).eq(Expr::col(volume)));
        above = above.add(more_than(held, backup::Column::Id, most));
    }
    above
}

fn more_than<E: EntityTrait>(rows: Select<E>, id: E::Column, most: i32) -> Expr {
    let count = rows
        .select_only()
        .column_as(id.count(), "held")
        .into_query();
    Expr::SubQuery(None, Box::new(count.into())).gt(most)
}

/// How many of `rows` there are for each value of `owner`.
pub async fn tally<E, K>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    owner: E::Column,
) -> Result<HashMap<K, u64>>
where
    E: EntityTrait,
    K: TryGetable + Eq + Hash,
{
    let counts: Vec<(K, i64)> = rows
        .select_only()
        .column_as(owner, "owner")
        .column_as(owner.count(), "count")
        .group_by(owner)
        .into_tuple()
        .all(db)
        .await?;
    let count = |(owner, count)| (owner, u64::try_from(count).unwrap_or_default());
    Ok(counts.into_iter().map(count).collect())
}

fn usage(counts: &HashMap<VolumeId, u64>, volume: &VolumeId, cap: i32) -> Usage {
    Usage {
        count: counts.get(volume).copied().unwrap_or_default(),
        limit: u64::try_from(cap).unwrap_or_default(),
    }
}

/// The rows around volumes that decide who works on them and where their backups go.
struct Around {
    instances: HashMap<InstanceId, instance::Model>,
    hypervisors: HashMap<HypervisorId, hypervisor::Model>,
    groups: HashMap<HypervisorGroupId, hypervisor_group::Model>,
    plans: HashMap<VolumePlanId, volume_plan::Model>,
}

impl Around {
    async fn load(db: &impl ConnectionTrait, volumes: &[Arc<volume::Model>]) -> Result<Self> {
        let ids: HashSet<_> = volumes.iter().filter_map(|row| row.instance_id).collect();
        let rows = if ids.is_empty() {
            Vec::new()
        } else {
            let rows = instance::Entity::find().filter(instance::Column::Id.is_in(ids));
            rows.all(db).await?
        };
        let instances: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();

        let attached = |row: &volume::Model| instances.get(&row.instance_id?);
        let ids: HashSet<_> = volumes
            .iter()
            .map(|row| worker(row, attached(row)))
            .collect();
        let rows = hypervisor::Entity::find().filter(hypervisor::Column::Id.is_in(ids));
        let hypervisors = rows.all(db).await?;

        let ids: HashSet<_> = hypervisors.iter().map(|row| row.group_id).collect();
        let rows = hypervisor_group::Entity::find().filter(hypervisor_group::Column::Id.is_in(ids));
        let groups = rows.all(db).await?;

        let ids: HashSet<_> = volumes.iter().map(|row| row.plan_id).collect();
        let rows = volume_plan::Entity::find().filter(volume_plan::Column::Id.is_in(ids));
        let plans = rows.all(db).await?;

        Ok(Self {
            instances,
            hypervisors: hypervisors.into_iter().map(|row| (row.id, row)).collect(),
            groups: groups.into_iter().map(|row| (row.id, row)).collect(),
            plans: plans.into_iter().map(|row| (row.id, row)).collect(),
        })
    }

    fn instance(&self, volume: &volume::Model) -> Result<Option<&instance::Model>> {
        let find = |id| self.instances.get(&id).ok_or_else(|| gone("instance", id));
        volume.instance_id.map(find).transpose()
    }

    fn hypervisor(&self, id: HypervisorId) -> Result<&hypervisor::Model> {
        self.hypervisors
            .get(&id)
            .ok_or_else(|| gone("hypervisor", id))
    }

    fn plan(&self, id: VolumePlanId) -> Result<&volume_plan::Model> {
        self.plans.get(&id).ok_or_else(|| gone("plan", id))
    }

    /// Its own, else its group's.
    fn backup_storage(&self, hypervisor: &hypervisor::Model) -> Result<Option<BackupStorageId>> {
        let id = hypervisor.group_id;
        let group = self.groups.get(&id).ok_or_else(|| gone("group", id))?;
        Ok(hypervisor.backup_storage_id.or(group.backup_storage_id))
    }
}

fn gone(noun: &str, id: impl std::fmt::Display) -> Error {
    Error::Broken(format!("a volume refers to {noun} {id}, which is gone"))
}
