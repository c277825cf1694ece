//! Volumes as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::{operation::OperationKind, volume::VolumeState};

use super::{
    Account, Backup, Cooldown, Hypervisor, HypervisorGroup, Instance, Operation, Snapshot,
    StorageType, VolumeActions, VolumePlan, wraps,
};
use crate::{
    domain::{
        guard::Usage,
        volume::{facts::worker, last_backup::NEVER},
    },
    graphql::{
        at_once::AtOnce,
        connection::Connection,
        context::{admin, loaders, now},
        error::Result,
        loader::{BackupsOfVolume, FactsOf, OperationsOfVolume, SnapshotsOfVolume},
        page::PageArguments,
        plain::plain,
        scalar::{ByteCount, DateTime},
        visible,
    },
};

/// What a volume is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum VolumeStatus {
    /// It is being made.
    Creating,
    /// It is there, and not attached.
    Available,
    /// It is attached to an instance.
    Attached,
    /// A restore overwrites it.
    Restoring,
    /// It is being deleted.
    Deleting,
    /// It could not be made or deleted.
    Failed,
}

impl From<&entity::volume::Model> for VolumeStatus {
    fn from(volume: &entity::volume::Model) -> Self {
        match volume.state {
            VolumeState::Creating => Self::Creating,
            VolumeState::Deleting => Self::Deleting,
            VolumeState::Failed => Self::Failed,
            VolumeState::Available
                if volume.active_operation == Some(OperationKind::RestoreInPlace) =>
            {
                Self::Restoring
            }
            VolumeState::Available if volume.instance_id.is_some() => Self::Attached,
            VolumeState::Available => Self::Available,
        }
    }
}

/// Whether a volume's content is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::volume::DataState")]
pub enum DataState {
    /// It is.
    Consistent,
    /// A restore in place failed half way. Complete another one before the volume is used.
    Inconsistent,
}

/// How full the caps of a volume's plan are. Failed items do not count.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct VolumeUsage {
    /// How many snapshots count.
    pub snapshots: i32,
    /// How many there may be.
    pub max_snapshots: i32,
    /// How many backups count.
    pub backups: i32,
    /// How many there may be.
    pub max_backups: i32,
}

impl VolumeUsage {
    fn new(snapshots: Usage, backups: Usage) -> Self {
        let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            snapshots: count(snapshots.count),
            max_snapshots: count(snapshots.limit),
            backups: count(backups.count),
            max_backups: count(backups.limit),
        }
    }
}

/// A virtual disk.
#[derive(Clone, Debug)]
pub struct Volume(pub Arc<entity::volume::Model>);

wraps!(Volume, volume, listed);

plain! {
    Volume: volume, always [Id, StorageType, State, DataState, ActiveOperation],
    "name": name [Name];
    "sizeBytes": size_bytes [SizeBytes];
    "storageType": storage_type [StorageType];
    "status": status [State, ActiveOperation, InstanceId];
    "createdAt": created_at [CreatedAt];
    "lastBackupAt": last_backup_at [LastBackupAt];
    "dataState": data_state [DataState];
    edge "plan" [PlanId];
    edge "hypervisorGroup" [GroupId];
    edge "account" [AccountId];
    edge "attachedTo" [InstanceId];
    edge "activeOperation" [ActiveOperationId];
    edge "snapshots" [Id];
    edge "backups" [Id];
    edge "operations" [Id];
}

/// A virtual disk, with the snapshots and backups that protect it.
#[Object]
impl Volume {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How large the disk is.
    async fn size_bytes(&self) -> ByteCount {
        ByteCount(self.0.size_bytes)
    }

    /// What it lies on.
    async fn storage_type(&self) -> StorageType {
        self.0.storage_type.into()
    }

    /// What it is about.
    async fn status(&self) -> VolumeStatus {
        VolumeStatus::from(&*self.0)
    }

    /// Its plan: size, storage type, caps and prices.
    async fn plan(&self, ctx: &Context<'_>) -> Result<AtOnce<VolumePlan>> {
        Ok(AtOnce(loaders(ctx)?.find(self.0.plan_id).await?.into()))
    }

    /// The hypervisors that can work on it.
    async fn hypervisor_group(&self, ctx: &Context<'_>) -> Result<HypervisorGroup> {
        Ok(loaders(ctx)?.find(self.0.group_id).await?.into())
    }

    /// Whose agent works on it: that of the instance's host while it is attached. For
    /// administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Hypervisor> {
        admin(ctx)?;
        let loaders = loaders(ctx)?;
        let attached = match self.0.instance_id {
            Some(id) => loaders.lookup(id).await?,
            None => None,
        };
        let id = worker(&self.0, attached.as_deref());
        Ok(loaders.find(id).await?.into())
    }

    /// Its owner.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        Ok(loaders(ctx)?.find(self.0.account_id).await?.into())
    }

    /// The instance that it is attached to.
    async fn attached_to(&self, ctx: &Context<'_>) -> Result<Option<Instance>> {
        let Some(id) = self.0.instance_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Instance))
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When the newest of its backups was asked for that it could be restored from; null while there is none.
    async fn last_backup_at(&self) -> Option<DateTime> {
        let at = self.0.last_backup_at;
        (at > NEVER).then_some(DateTime(at))
    }

    /// The operation that holds the volume's lock; null when the volume is free.
    async fn active_operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        let Some(id) = self.0.active_operation_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Operation))
    }

    /// How long it rests yet; null when the next operation may start now.
    async fn cooldown(&self, ctx: &Context<'_>) -> Result<Option<Cooldown>> {
        if self.0.cooldown_ends_at.is_none() {
            return Ok(None);
        }
        Ok(Cooldown::of(&self.0, now(ctx).await?))
    }

    /// Its snapshots, the newest first.
    async fn snapshots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Snapshot>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Connection::under::<SnapshotsOfVolume>(ctx, self.0.id, page).await
    }

    /// Its backups, the newest first.
    async fn backups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Backup>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Connection::under::<BackupsOfVolume>(ctx, self.0.id, page).await
    }

    /// The operations that worked on it, read it or made it, the newest first.
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Operation>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Connection::under::<OperationsOfVolume>(ctx, self.0.id, page).await
    }

    /// Whether its content is whole.
    async fn data_state(&self) -> DataState {
        self.0.data_state.into()
    }

    /// How full the plan's caps are.
    async fn usage(&self, ctx: &Context<'_>) -> Result<VolumeUsage> {
        let key = FactsOf {
            volume: self.0.clone(),
            now: now(ctx).await?,
        };
        let facts = loaders(ctx)?.find(key).await?;
        Ok(VolumeUsage::new(facts.snapshots, facts.backups))
    }

    /// What the viewer may do now, judged by the same guards that the mutations enforce.
    async fn actions(&self, ctx: &Context<'_>) -> Result<VolumeActions> {
        Ok(VolumeActions {
            volume: self.0.clone(),
            now: now(ctx).await?,
        })
    }
}
