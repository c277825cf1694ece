//! Operations: the queue that agents work off, and its history.

use sea_orm::{Select, entity::prelude::*};

use crate::{
    AccountId, BackupId, HypervisorId, OperationId, Scope, SnapshotId, UserId, VolumeId,
    name::keeps_search_key,
    row::{kept_by_name, read_by_place},
};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OperationKind {
    /// Takes a snapshot.
    #[sea_orm(string_value = "create_snapshot")]
    CreateSnapshot,
    /// Exports a volume to a backup storage.
    #[sea_orm(string_value = "create_backup")]
    CreateBackup,
    /// Overwrites the volume that the item was made from.
    #[sea_orm(string_value = "restore_in_place")]
    RestoreInPlace,
    /// Makes a volume from the item.
    #[sea_orm(string_value = "restore_to_new_volume")]
    RestoreToNewVolume,
    /// Deletes a snapshot.
    #[sea_orm(string_value = "delete_snapshot")]
    DeleteSnapshot,
    /// Deletes a backup.
    #[sea_orm(string_value = "delete_backup")]
    DeleteBackup,
    /// Makes an empty volume.
    #[sea_orm(string_value = "create_volume")]
    CreateVolume,
    /// Deletes a volume.
    #[sea_orm(string_value = "delete_volume")]
    DeleteVolume,
}

impl OperationKind {
    /// The kinds that the in-flight limit counts, that a volume rests after, and that can be cancelled.
    pub const PROTECTING: [Self; 4] = [
        Self::CreateSnapshot,
        Self::CreateBackup,
        Self::RestoreInPlace,
        Self::RestoreToNewVolume,
    ];

    /// Those that read an item, which is RESTORING meanwhile.
    pub const RESTORING: [Self; 2] = [Self::RestoreInPlace, Self::RestoreToNewVolume];

    /// The kinds of which an account may have so many waiting: those that the in-flight limit does not count.
    pub const UNCOUNTED: [Self; 4] = [
        Self::DeleteSnapshot,
        Self::DeleteBackup,
        Self::DeleteVolume,
        Self::CreateVolume,
    ];

    /// The kinds that remove something.
    pub const DELETING: [Self; 3] = [Self::DeleteSnapshot, Self::DeleteBackup, Self::DeleteVolume];

    /// The kinds that move a volume's content: they take minutes or hours where others take seconds.
    pub const LONG: [Self; 3] = [
        Self::CreateBackup,
        Self::RestoreInPlace,
        Self::RestoreToNewVolume,
    ];
}

/// Where an operation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OperationStatus {
    /// Accepted; waits for its agent.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// An agent holds it by a lease.
    #[sea_orm(string_value = "started")]
    Started,
    /// Done.
    #[sea_orm(string_value = "completed")]
    Completed,
    /// Ended by an error.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// Ended by its requester.
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
}

impl OperationStatus {
    /// The statuses in which an operation counts as in flight.
    pub const IN_FLIGHT: [Self; 2] = [Self::Pending, Self::Started];
}

/// A row of `operations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is in its life.
    pub status: OperationStatus,
    /// Rises with every change of the status: what has a lower one is older.
    pub revision: i32,
    /// The name of what it is about, kept when that is gone.
    pub subject_name: String,
    /// What searches compare; written with the subject's name.
    pub search_subject: String,
    /// The owner of the volume.
    pub account_id: AccountId,
    /// The volume it works on or reads; of a restore from a backup, the one it was made of.
    pub volume_id: VolumeId,
    /// The snapshot it makes, reads or deletes.
    pub snapshot_id: Option<SnapshotId>,
    /// The backup it makes, reads or deletes.
    pub backup_id: Option<BackupId>,
    /// Of a restore to a new volume: that volume.
    pub target_volume_id: Option<VolumeId>,
    /// Whose agent does it.
    pub hypervisor_id: HypervisorId,
    /// Who asked for it.
    pub requested_by: Option<UserId>,
    /// Counts the claims: a report of an older one is refused.
    pub epoch: i32,
    /// How often it was given to an agent that did not say a word of it since; 0 once one did.
    pub offers: i32,
    /// How many attempts agents have begun and not handed back.
    pub attempts: i32,
    /// Until when the agent may be working on it; null when none can be.
    pub lease_expires_at: Option<DateTimeUtc>,
    /// When the requester asked to stop it.
    pub cancel_requested_at: Option<DateTimeUtc>,
    /// A restore in place may have begun to write.
    pub volume_touched: bool,
    /// Of a deletion: what is deleted had failed before, and has again where nothing of it is removed.
    pub was_failed: bool,
    /// A restore in place may put a new image in the place of one that is damaged or gone.
    pub replace_image: bool,
    /// What is going on, for a person.
    pub phase: String,
    /// Bytes that the destination acknowledged.
    pub bytes_done: i64,
    /// Bytes in all; 0 while unknown.
    pub bytes_total: i64,
    /// How fast it went lately.
    pub bytes_per_second: Option<i64>,
    /// When the agent last reported progress.
    pub progressed_at: Option<DateTimeUtc>,
    /// Why it failed, as an `ErrorCode` of the API.
    pub error_code: Option<String>,
    /// Why it failed, for the customer.
    pub error_message: Option<String>,
    /// When it was accepted.
    pub created_at: DateTimeUtc,
    /// When it is failed if it has not ended; null when it was accepted before this was kept.
    pub deadline_at: Option<DateTimeUtc>,
    /// When an agent first started it.
    pub started_at: Option<DateTimeUtc>,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

keeps_search_key!(subject_name => search_subject);

kept_by_name!(OperationKind: CreateSnapshot, OperationStatus: Pending);

read_by_place!(
    id,
    kind,
    status,
    revision,
    subject_name,
    search_subject,
    account_id,
    volume_id,
    snapshot_id,
    backup_id,
    target_volume_id,
    hypervisor_id,
    requested_by,
    epoch,
    offers,
    attempts,
    lease_expires_at,
    cancel_requested_at,
    volume_touched,
    was_failed,
    replace_image,
    phase,
    bytes_done,
    bytes_total,
    bytes_per_second,
    progressed_at,
    error_code,
    error_message,
    created_at,
    deadline_at,
    started_at,
    finished_at,
);

impl Entity {
    /// The rows that `scope` covers.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope.narrow(Self::find(), Column::AccountId)
    }
}
