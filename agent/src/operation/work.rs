//! What there is to do, with everything that is needed to do it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use storage::{Destination, format::manifest::StorageType};
use uuid::Uuid;

use crate::{driver::ceph_rbd::CephPool, report::Mark};

/// One operation's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Make a new, empty volume.
    CreateVolume {
        /// The volume.
        volume: Volume,
    },
    /// Remove a volume from its storage.
    DeleteVolume {
        /// The volume.
        volume: Volume,
    },
    /// Keep the volume as it is now.
    CreateSnapshot {
        /// The volume.
        volume: Volume,
        /// The snapshot to take.
        snapshot: SnapshotItem,
    },
    /// Let a snapshot go.
    DeleteSnapshot {
        /// The volume.
        volume: Volume,
        /// The snapshot to delete.
        snapshot: SnapshotItem,
    },
    /// Copy the volume, as it is now, to a destination.
    CreateBackup {
        /// The volume.
        volume: Volume,
        /// The backup to make.
        backup: BackupItem,
    },
    /// Remove a backup from its destination.
    DeleteBackup {
        /// The backup.
        backup: BackupItem,
    },
    /// Make a volume what it was.
    RestoreInPlace {
        /// The volume, which is overwritten.
        volume: Volume,
        /// What it becomes.
        source: RestoreSource,
    },
    /// Make a new volume of a snapshot.
    RestoreSnapshot {
        /// The volume that has the snapshot.
        volume: Volume,
        /// The snapshot.
        snapshot: SnapshotItem,
        /// The new volume.
        target: Volume,
    },
    /// Make a new volume of a backup.
    RestoreBackup {
        /// The backup.
        backup: BackupItem,
        /// The new volume.
        target: Volume,
    },
}

impl Work {
    /// The backup storage that it is about.
    pub fn backup_storage(&self) -> Option<&BackupStorage> {
        match self {
            Self::CreateBackup { backup, .. }
            | Self::DeleteBackup { backup }
            | Self::RestoreBackup { backup, .. } => Some(&backup.storage),
            Self::RestoreInPlace {
                source: RestoreSource::Backup(backup) | RestoreSource::BackupReplacing(backup),
                ..
            } => Some(&backup.storage),
            _ => None,
        }
    }

    /// Whether it may be done because something was not there, or be undone by a place that goes.
    pub(super) fn rests_on_absence(&self) -> bool {
        matches!(
            self,
            Self::CreateVolume { .. }
                | Self::DeleteVolume { .. }
                | Self::DeleteSnapshot { .. }
                | Self::DeleteBackup { .. }
        )
    }

    /// The volumes that it is about, each once.
    pub fn volumes(&self) -> impl Iterator<Item = &Volume> {
        let (volume, target) = match self {
            Self::CreateVolume { volume }
            | Self::DeleteVolume { volume }
            | Self::CreateSnapshot { volume, .. }
            | Self::DeleteSnapshot { volume, .. }
            | Self::CreateBackup { volume, .. }
            | Self::RestoreInPlace { volume, .. } => (Some(volume), None),
            Self::RestoreSnapshot { volume, target, .. } => (Some(volume), Some(target)),
            Self::RestoreBackup { target, .. } => (None, Some(target)),
            Self::DeleteBackup { .. } => (None, None),
        };
        volume.into_iter().chain(target)
    }
}

/// What a volume is restored from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreSource {
    /// One of its snapshots.
    Snapshot(SnapshotItem),
    /// One of its backups.
    Backup(Box<BackupItem>),
    /// One of its backups; where the volume's image is damaged or gone, a new one takes its place.
    BackupReplacing(Box<BackupItem>),
}

/// A volume and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its id, which names its image.
    pub id: Uuid,
    /// Its name, for manifests only.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it belongs to, for manifests.
    pub belongs: Belongs,
    /// Its storage.
    pub pool: Pool,
    /// What has to be found there first; nothing where the storage itself says which it is.
    pub mark: Option<Mark>,
    /// The instance that it is attached to.
    pub instance: Option<Instance>,
}

/// An instance, as the gateway knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Whether it is meant to run. QEMU has the last word.
    pub running: bool,
    /// Where its QEMU takes commands from this agent.
    pub qmp_socket: Option<PathBuf>,
}

/// What a volume belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongs {
    /// Its plan.
    pub plan: Named,
    /// The pool that it lies in.
    pub pool: Named,
    /// The hypervisor group whose pool that is.
    pub group: Named,
}

/// Whose a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The installation that asks for it.
    pub installation_id: Uuid,
    /// The account.
    pub account: Named,
}

/// Something by its id, and by what it is called for a person who has nothing but a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// The storage that volumes lie on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// A directory of qcow2 files.
    Qcow2File {
        /// The directory.
        directory: PathBuf,
    },
    /// A pool of RBD images.
    CephRbd(CephPool),
}

impl Pool {
    /// Its kind.
    pub fn storage_type(&self) -> StorageType {
        match self {
            Self::Qcow2File { .. } => StorageType::Qcow2File,
            Self::CephRbd(_) => StorageType::CephRbd,
        }
    }
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotItem {
    /// Its id, which names it on storage.
    pub id: Uuid,
    /// The volume's size when it was taken.
    pub volume_size_bytes: u64,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupItem {
    /// Its id.
    pub id: Uuid,
    /// Its name, for its manifest.
    pub name: String,
    /// The volume that it is of, which may be gone.
    pub volume_id: Uuid,
    /// What that volume lay on.
    pub storage_type: StorageType,
    /// The volume's size when it was made.
    pub volume_size_bytes: u64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Whose it is.
    pub owner: Owner,
    /// Where it lies.
    pub storage: BackupStorage,
}

/// Where backups are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupStorage {
    /// Its id: operations on the same one share its bandwidth.
    pub id: Uuid,
    /// What it is.
    pub destination: Destination,
    /// What has to be found there first.
    pub mark: Option<Mark>,
    /// How fast this host may write to it and read from it.
    pub bytes_per_second: Option<u64>,
}
