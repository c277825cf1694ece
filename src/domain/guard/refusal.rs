//! The words and codes of the guards.

use chrono::{DateTime, Utc};
use entity::{OperationId, snapshot::ItemStatus, volume::VolumeState, volume_plan::StorageType};

use super::{Active, Usage, Work, word};
use crate::domain::{ErrorCode, cooldown};

/// A guard that says no. Its text is what the caller reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The typed name is another one.
    #[error("The name does not match. Type \"{0}\" to confirm.")]
    ConfirmationMismatch(String),
    /// The item cannot be used now.
    #[error("{}", item_not_available(*.0))]
    ItemNotAvailable(ItemStatus),
    /// Nowhere to write a backup.
    #[error("Hypervisor has no backup storage configured.")]
    NoBackupStorage,
    /// Item and target lie on different kinds of storage.
    #[error("{}", storage_type_mismatch(*.work, *.item, *.target))]
    StorageTypeMismatch {
        /// What is restored.
        work: Work,
        /// What its volume lay on.
        item: StorageType,
        /// What the target lies on.
        target: StorageType,
    },
    /// The volume lies where only another hypervisor reaches it.
    #[error(
        "The volume lies on another hypervisor than the instance. Attach it to an instance of its own \
         hypervisor, or restore a backup of it."
    )]
    VolumeOutOfReach,
    /// The target is smaller than the item.
    #[error(
        "The target is {target_bytes} bytes, but the item's volume was {item_bytes} bytes. \
         Choose a larger plan."
    )]
    TargetTooSmall {
        /// The target's size.
        target_bytes: i64,
        /// The size of the item's volume.
        item_bytes: i64,
    },
    /// The plan is for volumes on another kind of storage.
    #[error(
        "The volume lies on {}, the plan is for volumes on {}. Choose a plan of the volume's storage type.",
        storage(*.volume), storage(*.plan)
    )]
    PlanOfAnotherKind {
        /// What the volume lies on.
        volume: StorageType,
        /// What the plan's volumes lie on.
        plan: StorageType,
    },
    /// The plan is for volumes of another size.
    #[error(
        "The volume has {volume_bytes} bytes, the plan's volumes have {plan_bytes}. Choose a plan of the \
         volume's size."
    )]
    PlanOfAnotherSize {
        /// The volume's size.
        volume_bytes: i64,
        /// The size of the plan's volumes.
        plan_bytes: i64,
    },
    /// The agent cannot do this.
    #[error("{}", agent_outdated(.hypervisor.as_deref()))]
    AgentOutdated {
        /// Whose agent; names of hypervisors are for administrators.
        hypervisor: Option<String>,
    },
    /// The volume is not there yet, or no longer.
    #[error("{}", volume_not_available(*.0))]
    VolumeNotAvailable(VolumeState),
    /// Its snapshots would go with it.
    #[error("{}", volume_has_snapshots(*.0))]
    VolumeHasSnapshots(u64),
    /// It is attached to an instance.
    #[error("Volume is attached to an instance. Detach it first.")]
    VolumeAttached,
    /// Its content is half of one state and half of another.
    #[error(
        "Volume is inconsistent: a restore in place failed half way. \
         Complete a restore in place first."
    )]
    VolumeInconsistent,
    /// A running instance would be overwritten under its feet.
    #[error(
        "Cannot restore in-place while attached to a running instance. \
         Stop the instance or detach the volume first."
    )]
    AttachedToRunningInstance,
    /// Another operation holds the volume.
    #[error("Volume is busy with operation: {}", word(.0.kind))]
    VolumeBusy(Active),
    /// The volume rests.
    #[error("Volume is in cooldown. Try again in {} seconds.", cooldown::whole_seconds(*.ends_at, *.now))]
    VolumeInCooldown {
        /// Until when.
        ends_at: DateTime<Utc>,
        /// When it was asked.
        now: DateTime<Utc>,
    },
    /// The cap on snapshots.
    #[error("Snapshot limit reached. Delete an existing snapshot first.")]
    SnapshotLimitReached,
    /// The cap on backups.
    #[error("Backup limit reached. Delete an existing backup first.")]
    BackupLimitReached,
    /// Something still uses what is to be deleted.
    #[error("{0}")]
    InUse(String),
    /// The account's limit on volumes.
    #[error(
        "Volume limit reached ({} of {}). Delete a volume first, or ask an administrator for more.",
        .0.count, .0.limit
    )]
    VolumeLimitReached(Usage),
    /// The account's limit on the bytes of its volumes.
    #[error(
        "Volume limit reached: the account's volumes have {} of {} bytes, and this one would have {asked}. \
         Delete a volume first, or ask an administrator for more.",
        .bytes.count, .bytes.limit
    )]
    VolumeBytesLimitReached {
        /// What its volumes have and may have.
        bytes: Usage,
        /// What one more would have.
        asked: u64,
    },
    /// The account's limit on what is in flight.
    #[error(
        "Too many volume operations in flight ({} of {}). Wait for one to finish.",
        .0.count, .0.limit
    )]
    InFlightLimitReached(Usage),
    /// The account's limit on deletes and new volumes.
    #[error(
        "Too many deletes and new volumes are waiting ({} of {}). Wait for some of them to be done.",
        .0.count, .0.limit
    )]
    TooManyWaiting(Usage),
}

impl Refusal {
    /// The code that callers see.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ConfirmationMismatch(_) => ErrorCode::ConfirmationMismatch,
            Self::ItemNotAvailable(_) => ErrorCode::ItemNotAvailable,
            Self::NoBackupStorage => ErrorCode::NoBackupStorage,
            Self::StorageTypeMismatch { .. } | Self::PlanOfAnotherKind { .. } => {
                ErrorCode::StorageTypeMismatch
            }
            Self::VolumeOutOfReach => ErrorCode::VolumeOutOfReach,
            Self::PlanOfAnotherSize {
                volume_bytes,
                plan_bytes,
            } if plan_bytes > volume_bytes => ErrorCode::InvalidInput,
            Self::TargetTooSmall { .. } | Self::PlanOfAnotherSize { .. } => {
                ErrorCode::TargetTooSmall
            }
            Self::AgentOutdated { .. } => ErrorCode::AgentOutdated,
            Self::VolumeNotAvailable(_) | Self::VolumeHasSnapshots(_) | Self::VolumeAttached => {
                ErrorCode::VolumeNotAvailable
            }
            Self::VolumeInconsistent => ErrorCode::VolumeInconsistent,
            Self::AttachedToRunningInstance => ErrorCode::VolumeAttachedToRunningInstance,
            Self::VolumeBusy(_) => ErrorCode::VolumeBusy,
            Self::VolumeInCooldown { .. } => ErrorCode::VolumeInCooldown,
            Self::SnapshotLimitReached => ErrorCode::SnapshotLimitReached,
            Self::BackupLimitReached => ErrorCode::BackupLimitReached,
            Self::InUse(_) => ErrorCode::InUse,
            Self::VolumeLimitReached(_) | Self::VolumeBytesLimitReached { .. } => {
                ErrorCode::VolumeLimitReached
            }
            Self::InFlightLimitReached(_) => ErrorCode::InFlightLimitReached,
            Self::TooManyWaiting(_) => ErrorCode::TooManyWaiting,
        }
    }

    /// When time will have healed it, where that is known.
    pub fn available_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::VolumeInCooldown { ends_at, .. } => Some(*ends_at),
            _ => None,
        }
    }

    /// In how many whole seconds time will have healed it, where that is known.
    pub fn retry_after_seconds(&self) -> Option<i64> {
        match self {
            Self::VolumeInCooldown { ends_at, now } => {
                Some(cooldown::whole_seconds(*ends_at, *now))
            }
            _ => None,
        }
    }

    /// The operation that stands in the way.
    pub fn operation(&self) -> Option<OperationId> {
        match self {
            Self::VolumeBusy(active) => Some(active.id),
            _ => None,
        }
    }
}

fn agent_outdated(hypervisor: Option<&str>) -> String {
    let hypervisor = hypervisor.map_or_else(
        || "this volume's hypervisor".to_owned(),
        |name| format!("hypervisor {name}"),
    );
    format!("The hypervisor's agent cannot do this yet: update the agent of {hypervisor}.")
}

fn item_not_available(status: ItemStatus) -> String {
    let state = match status {
        ItemStatus::Pending => "waiting to be made",
        ItemStatus::Creating => "being made",
        ItemStatus::Available => "available",
        ItemStatus::Restoring => "being restored",
        ItemStatus::Deleting => "being deleted",
        ItemStatus::Failed => "failed",
    };
    format!("The snapshot or backup is not available: it is {state}.")
}

fn volume_not_available(state: VolumeState) -> String {
    let state = match state {
        VolumeState::Creating => "it is being created",
        VolumeState::Available => "it is in use",
        VolumeState::Deleting => "it is being deleted",
        VolumeState::Failed => "it failed",
    };
    format!("Volume is not available: {state}.")
}

fn volume_has_snapshots(count: u64) -> String {
    let noun = if count == 1 { "snapshot" } else { "snapshots" };
    format!("Volume has {count} {noun}. Delete its snapshots first.")
}

fn storage(kind: StorageType) -> &'static str {
    match kind {
        StorageType::CephRbd => "Ceph",
        StorageType::Qcow2File => "qcow2 files",
    }
}

/// The product document's words: a plan on qcow2 files is "NFS-backed" to customers.
fn storage_type_mismatch(work: Work, item: StorageType, target: StorageType) -> String {
    let noun = match work {
        Work::Snapshot => "Snapshot",
        Work::Backup => "Backup",
    };
    let source = storage(item);
    let plan = match target {
        StorageType::CephRbd => "a Ceph-backed",
        StorageType::Qcow2File => "an NFS-backed",
    };
    format!(
        "{noun} created on {source} cannot restore onto {plan} plan. Choose a target plan whose \
         storage type matches the source volume's storage type."
    )
}
