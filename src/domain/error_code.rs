//! What `extensions.code` of an error may be: the one table of codes, their meaning and their remedy.

use std::{fmt, str::FromStr};

/// What one code tells its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it means.
    pub meaning: &'static str,
    /// Whether time alone may heal it.
    pub retriable: bool,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! error_codes {
    ($($variant:ident $name:literal $meaning:literal $retriable:literal $remedy:literal;)+) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As the API writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it tells its reader.
            pub const fn description(self) -> Description {
                match self {
                    $(Self::$variant => Description {
                        meaning: $meaning,
                        retriable: $retriable,
                        remedy: $remedy,
                    },)+
                }
            }
        }
    };
}

error_codes! {
    GraphqlParseFailed "GRAPHQL_PARSE_FAILED"
        "The request is not a GraphQL document." false
        "Correct the document: `locations` name the line and column.";
    GraphqlValidationFailed "GRAPHQL_VALIDATION_FAILED"
        "The document does not fit the schema." false
        "Compare it with the schema: the message names the field.";
    PersistedQueryNotSupported "PERSISTED_QUERY_NOT_SUPPORTED"
        "The request has the hash of a document only, and no documents are kept here." false
        "Send the document itself, as clients of persisted queries then do.";
    QueryTooComplex "QUERY_TOO_COMPLEX"
        "The document asks for too much at once." false
        "Ask for fewer fields, shorter pages, or in several requests.";
    RateLimited "RATE_LIMITED"
        "Too many requests came from here." true
        "Wait for as long as the error says.";
    Internal "INTERNAL"
        "Something failed on our side." true
        "Try again; if it persists, give the trace id to the operator.";
    Unauthenticated "UNAUTHENTICATED"
        "Nobody is signed in, or the token has ended." false
        "Sign in, or send a valid token.";
    Forbidden "FORBIDDEN"
        "The signed-in caller may not do this." false
        "Ask an administrator.";
    NotFound "NOT_FOUND"
        "There is nothing with this id that the caller may see." false
        "Check the id.";
    InvalidInput "INVALID_INPUT"
        "A value is not acceptable." false
        "Correct the value that the message names.";
    ConfirmationMismatch "CONFIRMATION_MISMATCH"
        "The typed name is not the name of what would be changed." false
        "Type the exact name.";
    IdempotencyConflict "IDEMPOTENCY_CONFLICT"
        "The idempotency key was used with another input." false
        "Use a new key for a new request.";
    NoSecretKey "NO_SECRET_KEY"
        "The gateway has no key to encrypt a secret with." false
        "Configure `secrets.keys`, restart the gateway, and try again.";
    InUse "IN_USE"
        "Something still uses what is to be deleted." false
        "Delete or move what the message names first.";
    ItemNotAvailable "ITEM_NOT_AVAILABLE"
        "The snapshot or backup is not available." true
        "Wait until it is AVAILABLE, or choose another one.";
    VolumeAttachedToRunningInstance "VOLUME_ATTACHED_TO_RUNNING_INSTANCE"
        "The volume is in use by a running instance." false
        "Stop the instance, detach the volume, or restore to a new volume.";
    VolumeNotAvailable "VOLUME_NOT_AVAILABLE"
        "The volume is not in a state for this." false
        "Wait until it is created, or do what the message says.";
    StorageTypeMismatch "STORAGE_TYPE_MISMATCH"
        "Item and target lie on different kinds of storage." false
        "Choose a target plan whose storage type matches.";
    VolumeOutOfReach "VOLUME_OUT_OF_REACH"
        "The volume lies where only another hypervisor reaches it." false
        "Use an instance of the volume's own hypervisor, or restore a backup.";
    NoBackupStorage "NO_BACKUP_STORAGE"
        "The hypervisor has no backup storage." false
        "Ask an administrator to set one on the hypervisor group.";
    TargetTooSmall "TARGET_TOO_SMALL"
        "The target is smaller than what would be restored." false
        "Choose a larger plan.";
    AgentOutdated "AGENT_OUTDATED"
        "The hypervisor's agent cannot do this yet." false
        "Ask an administrator to update the agent.";
    VolumeInconsistent "VOLUME_INCONSISTENT"
        "The volume is partly overwritten: a restore in place failed half way." false
        "Complete a restore in place first.";
    VolumeBusy "VOLUME_BUSY"
        "Another operation holds the volume." true
        "Wait for the operation that the error names.";
    VolumeInCooldown "VOLUME_IN_COOLDOWN"
        "The volume rests after its last operation." true
        "Wait for as long as the error says.";
    SnapshotLimitReached "SNAPSHOT_LIMIT_REACHED"
        "The plan's cap on snapshots is reached." false
        "Delete a snapshot, or choose a plan with a higher cap.";
    BackupLimitReached "BACKUP_LIMIT_REACHED"
        "The plan's cap on backups is reached." false
        "Delete a backup, or choose a plan with a higher cap.";
    VolumeLimitReached "VOLUME_LIMIT_REACHED"
        "The account has as many volumes, or volumes of as many bytes, as it may." false
        "Delete a volume, or ask an administrator for more.";
    InFlightLimitReached "IN_FLIGHT_LIMIT_REACHED"
        "The account has too many operations in flight." true
        "Wait for one of them to finish.";
    TooManyWaiting "TOO_MANY_WAITING"
        "Too many deletes and new volumes of the account wait for agents." true
        "Wait for some of them to be done.";
    CursorGone "CURSOR_GONE"
        "The stream cannot go on from there: the events behind the cursor are gone, or have not come yet." false
        "Read the state anew and begin a stream without a cursor.";
    TimedOut "TIMED_OUT"
        "The operation did not end in time." true
        "See its logs, then try again.";
    FailedByAdministrator "FAILED_BY_ADMINISTRATOR"
        "An administrator gave up on the operation." true
        "Read the reason in the message, then try again.";
    AgentLost "AGENT_LOST"
        "The hypervisor's agent was lost during every attempt." true
        "See its logs; ask the operator whether the hypervisor is well.";
    StorageFailed "STORAGE_FAILED"
        "The volume's storage failed." true
        "See the operation's logs; ask the operator to check the storage.";
    DeleteRefused "DELETE_REFUSED"
        "The storage refused a deletion, and nothing was removed." true
        "Do what the message says, then delete it again.";
    ImageDamaged "IMAGE_DAMAGED"
        "The volume's image is gone, damaged, or not one that can be written." false
        "Restore a backup with `replaceImage`, which costs the volume's snapshots, or restore a backup or a snapshot to a new volume.";
    BackupStorageUnreachable "BACKUP_STORAGE_UNREACHABLE"
        "The backup storage does not answer." true
        "Try again later; ask the operator to check the backup storage.";
    BackupStorageFull "BACKUP_STORAGE_FULL"
        "The backup storage has no room left." true
        "Delete backups, or ask the operator for more room.";
    BackupCorrupt "BACKUP_CORRUPT"
        "The backup is not what was written." false
        "Restore another backup; ask the operator to check the backup storage.";
}

/// All codes as a table in Markdown: the page `docs/errors.md`.
pub fn table() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Every error of the API has one of these in `extensions.code`. The query `errorCatalog` \
         tells the same.\n\n\
         | code | what it means | does time heal it? | what to do |\n\
         |---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let told = code.description();
        let heals = if told.retriable { "yes" } else { "no" };
        let (meaning, remedy) = (told.meaning, told.remedy);
        page.extend([
            "| `",
            code.as_str(),
            "` | ",
            meaning,
            " | ",
            heals,
            " | ",
            remedy,
            " |\n",
        ]);
    }
    page
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(())
    }
}
