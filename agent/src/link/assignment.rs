//! From an assignment, as the contract has it, to work that can be done.

use std::path::PathBuf;

use storage::{
    Destination, Expected, Marker, NfsExport, ObjectPath, PlaceKind, S3Bucket, Standing,
    format::manifest::StorageType,
};

use super::{
    Assignment, Lease,
    query::{
        self, AgentAssignment, AgentBackup, AgentDestination, AgentMark, AgentPlaceStanding,
        AgentPool, AgentVolume, OperationKind,
    },
};
use crate::{
    driver::{Code, Failure, Result},
    operation::{
        BackupItem, BackupStorage, Belongs, CephPool, Instance, Named, Owner, Pool, RestoreSource,
        SnapshotItem, Volume, Work,
    },
    report::Mark,
};

impl From<AgentAssignment> for Assignment {
    fn from(assignment: AgentAssignment) -> Self {
        Self {
            lease: Lease {
                operation_id: assignment.operation_id.0,
                epoch: assignment.epoch,
            },
            lease_time: super::gateway::seconds(assignment.lease_seconds),
            work: work(assignment),
        }
    }
}

fn work(assignment: AgentAssignment) -> Result<Work> {
    let AgentAssignment {
        installation_id,
        account,
        kind,
        volume,
        target_volume,
        snapshot,
        backup,
        replace_image,
        ..
    } = assignment;
    let volume = || required(volume.map(Volume::try_from).transpose()?);
    let target = || required(target_volume.map(Volume::try_from).transpose()?);
    let snapshot = snapshot.map(SnapshotItem::from);
    let owner = Owner {
        installation_id: installation_id.0,
        account: Named {
            id: account.id.0,
            name: account.name,
        },
    };
    let backup = || backup.map(|backup| item(backup, owner)).transpose();
    Ok(match kind {
        OperationKind::Unknown => {
            return Err(unknown("This agent does not know this kind of operation."));
        }
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
            let source = if let Some(snapshot) = snapshot {
                RestoreSource::Snapshot(snapshot)
            } else {
                let backup = Box::new(required(backup()?)?);
                if replace_image {
                    RestoreSource::BackupReplacing(backup)
                } else {
                    RestoreSource::Backup(backup)
                }
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

    fn try_from(mut volume: AgentVolume) -> Result<Self> {
        Ok(Self {
            id: volume.id.0,
            name: volume.name,
            size_bytes: volume.size_bytes.0,
            belongs: Belongs {
                plan: Named {
                    id: volume.plan.id.0,
                    name: volume.plan.name,
                },
                pool: Named {
                    id: volume.pool.id.0,
                    name: volume.pool.name.clone(),
                },
                group: Named {
                    id: volume.group.id.0,
                    name: volume.group.name,
                },
            },
            mark: mark(volume.pool.mark.take(), PlaceKind::StoragePool)?,
            pool: volume.pool.try_into()?,
            instance: volume.instance.map(|instance| Instance {
                running: instance.running,
                qmp_socket: instance.qmp_socket.map(PathBuf::from),
            }),
        })
    }
}

fn mark(mark: Option<AgentMark>, kind: PlaceKind) -> Result<Option<Mark>> {
    let Some(mark) = mark else {
        return Ok(None);
    };
    let strange = |_| unknown("This agent does not know the marker of a place.");
    let witnesses = mark.witnesses.into_iter().map(ObjectPath::new);
    let expected = Expected {
        marker: Marker {
            kind,
            installation_id: mark.installation_id.0,
            place_id: mark.place_id.0,
            hypervisor_id: mark.hypervisor_id.map(|id| id.0),
            generation: u32::try_from(mark.generation)
                .map_err(|_| unknown("This agent does not know the generation of a place."))?,
        },
        standing: match mark.standing {
            AgentPlaceStanding::New => Standing::New,
            AgentPlaceStanding::Accepted => Standing::Accepted,
            AgentPlaceStanding::Marked => Standing::Marked,
            AgentPlaceStanding::Unknown => {
                return Err(unknown("This agent does not know the standing of a place."));
            }
        },
        witnesses: witnesses
            .collect::<std::result::Result<_, _>>()
            .map_err(strange)?,
    };
    Ok(Some(Mark {
        expected,
        is_asked: mark.is_asked,
    }))
}

impl TryFrom<AgentPool> for Pool {
    type Error = Failure;

    fn try_from(pool: AgentPool) -> Result<Self> {
        match (pool.qcow2_file, pool.ceph_rbd) {
            (Some(pool), None) => Ok(Self::Qcow2File {
                directory: PathBuf::from(pool.path),
            }),
            (None, Some(pool)) => Ok(Self::CephRbd(CephPool {
                pool: pool.pool,
                user: pool.user,
                config_path: pool.config_path.map(PathBuf::from),
                keyring: pool.keyring.map(|keyring| keyring.0),
            })),
            _ => Err(unknown(
                "This agent does not know the volume's kind of storage.",
            )),
        }
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

fn item(backup: AgentBackup, owner: Owner) -> Result<BackupItem> {
    Ok(BackupItem {
        id: backup.id.0,
        name: backup.name,
        volume_id: backup.volume_id.0,
        storage_type: match backup.storage_type {
            query::StorageType::Qcow2File => StorageType::Qcow2File,
            query::StorageType::CephRbd => StorageType::CephRbd,
            query::StorageType::Unknown => {
                return Err(unknown(
                    "This agent does not know the kind of storage that the backup was made of.",
                ));
            }
        },
        volume_size_bytes: backup.volume_size_bytes.0,
        created_at: backup.created_at,
        owner,
        storage: backup.destination.try_into()?,
    })
}

impl TryFrom<AgentDestination> for BackupStorage {
    type Error = Failure;

    fn try_from(destination: AgentDestination) -> Result<Self> {
        let kind = (destination.s3, destination.nfs, destination.local);
        let address = match kind {
            (Some(s3), None, None) => Destination::S3(S3Bucket {
                endpoint: s3.endpoint,
                region: s3.region,
                bucket: s3.bucket,
                prefix: s3.prefix,
                access_key_id: s3.access_key_id,
                secret_access_key: s3.secret_access_key.0,
                force_path_style: s3.force_path_style,
            }),
            (None, Some(nfs), None) => Destination::Nfs(NfsExport {
                server: nfs.server,
                export: nfs.export,
                directory: nfs.directory,
            }),
            (None, None, Some(local)) => Destination::Local {
                path: PathBuf::from(local.path),
            },
            _ => {
                return Err(unknown(
                    "This agent does not know the kind of backup storage.",
                ));
            }
        };
        Ok(Self {
            id: destination.id.0,
            destination: address,
            mark: mark(destination.mark, PlaceKind::BackupStorage)?,
            bytes_per_second: destination.bandwidth_limit.map(|limit| limit.0),
        })
    }
}
