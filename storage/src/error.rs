//! What can go wrong at a destination, worded for the person who has to repair it.

use std::{io, time::Duration};

use crate::{ObjectPath, path::InvalidPath};

/// The outcome of asking a [`Store`](crate::Store) for something.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a destination did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The destination as a whole is not there: a missing directory, a network that is down.
    #[error("backup storage cannot be reached: {reason}")]
    Unreachable {
        /// What is missing.
        reason: String,
    },
    /// The destination did not answer this time: a connection that was cut, a server that is busy.
    /// The same request may succeed a moment later.
    #[error("backup storage cannot be reached for the moment: {reason}")]
    Transient {
        /// What happened.
        reason: String,
    },
    /// The destination asks for fewer requests. The same one may succeed later.
    #[error("backup storage asks us to slow down: {reason}")]
    Busy {
        /// What happened.
        reason: String,
        /// How long it asks us to wait.
        after: Option<Duration>,
    },
    /// The object lies where it cannot be read from before somebody brings it back.
    #[error("{path} is archived in the backup storage: restore it in the store first")]
    Archived {
        /// The object that was asked for.
        path: String,
    },
    /// No space, or no quota, is left.
    #[error("backup storage is full: no space left while {doing}")]
    Full {
        /// What was being done.
        doing: String,
    },
    /// The destination is there, the object is not.
    #[error("{path} does not exist in the backup storage")]
    NotFound {
        /// The object that was asked for.
        path: ObjectPath,
    },
    /// The destination refuses us.
    #[error("backup storage denies access while {doing}")]
    Permission {
        /// What was being done.
        doing: String,
    },
    /// A path that could leave the destination, or that cannot be stored everywhere.
    #[error(transparent)]
    InvalidPath(#[from] InvalidPath),
    /// It is not shown that this is the destination that is meant, or that its disk is there at all.
    #[error("this is not the place that is meant: {reason}")]
    Unproved {
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// Bytes were asked for that the object does not have.
    #[error("{path} has {size} bytes, bytes up to {end} were asked for")]
    OutOfRange {
        /// The object that was read.
        path: ObjectPath,
        /// Its size.
        size: u64,
        /// The end of the range that was asked for.
        end: u64,
    },
    /// What was written is not what came back.
    #[error("backup storage does not keep what is written to it: {reason}")]
    Unfaithful {
        /// How they differ.
        reason: String,
    },
    /// Everything else.
    #[error("backup storage failed while {doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's own words.
        source: io::Error,
    },
}

/// Why a destination is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It asks for fewer requests.
    Busy,
    /// It does not answer, or cannot be reached.
    Away,
}

/// Which failures pass, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Not by themselves.
    Never,
    /// In a moment, or not at all.
    Soon,
    /// Perhaps in minutes.
    Later,
}

impl Error {
    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. } | Self::Busy { .. })
    }

    /// Whether it says something of the whole place, and nothing of what was asked for.
    pub(crate) fn is_of_the_place(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unproved { .. })
    }

    /// Whether, and when, the same request may succeed.
    pub(crate) fn passing(&self) -> Passing {
        if self.is_transient() {
            Passing::Later
        } else {
            Passing::Never
        }
    }

    /// The same of what was being written: what a network did to a body once it may not do again.
    pub(crate) fn passing_if_sent(&self) -> Passing {
        match self {
            Self::Unfaithful { .. } => Passing::Soon,
            other => other.passing(),
        }
    }

    /// How long the destination asks us to wait.
    pub(crate) fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => *after,
            _ => None,
        }
    }

    /// What a wait for the destination is for.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Busy { .. } => Cause::Busy,
            _ => Cause::Away,
        }
    }

    /// An object that lacks bytes in its middle: an append before was given up on or failed.
    pub(crate) fn torn(doing: impl Into<String>) -> Self {
        Self::Io {
            doing: doing.into(),
            source: io::Error::other("an earlier write of it was not finished"),
        }
    }

    /// Sorts an operating system's error into the kinds that a caller can act upon.
    pub(crate) fn from_io(source: io::Error, doing: impl Into<String>) -> Self {
        let doing = doing.into();
        match source.kind() {
            // A file-size limit (EFBIG) is a quota by another name.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { doing },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Permission { doing }
            }
            io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NotConnected => Self::Unreachable {
                reason: format!("{source} while {doing}"),
            },
            _ => Self::Io { doing, source },
        }
    }
}
