//! From an assignment, as the contract has it, to work that can be done.

use std::path::PathBuf;

use storage::{Destination, format::manifest::StorageType};

use super::{
    Assignment, Lease,
    query::{self, AgentAssignment, AgentBackup, AgentDestination, AgentVolume, OperationKind},
};
use crate::{
    driver::{Code, Failure, Result},
    operation::{BackupItem, BackupStorage, Plan, Pool, RestoreSource, SnapshotItem, Volume, Work},
};

impl From<AgentAssignment> for Assignment {
    fn from(assignment: AgentAssignment) -> Self {
        Self {
            lease: Lease {
                operation_id: assignment.operation_id.0,
                epoch: assignment.epoch,
            },
            lease_time: super::gateway::seconds(assignment.lease_seconds),
            attempt: u32::try_from(assignment.attempt).unwrap_or(1).max(1),
            work: work(assignment),
        }
    }
}

fn work(assignment: AgentAssignment) -> Result<Work> {
    let AgentAssignment {
        kind,
        volume,
        target_volume,
        snapshot,
        backup,
        ..
    } = assignment;
    let volume = || required(volume.map(Volume::try_from).transpose()?);
    let target = || required(target_volume.map(Volume::try_from).transpose()?);
    let snapshot = snapshot.map(SnapshotItem::from);
    let backup = || backup.map(BackupItem::try_from).transpose();
    Ok(match kind {
        OperationKind::CreateVolume => Work::CreateVolume { volume: volume()? },
        OperationKind::DeleteVolume => Work::DeleteVolume { volume: volume()? },
        OperationKind::CreateSnapshot => Work::CreateSnapshot {
            volume: volume()?,
            snapshot: required(snapshot)?,
        },
        OperationKind::DeleteSnapshot => Work::DeleteSnapshot {
            volume: volume()?,
            snapshot: required(snapshot)?,
        },
        OperationKind::CreateBackup => Work::CreateBackup {
            volume: volume()?,
            backup: required(backup()?)?,
        },
        OperationKind::DeleteBackup => Work::DeleteBackup {
            backup: required(backup()?)?,
        },
        OperationKind::RestoreInPlace => {
            let source = match snapshot {
                Some(snapshot) => RestoreSource::Snapshot(snapshot),
                None => RestoreSource::Backup(Box::new(required(backup()?)?)),
            };
            Work::RestoreInPlace {
                volume: volume()?,
                source,
            }
        }
        OperationKind::RestoreToNewVolume => match snapshot {
            Some(snapshot) => Work::RestoreSnapshot {
                volume: volume()?,
                snapshot,
                target: target()?,
            },
            None => Work::RestoreBackup {
                backup: required(backup()?)?,
                target: target()?,
            },
        },
    })
}

fn required<T>(part: Option<T>) -> Result<T> {
    part.ok_or_else(|| unknown("The operation lacks a part that this agent needs."))
}

/// The gateway is newer than this agent.
fn unknown(message: &str) -> Failure {
    Failure::new(Code::AgentOutdated, message)
}

impl TryFrom<AgentVolume> for Volume {
    type Error = Failure;

    fn try_from(volume: AgentVolume) -> Result<Self> {
        let Some(pool) = volume.pool.qcow2_file else {
            return Err(unknown(
                "This agent does not know the volume's kind of storage.",
            ));
        };
        Ok(Self {
            id: volume.id.0,
            name: volume.name,
            size_bytes: volume.size_bytes.0,
            plan: Plan {
                id: volume.plan.id.0,
                name: volume.plan.name,
            },
            pool: Pool::Qcow2File {
                directory: PathBuf::from(pool.path),
            },
            instance: None,
        })
    }
}

impl From<query::AgentSnapshot> for SnapshotItem {
    fn from(snapshot: query::AgentSnapshot) -> Self {
        Self {
            id: snapshot.id.0,
            volume_size_bytes: snapshot.volume_size_bytes.0,
        }
    }
}

impl TryFrom<AgentBackup> for BackupItem {
    type Error = Failure;

    fn try_from(backup: AgentBackup) -> Result<Self> {
        Ok(Self {
            id: backup.id.0,
            name: backup.name,
            volume_id: backup.volume_id.0,
            storage_type: match backup.storage_type {
                query::StorageType::Qcow2File => StorageType::Qcow2File,
                query::StorageType::CephRbd => StorageType::CephRbd,
            },
            volume_size_bytes: backup.volume_size_bytes.0,
            created_at: backup.created_at,
            storage: backup.destination.try_into()?,
        })
    }
}

impl TryFrom<AgentDestination> for BackupStorage {
    type Error = Failure;

    fn try_from(destination: AgentDestination) -> Result<Self> {
        let Some(local) = destination.local else {
            return Err(unknown(
                "This agent does not know the kind of backup storage.",
            ));
        };
        Ok(Self {
            id: destination.id.0,
            destination: Destination::Local {
                path: PathBuf::from(local.path),
            },
            bytes_per_second: None,
        })
    }
}
