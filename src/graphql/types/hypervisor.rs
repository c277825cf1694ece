//! Hypervisors and their agents as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{TimeDelta, Utc};

use super::{BackupStorage, HypervisorGroup, OperationStatus, wraps};
use crate::{
    domain::Settings,
    graphql::{
        context::{app, loaders, now},
        error::Result,
        scalar::DateTime,
        visible,
    },
};

/// What the agent of a hypervisor is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(visible = "visible::to_admins")]
pub enum HypervisorStatus {
    /// Its agent was seen within a lease.
    Online,
    /// Its agent was not seen for longer than a lease.
    Offline,
    /// Its agent is being replaced by another version.
    Updating,
    /// No agent has said hello yet.
    NeverSeen,
}

impl HypervisorStatus {
    /// The status of `hypervisor` at `now`.
    pub fn of(
        hypervisor: &entity::hypervisor::Model,
        settings: &Settings,
        now: chrono::DateTime<Utc>,
    ) -> Self {
        let lease = TimeDelta::from_std(settings.lease).unwrap_or(TimeDelta::MAX);
        match hypervisor.last_seen_at {
            None => Self::NeverSeen,
            Some(seen) if now - seen <= lease => Self::Online,
            Some(_) => Self::Offline,
        }
    }
}

/// What an agent can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AgentCapability {
    /// Take, restore and delete snapshots.
    VolumeSnapshot,
    /// Make, restore and delete backups.
    VolumeBackup,
}

/// The replacement of an agent by another version.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct AgentUpdate {
    /// Where it is.
    pub status: OperationStatus,
    /// The version that is replaced.
    pub from_version: Option<String>,
    /// The version that replaces it.
    pub to_version: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it started.
    pub started_at: DateTime,
    /// When it ended.
    pub finished_at: Option<DateTime>,
}

/// A host of volumes and instances.
#[derive(Clone, Debug)]
pub struct Hypervisor(pub Arc<entity::hypervisor::Model>);

wraps!(Hypervisor, hypervisor);

/// A host of volumes and instances, on which an agent does the work.
#[Object(visible = "visible::to_admins")]
impl Hypervisor {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its group.
    async fn group(&self, ctx: &Context<'_>) -> Result<HypervisorGroup> {
        Ok(loaders(ctx)?.find(self.0.group_id).await?.into())
    }

    /// Where it writes backups: its own, else its group's.
    async fn backup_storage(&self, ctx: &Context<'_>) -> Result<Option<BackupStorage>> {
        let loaders = loaders(ctx)?;
        let own = self.0.backup_storage_id;
        let id = match own {
            Some(id) => Some(id),
            None => loaders.find(self.0.group_id).await?.backup_storage_id,
        };
        match id {
            Some(id) => Ok(loaders.lookup(id).await?.map(BackupStorage)),
            None => Ok(None),
        }
    }

    /// Whether it writes backups where its group does, having no backup storage of its own.
    async fn uses_group_backup_storage(&self) -> bool {
        self.0.backup_storage_id.is_none()
    }

    /// What its agent is about.
    async fn status(&self, ctx: &Context<'_>) -> Result<HypervisorStatus> {
        let settings = &app(ctx)?.settings;
        Ok(HypervisorStatus::of(&self.0, settings, now(ctx).await?))
    }

    /// When its agent was last heard of.
    async fn last_seen_at(&self) -> Option<DateTime> {
        self.0.last_seen_at.map(DateTime)
    }

    /// When it was deleted: what is told of it then is history. Null while it is there.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(DateTime)
    }

    /// The version of the agent that last said hello.
    async fn agent_version(&self) -> Option<&str> {
        self.0.agent_version.as_deref()
    }

    /// The version of the agent that belongs to this gateway.
    async fn latest_agent_version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The latest replacement of its agent; null when there was none.
    async fn agent_update(&self) -> Option<AgentUpdate> {
        None
    }

    /// What its agent can do, as it last said.
    async fn capabilities(&self) -> Vec<AgentCapability> {
        let can = [
            (self.0.can_snapshot, AgentCapability::VolumeSnapshot),
            (self.0.can_backup, AgentCapability::VolumeBackup),
        ];
        let can = can.into_iter().filter(|(can, _)| *can);
        can.map(|(_, capability)| capability).collect()
    }
}
