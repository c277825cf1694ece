//! The guards: pure functions of loaded facts. Mutations enforce what `Volume.actions` tells.
//!
//! Each function lists every guard that says no, in one fixed order; the first one is the error.

mod refusal;

use chrono::{DateTime, Utc};
use entity::{
    BackupStorageId, OperationId, operation::OperationKind, snapshot::ItemStatus,
    volume::VolumeState, volume_plan::StorageType,
};

pub use refusal::Refusal;

/// What the guards know of the volume that an operation works on or reads.
#[derive(Clone, Debug)]
pub struct VolumeFacts {
    /// Where it is in its life.
    pub state: VolumeState,
    /// Whether a restore in place failed half way.
    pub inconsistent: bool,
    /// Whether the instance that it is attached to runs.
    pub attached_to_running_instance: bool,
    /// What holds its lock.
    pub active: Option<Active>,
    /// When its cooldown ends, if it is under way.
    pub cooldown_ends_at: Option<DateTime<Utc>>,
    /// Snapshots that count, and how many may.
    pub snapshots: Usage,
    /// Backups that count, and how many may.
    pub backups: Usage,
    /// What the account's volumes are, and may be.
    pub quota: Quota,
    /// The account's operations in flight, and how many may be.
    pub in_flight: Usage,
    /// Where its backups would go.
    pub backup_storage: Option<BackupStorageId>,
    /// The agent that would do the work.
    pub agent: AgentFacts,
    /// By the database's clock.
    pub now: DateTime<Utc>,
}

/// The operation that holds a volume's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Which.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
}

/// How full a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many there are.
    pub count: u64,
    /// How many there may be.
    pub limit: u64,
}

impl Usage {
    fn is_full(self) -> bool {
        self.count >= self.limit
    }
}

/// What an account holds and may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its volumes.
    pub volumes: Usage,
    /// Their bytes in all.
    pub bytes: Usage,
}

impl Quota {
    /// Whether another volume of `bytes` is too much.
    fn refuses(self, bytes: i64) -> Option<Refusal> {
        let bytes = u64::try_from(bytes).unwrap_or_default();
        if self.volumes.is_full() {
            return Some(Refusal::VolumeLimitReached(self.volumes));
        }
        (self.bytes.count.saturating_add(bytes) > self.bytes.limit).then_some(
            Refusal::VolumeBytesLimitReached {
                bytes: self.bytes,
                asked: bytes,
            },
        )
    }
}

/// What the agent of a hypervisor can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFacts {
    /// Its hypervisor's name, where the reader may know it.
    pub hypervisor: Option<String>,
    /// The work of snapshots.
    pub can_snapshot: bool,
    /// The work of backups.
    pub can_backup: bool,
}

impl AgentFacts {
    fn can(&self, work: Work) -> bool {
        match work {
            Work::Snapshot => self.can_snapshot,
            Work::Backup => self.can_backup,
        }
    }
}

/// The two kinds of items, and of the work on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Marks on the volume's own storage.
    Snapshot,
    /// Exports to a backup storage.
    Backup,
}

/// What the guards know of a snapshot or backup.
#[derive(Clone, Copy, Debug)]
pub struct ItemFacts {
    /// Which kind it is.
    pub work: Work,
    /// Where it is in its life.
    pub status: ItemStatus,
    /// What its volume lay on.
    pub storage_type: StorageType,
    /// How large its volume was.
    pub volume_size_bytes: i64,
}

/// What the guards know of where a restore writes.
#[derive(Clone, Copy, Debug)]
pub struct TargetFacts {
    /// What it lies on.
    pub storage_type: StorageType,
    /// How large it is.
    pub size_bytes: i64,
}

/// Guards of taking a snapshot.
pub fn create_snapshot(volume: &VolumeFacts) -> Vec<Refusal> {
    collect([
        agent_lacks(&volume.agent, Work::Snapshot),
        not_available(volume),
        inconsistent(volume),
        busy(volume),
        in_cooldown(volume),
        volume
            .snapshots
            .is_full()
            .then_some(Refusal::SnapshotLimitReached),
        in_flight(volume),
    ])
}

/// Guards of making a backup.
pub fn create_backup(volume: &VolumeFacts) -> Vec<Refusal> {
    collect([
        volume
            .backup_storage
            .is_none()
            .then_some(Refusal::NoBackupStorage),
        agent_lacks(&volume.agent, Work::Backup),
        not_available(volume),
        inconsistent(volume),
        busy(volume),
        in_cooldown(volume),
        volume
            .backups
            .is_full()
            .then_some(Refusal::BackupLimitReached),
        in_flight(volume),
    ])
}

/// Guards of a restore over the volume that the item was made from. Without an item: those that
/// would hold for any. Where the image may be replaced, a volume that failed can be restored as well.
pub fn restore_in_place(
    volume: &VolumeFacts,
    item: Option<(ItemFacts, TargetFacts)>,
    replace_image: bool,
) -> Vec<Refusal> {
    let work = item.map_or(Work::Snapshot, |(item, _)| item.work);
    let mut refusals = item.map_or_else(Vec::new, |(item, target)| of_item(item, target));
    refusals.extend(collect([
        agent_lacks(&volume.agent, work),
        not_available(volume).filter(|_| !(replace_image && volume.state == VolumeState::Failed)),
        volume
            .attached_to_running_instance
            .then_some(Refusal::AttachedToRunningInstance),
        busy(volume),
        in_cooldown(volume),
        in_flight(volume),
    ]));
    refusals
}

/// Guards of a restore to a new volume. A snapshot's volume is locked while it is read; a backup's
/// may be busy, resting or gone. Without an item: those that would hold for any snapshot.
pub fn restore_to_new_volume(
    volume: &VolumeFacts,
    item: Option<(ItemFacts, TargetFacts)>,
) -> Vec<Refusal> {
    let work = item.map_or(Work::Snapshot, |(item, _)| item.work);
    let mut refusals = item.map_or_else(Vec::new, |(item, target)| of_item(item, target));
    refusals.extend(agent_lacks(&volume.agent, work));
    if work == Work::Snapshot {
        refusals.extend(collect([
            not_available(volume),
            busy(volume),
            in_cooldown(volume),
        ]));
    }
    let bytes = item.map_or(1, |(_, target)| target.size_bytes);
    refusals.extend(volume.quota.refuses(bytes));
    refusals.extend(in_flight(volume));
    refusals
}

/// Guards of making an empty volume of `bytes` in an account.
pub fn create_volume(quota: Quota, bytes: i64, waiting: Usage) -> Vec<Refusal> {
    let refusals = quota.refuses(bytes).into_iter();
    refusals.chain(too_many_waiting(waiting)).collect()
}

/// Guards of deleting a snapshot: its volume is changed, but neither rests nor obeys a cooldown. `waiting` is how many deletes
/// wait for agents; none where nothing is on storage, and no agent is needed.
pub fn delete_snapshot(
    volume: &VolumeFacts,
    status: ItemStatus,
    waiting: Option<Usage>,
) -> Vec<Refusal> {
    let gone = matches!(volume.state, VolumeState::Creating | VolumeState::Deleting);
    collect([
        item_not_deletable(status),
        waiting.and_then(|_| agent_lacks(&volume.agent, Work::Snapshot)),
        gone.then_some(Refusal::VolumeNotAvailable(volume.state)),
        busy(volume),
        waiting.and_then(too_many_waiting),
    ])
}

/// Guards of deleting a backup: only the backup is locked. `by` is the agent that would do it, and how many deletes wait
/// for agents; none where nothing is on storage, and no agent is needed.
pub fn delete_backup(status: ItemStatus, by: Option<(AgentFacts, Usage)>) -> Vec<Refusal> {
    collect([
        item_not_deletable(status),
        by.as_ref()
            .and_then(|(agent, _)| agent_lacks(agent, Work::Backup)),
        by.and_then(|(_, waiting)| too_many_waiting(waiting)),
    ])
}

/// Guards of deleting a volume that has `snapshots` snapshots. `waiting` as of [`delete_snapshot`].
pub fn delete_volume(
    volume: &VolumeFacts,
    snapshots: u64,
    attached: bool,
    waiting: Option<Usage>,
) -> Vec<Refusal> {
    let gone = matches!(volume.state, VolumeState::Creating | VolumeState::Deleting);
    collect([
        gone.then_some(Refusal::VolumeNotAvailable(volume.state)),
        (snapshots > 0).then_some(Refusal::VolumeHasSnapshots(snapshots)),
        attached.then_some(Refusal::VolumeAttached),
        busy(volume),
        waiting.and_then(too_many_waiting),
    ])
}

/// The guard of attaching, detaching, and of starting an instance: a restore or a delete that
/// holds the volume changes or reads its content as a whole.
pub fn held_by_restore_or_delete(active: Option<Active>) -> Option<Refusal> {
    active
        .filter(|active| matches!(word(active.kind), "restore" | "delete"))
        .map(Refusal::VolumeBusy)
}

/// What users call an operation of this kind.
pub fn word(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::CreateSnapshot => "snapshot",
        OperationKind::CreateBackup => "backup",
        OperationKind::RestoreInPlace | OperationKind::RestoreToNewVolume => "restore",
        OperationKind::DeleteSnapshot
        | OperationKind::DeleteBackup
        | OperationKind::DeleteVolume => "delete",
        OperationKind::CreateVolume => "create",
    }
}

fn collect<const N: usize>(refusals: [Option<Refusal>; N]) -> Vec<Refusal> {
    refusals.into_iter().flatten().collect()
}

fn of_item(item: ItemFacts, target: TargetFacts) -> Vec<Refusal> {
    let readable = matches!(item.status, ItemStatus::Available | ItemStatus::Restoring);
    collect([
        (!readable).then_some(Refusal::ItemNotAvailable(item.status)),
        (item.storage_type != target.storage_type).then_some(Refusal::StorageTypeMismatch {
            work: item.work,
            item: item.storage_type,
            target: target.storage_type,
        }),
        (target.size_bytes < item.volume_size_bytes).then_some(Refusal::TargetTooSmall {
            target_bytes: target.size_bytes,
            item_bytes: item.volume_size_bytes,
        }),
    ])
}

/// What failed to be made can be deleted too.
fn item_not_deletable(status: ItemStatus) -> Option<Refusal> {
    let deletable = matches!(status, ItemStatus::Available | ItemStatus::Failed);
    (!deletable).then_some(Refusal::ItemNotAvailable(status))
}

fn agent_lacks(agent: &AgentFacts, work: Work) -> Option<Refusal> {
    (!agent.can(work)).then(|| Refusal::AgentOutdated {
        hypervisor: agent.hypervisor.clone(),
    })
}

fn not_available(volume: &VolumeFacts) -> Option<Refusal> {
    (volume.state != VolumeState::Available).then_some(Refusal::VolumeNotAvailable(volume.state))
}

fn inconsistent(volume: &VolumeFacts) -> Option<Refusal> {
    volume.inconsistent.then_some(Refusal::VolumeInconsistent)
}

fn busy(volume: &VolumeFacts) -> Option<Refusal> {
    volume.active.map(Refusal::VolumeBusy)
}

fn in_cooldown(volume: &VolumeFacts) -> Option<Refusal> {
    volume
        .cooldown_ends_at
        .filter(|ends_at| *ends_at > volume.now)
        .map(|ends_at| Refusal::VolumeInCooldown {
            ends_at,
            now: volume.now,
        })
}

fn in_flight(volume: &VolumeFacts) -> Option<Refusal> {
    volume
        .in_flight
        .is_full()
        .then_some(Refusal::InFlightLimitReached(volume.in_flight))
}

fn too_many_waiting(waiting: Usage) -> Option<Refusal> {
    waiting
        .is_full()
        .then_some(Refusal::TooManyWaiting(waiting))
}
