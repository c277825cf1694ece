//! What agents are told: their leases, and all they need to know to work on an operation.

mod place;

use async_graphql::{Enum, ID, Object, SimpleObject};

pub use self::place::{AgentDestination, AgentPool};
use super::{OperationKind, StorageType};
use crate::{
    domain::{
        assignment::{AssignedVolume, Assignment},
        operation::lease::{self, LeaseState},
    },
    graphql::{
        scalar::{ByteCount, DateTime},
        visible,
    },
};

/// What has become of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "LeaseState", visible = "visible::to_agents")]
pub enum AgentLeaseState {
    /// The agent's; go on.
    Held,
    /// The agent's; stop, clean up, and finish with `stopped`.
    Cancel,
    /// No longer the agent's: failed from outside, or claimed anew. Stop writing, and finish with
    /// `stopped` all the same, so that the lock is freed.
    Lost,
}

/// An agent's hold on an operation.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLease {
    /// The operation.
    pub operation_id: ID,
    /// The epoch of the claim.
    pub epoch: i32,
    /// What has become of it.
    pub state: AgentLeaseState,
}

impl AgentLease {
    /// A lease as its agent reported it, and what has become of it.
    pub fn new(lease: lease::Lease, state: LeaseState) -> Self {
        Self {
            operation_id: lease.operation.into(),
            epoch: lease.epoch,
            state: state.into(),
        }
    }
}

/// That there may be something to claim, cancel or stop.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentWork {
    /// How many operations wait for this agent.
    pub claimable: i32,
}

/// An operation that an agent holds now.
#[derive(Debug)]
pub struct AgentAssignment {
    /// What it is told.
    pub assignment: Assignment,
    /// Until when the lease lasts, in seconds.
    pub lease_seconds: i32,
}

/// An operation that an agent holds now, and all it needs to know to work on it.
#[Object(visible = "visible::to_agents")]
impl AgentAssignment {
    /// The operation.
    async fn operation_id(&self) -> ID {
        self.assignment.operation.id.into()
    }

    /// The epoch of the claim, for every report.
    async fn epoch(&self) -> i32 {
        self.assignment.operation.epoch
    }

    /// Which attempt this is: above 1, an earlier one may have left something behind.
    async fn attempt(&self) -> i32 {
        self.assignment.operation.epoch
    }

    /// The installation that asks for it: what places and backups are marked with.
    async fn installation_id(&self) -> ID {
        self.assignment.installation.into()
    }

    /// Whose operation it is, for the manifest of a backup.
    async fn account(&self) -> AgentAccount {
        let account = &self.assignment.account;
        AgentAccount {
            id: account.id.into(),
            name: account.name.clone(),
        }
    }

    /// What to do.
    async fn kind(&self) -> OperationKind {
        self.assignment.operation.kind.into()
    }

    /// When the operation was accepted.
    async fn created_at(&self) -> DateTime {
        self.assignment.operation.created_at.into()
    }

    /// Seconds from now until the lease ends unless it is renewed.
    async fn lease_seconds(&self) -> i32 {
        self.lease_seconds
    }

    /// The volume that is worked on or read; null when the source of a restore from a backup is
    /// gone.
    async fn volume(&self) -> Option<AgentVolume> {
        self.assignment.volume.as_ref().map(AgentVolume::of)
    }

    /// Of a restore in place from a backup: whether a new image may take the place of one that is damaged or gone.
    async fn replace_image(&self) -> bool {
        self.assignment.operation.replace_image
    }

    /// Of a restore to a new volume: that volume.
    async fn target_volume(&self) -> Option<AgentVolume> {
        self.assignment.target.as_ref().map(AgentVolume::of)
    }

    /// The snapshot that is made, read or deleted.
    async fn snapshot(&self) -> Option<AgentSnapshot> {
        let snapshot = self.assignment.snapshot.as_ref()?;
        Some(AgentSnapshot {
            id: snapshot.id.into(),
            name: snapshot.name.clone(),
            volume_size_bytes: ByteCount(snapshot.volume_size_bytes),
        })
    }

    /// The backup that is made, read or deleted.
    async fn backup(&self) -> Option<AgentBackup> {
        let (backup, access) = self.assignment.backup.as_ref()?;
        Some(AgentBackup {
            id: backup.id.into(),
            name: backup.name.clone(),
            volume_id: backup.volume_id.into(),
            volume_name: backup.volume_name.clone(),
            storage_type: backup.storage_type.into(),
            volume_size_bytes: ByteCount(backup.volume_size_bytes),
            created_at: backup.created_at.into(),
            destination: AgentDestination::of(access),
        })
    }
}

/// A volume, and where it lies.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentVolume {
    /// Its id: the name of its image on storage.
    pub id: ID,
    /// What its owner calls it.
    pub name: String,
    /// How large the disk is.
    pub size_bytes: ByteCount,
    /// What it lies on.
    pub storage_type: StorageType,
    /// Its plan.
    pub plan: AgentPlan,
    /// Its pool.
    pub pool: AgentPool,
    /// The group whose pool that is.
    pub group: AgentGroup,
    /// The instance that it is attached to.
    pub instance: Option<AgentInstance>,
}

impl AgentVolume {
    /// What its agent is told of a volume.
    pub fn of(assigned: &AssignedVolume) -> Self {
        let AssignedVolume {
            volume,
            plan,
            pool,
            group,
            instance,
        } = assigned;
        Self {
            id: volume.id.into(),
            name: volume.name.clone(),
            size_bytes: ByteCount(volume.size_bytes),
            storage_type: volume.storage_type.into(),
            plan: AgentPlan {
                id: plan.id.into(),
                name: plan.name.clone(),
                size_bytes: ByteCount(plan.size_bytes),
            },
            pool: AgentPool::of(pool),
            group: AgentGroup {
                id: group.id.into(),
                name: group.name.clone(),
            },
            instance: instance.as_ref().map(|instance| AgentInstance {
                id: instance.id.into(),
                running: instance.status == entity::instance::InstanceStatus::Running,
                qmp_socket: instance.qmp_socket.clone(),
            }),
        }
    }
}

/// A volume's plan, for the manifest of its backups.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentPlan {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
    /// The size of its volumes.
    pub size_bytes: ByteCount,
}

/// An account, for the manifest of its backups.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentAccount {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
}

/// A hypervisor group, for the manifest of backups.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentGroup {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
}

/// The instance that a volume is attached to.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentInstance {
    /// Its id.
    pub id: ID,
    /// Whether it runs.
    pub running: bool,
    /// The path of its QMP socket.
    pub qmp_socket: Option<String>,
}

/// A snapshot, as its agent needs to know it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentSnapshot {
    /// Its id: part of its name on storage.
    pub id: ID,
    /// What its owner calls it.
    pub name: String,
    /// The volume's size when it was taken.
    pub volume_size_bytes: ByteCount,
}

/// A backup, as its agent needs to know it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentBackup {
    /// Its id: part of its path.
    pub id: ID,
    /// What its owner calls it.
    pub name: String,
    /// The volume it is made of: part of its path.
    pub volume_id: ID,
    /// That volume's name when it was made.
    pub volume_name: String,
    /// What that volume lay on.
    pub storage_type: StorageType,
    /// That volume's size.
    pub volume_size_bytes: ByteCount,
    /// When it was asked for.
    pub created_at: DateTime,
    /// Where it is written to or read from.
    pub destination: AgentDestination,
}

/// A backup storage that is to be tested.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentStorageTest {
    /// The test's id, for its answer.
    pub id: ID,
    /// What to test.
    pub destination: AgentDestination,
    /// For how many seconds from now somebody waits for the answer. One that takes longer is what hung.
    pub wait_seconds: i32,
}
