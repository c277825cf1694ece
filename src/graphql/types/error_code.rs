//! The codes of errors, and what each tells its reader.

use async_graphql::{Enum, SimpleObject};

use crate::domain;

/// What `extensions.code` of an error may be. `errorCatalog` tells what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ErrorCode")]
pub enum ErrorCode {
    /// The request is not a GraphQL document.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The request has the hash of a document only, and no documents are kept here.
    PersistedQueryNotSupported,
    /// The document asks for too much at once.
    QueryTooComplex,
    /// Too many requests came from here.
    RateLimited,
    /// Something failed on the server's side.
    Internal,
    /// Nobody is signed in, or the token has ended.
    Unauthenticated,
    /// The signed-in caller may not do this.
    Forbidden,
    /// There is nothing with this id that the caller may see.
    NotFound,
    /// A value is not acceptable.
    InvalidInput,
    /// The typed name is not the name of what would be changed.
    ConfirmationMismatch,
    /// The idempotency key was used with another input.
    IdempotencyConflict,
    /// The gateway has no key to encrypt a secret with.
    NoSecretKey,
    /// Something still uses what is to be deleted.
    InUse,
    /// The snapshot or backup is not available.
    ItemNotAvailable,
    /// The volume is in use by a running instance.
    VolumeAttachedToRunningInstance,
    /// The volume is not in a state for this.
    VolumeNotAvailable,
    /// Item and target lie on different kinds of storage.
    StorageTypeMismatch,
    /// The volume lies where only another hypervisor reaches it.
    VolumeOutOfReach,
    /// The hypervisor has no backup storage.
    NoBackupStorage,
    /// The target is smaller than what would be restored.
    TargetTooSmall,
    /// The hypervisor's agent cannot do this yet.
    AgentOutdated,
    /// The volume is partly overwritten: a restore in place failed half way.
    VolumeInconsistent,
    /// Another operation holds the volume.
    VolumeBusy,
    /// The volume rests after its last operation.
    VolumeInCooldown,
    /// The plan's cap on snapshots is reached.
    SnapshotLimitReached,
    /// The plan's cap on backups is reached.
    BackupLimitReached,
    /// The account has as many volumes, or volumes of as many bytes, as it may.
    VolumeLimitReached,
    /// The account has too many operations in flight.
    InFlightLimitReached,
    /// Too many deletes and new volumes of the account wait for agents.
    TooManyWaiting,
    /// The stream cannot go on from there: the events behind the cursor are gone, or have not come yet.
    CursorGone,
    /// The operation did not end in time.
    TimedOut,
    /// An administrator gave up on the operation.
    FailedByAdministrator,
    /// The hypervisor's agent was lost during every attempt.
    AgentLost,
    /// The volume's storage failed.
    StorageFailed,
    /// The storage refused a deletion, and nothing was removed.
    DeleteRefused,
    /// The volume's image is gone, damaged, or not one that can be written.
    ImageDamaged,
    /// The backup storage does not answer.
    BackupStorageUnreachable,
    /// The backup storage has no room left.
    BackupStorageFull,
    /// The backup is not what was written.
    BackupCorrupt,
}

/// What a code of an error means and what to do about it.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ErrorDescription {
    /// The code.
    pub code: ErrorCode,
    /// What it means.
    pub meaning: &'static str,
    /// Whether time alone may heal it.
    pub retriable: bool,
    /// What to do about it.
    pub remedy: &'static str,
}

impl From<domain::ErrorCode> for ErrorDescription {
    fn from(code: domain::ErrorCode) -> Self {
        let description = code.description();
        Self {
            code: code.into(),
            meaning: description.meaning,
            retriable: description.retriable,
            remedy: description.remedy,
        }
    }
}
