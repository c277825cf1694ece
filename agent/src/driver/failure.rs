//! Why a step failed: in words for the customer, with what only an administrator should see apart.

use std::{fmt, io};

use storage::Error as StoreError;

use crate::{export, nbd, process, qcow2::Defect};

const POOL_FULL: &str = "The storage pool is full: no space left for the volume.";
/// How QEMU says that there is no space, or no more that one may have.
const NO_SPACE: [&str; 2] = ["No space left", "Disk quota exceeded"];

/// How tools say it.
const REFUSALS: [(&str, io::ErrorKind); 4] = [
    ("Permission denied", io::ErrorKind::PermissionDenied),
    ("Operation not permitted", io::ErrorKind::PermissionDenied),
    ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
    ("Stale file handle", io::ErrorKind::StaleNetworkFileHandle),
];

/// What the system refuses because of the pool that a file lies in, and not because of the file.
fn of_the_pool(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied => {
            Some("The hypervisor is not allowed to use the storage pool.")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("The storage pool can only be read."),
        io::ErrorKind::StaleNetworkFileHandle => {
            Some("The storage pool has to be mounted again on the hypervisor.")
        }
        _ => None,
    }
}

/// Whether QEMU speaks of space that is lacking.
pub(super) fn speaks_of_space(message: &str) -> bool {
    NO_SPACE.iter().any(|words| message.contains(words))
}

/// The error codes of the contract that an agent may report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The volume's own storage failed.
    StorageFailed,
    /// The backup storage is not there.
    BackupStorageUnreachable,
    /// The backup storage has no space.
    BackupStorageFull,
    /// The backup is not what was written.
    BackupCorrupt,
    /// The volume is smaller than what it should hold.
    TargetTooSmall,
    /// The item is of another kind of storage.
    StorageTypeMismatch,
    /// The snapshot or backup is not there.
    ItemNotAvailable,
    /// A running instance uses the volume.
    VolumeAttached,
    /// A later agent is needed.
    AgentOutdated,
    /// The volume's image is gone, or no longer what it was.
    ImageDamaged,
}

/// What a deletion that failed has removed of what was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Nothing: it was refused, or it never began.
    Nothing,
    /// A part of it, or all of it.
    Some,
    /// Nobody can tell: what was asked for may even be done later.
    Unknown,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// What a customer may read: no host, no path.
    pub message: String,
    /// What an administrator needs to know besides.
    pub detail: Option<String>,
    /// False where the step had changed nothing yet.
    pub begun: bool,
    /// Of a deletion: what it has removed, where that is known without looking.
    pub removed: Option<Removed>,
}

impl Failure {
    /// A failure that needs no further explanation.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            begun: true,
            removed: None,
        }
    }

    /// The volume's own storage failed.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(Code::StorageFailed, message)
    }

    /// The volume's image is gone, or no longer what it was.
    pub fn damaged(message: impl Into<String>) -> Self {
        Self::new(Code::ImageDamaged, message)
    }

    /// Adds what only an administrator should see.
    #[must_use]
    pub fn because(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Says what a deletion has removed.
    #[must_use]
    pub fn having_removed(mut self, removed: Removed) -> Self {
        self.begun = true;
        self.removed = Some(removed);
        self
    }

    /// Nothing had been changed yet.
    #[must_use]
    pub fn before_change(mut self) -> Self {
        self.begun = false;
        self
    }

    /// What was read is not what was to be read.
    pub fn snapshot_lost() -> Self {
        Self::storage("The snapshot was deleted by another tool while it was read.")
    }

    /// A file of the pool could not be worked on, which is said as `doing`.
    pub fn file(doing: &str, error: &io::Error) -> Self {
        let failure = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::pool_full(),
            kind => Self::storage(of_the_pool(kind).unwrap_or("The volume's storage failed.")),
        };
        failure.because(format!("{doing}: {error}"))
    }

    /// The pool that volumes lie in has no space left.
    pub fn pool_full() -> Self {
        Self::storage(POOL_FULL)
    }

    /// Whether the pool that volumes lie in has no space left.
    pub fn is_pool_full(&self) -> bool {
        self.message == POOL_FULL
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.detail {
            Some(detail) => write!(formatter, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<process::Error> for Failure {
    fn from(error: process::Error) -> Self {
        match &error {
            process::Error::Missing { tool, .. } => Self::storage(format!(
                "The hypervisor lacks a program that is needed: {tool}."
            )),
            process::Error::TimedOut { tool, .. } => Self::storage(format!(
                "The volume's storage did not answer in time ({tool})."
            )),
            process::Error::Failed { message, .. } if speaks_of_space(message) => Self::pool_full(),
            process::Error::Failed { message, .. } => {
                let refusal = REFUSALS.iter().find(|(words, _)| message.contains(words));
                let pool = refusal.and_then(|(_, kind)| of_the_pool(*kind));
                Self::storage(pool.unwrap_or("The volume's storage failed."))
            }
            process::Error::Start { .. } => Self::storage("The volume's storage failed."),
        }
        .because(error)
    }
}

impl From<nbd::Error> for Failure {
    fn from(error: nbd::Error) -> Self {
        if error.is_no_space() {
            return Self::pool_full().because(error);
        }
        Self::storage("The volume's storage failed while it was read or written.").because(error)
    }
}

impl From<Defect> for Failure {
    fn from(defect: Defect) -> Self {
        match defect {
            Defect::Io(error) => {
                let unreadable = "The volume cannot be worked on: its image cannot be read.";
                Self::storage(of_the_pool(error.kind()).unwrap_or(unreadable)).because(error)
            }
            Defect::Unsupported(_) => {
                Self::storage(format!("The volume cannot be worked on: {defect}."))
            }
            Defect::Missing | Defect::NotQcow2 | Defect::Truncated { .. } | Defect::Damaged(_) => {
                Self::damaged(format!("The volume cannot be worked on: {defect}."))
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (code, message) = match &error {
            StoreError::Unreachable { .. }
            | StoreError::Transient { .. }
            | StoreError::Busy { .. } => (
                Code::BackupStorageUnreachable,
                "The backup storage cannot be reached.",
            ),
            StoreError::Unproved { .. } => (
                Code::BackupStorageUnreachable,
                "The backup storage is not there, or is another one than before.",
            ),
            StoreError::Archived { .. } => (
                Code::BackupStorageUnreachable,
                "The backup is archived in the backup storage. Ask the operator to restore it there first.",
            ),
            StoreError::Permission { .. } => (
                Code::BackupStorageUnreachable,
                "The backup storage denies access.",
            ),
            StoreError::Full { .. } => (Code::BackupStorageFull, "The backup storage is full."),
            StoreError::OutOfRange { .. } | StoreError::NotFound { .. } => (
                Code::BackupCorrupt,
                "The backup is incomplete in the backup storage.",
            ),
            StoreError::InvalidPath(_) | StoreError::Unfaithful { .. } | StoreError::Io { .. } => {
                (Code::BackupStorageUnreachable, "The backup storage failed.")
            }
        };
        Self::new(code, message).because(error)
    }
}

impl From<export::Error> for Failure {
    fn from(error: export::Error) -> Self {
        match error {
            export::Error::Store(error) => error.into(),
            export::Error::Source(error) | export::Error::Target(error) => error.into(),
            export::Error::Image(defect) => defect.into(),
            export::Error::Broken { .. } => {
                Self::storage("A part of the disk that the volume lies on cannot be written.")
                    .because(error)
            }
            export::Error::Write(error) => Self::file("writing the image", &error),
            export::Error::Silent { .. } => {
                Self::storage("The volume's storage did not answer in time.").because(error)
            }
            export::Error::Corrupt(error) => Self::new(Code::BackupCorrupt, error.to_string()),
            export::Error::Incomplete(_) => Self::new(Code::BackupCorrupt, error.to_string()),
            export::Error::TooNew(_) => Self::new(Code::AgentOutdated, error.to_string()),
            export::Error::TooSmall { .. } => Self::new(Code::TargetTooSmall, error.to_string()),
            export::Error::Local(error) => Self::storage("The agent failed.").because(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_because_of_the_pool_is_said_of_the_pool() {
        for (errno, expected) in [
            (nix::errno::Errno::EACCES, "not allowed"),
            (nix::errno::Errno::EPERM, "not allowed"),
            (nix::errno::Errno::EROFS, "only be read"),
            (nix::errno::Errno::ESTALE, "mounted again"),
        ] {
            let error = || io::Error::from(errno);
            for failure in [
                Failure::file("creating", &error()),
                Failure::from(Defect::Io(error())),
            ] {
                assert_eq!(failure.code, Code::StorageFailed, "{failure}");
                assert!(failure.message.contains(expected), "{failure}");
                assert!(failure.detail.is_some(), "{failure}");
            }
        }
        let other = Failure::file("creating", &io::Error::from(nix::errno::Errno::EMFILE));
        assert_eq!(other.message, "The volume's storage failed.");
    }
}
