//! The engine: bytes from a disk to a backup and back, in parallel and in bounded memory.
//!
//! ```text
//! write:  plan ─▶ read (image or NBD) ─▶ compress, hash (blocking threads) ─▶ append in order (store)
//! read:   seek table ─▶ read spans (store) ─▶ decompress, check (blocking threads) ─▶ write (image or NBD)
//! copy:   plan ─▶ read (image or NBD) ─▶ write (image or NBD)
//! ```
//!
//! Each step has a fixed number of frames in hand, each with a buffer or two of 2 MiB that are used
//! again. A slow end therefore slows the other, and nothing piles up. Every future
//! here may be dropped; what it wrote is then discarded by the writer of the store, or lies in a
//! volume that the caller knows to be unfinished.

mod backup;
mod copy;
mod plan;
mod pool;
mod read;
mod source;
mod span;
mod target;
mod write;

pub use self::{
    backup::Backup,
    copy::copy,
    source::Source,
    target::{Fill, Target},
    write::{Written, write},
};

use std::{fmt, ops::Range, time::Duration};

use storage::format::{Corrupt, manifest::ManifestError};
use tokio::time::timeout;

use crate::{nbd, qcow2::Defect};

/// What the system says where a disk cannot be read or written.
const EIO: i32 = nix::errno::Errno::EIO as i32;

/// How many frames are worked on at once where one step does it all.
const LANES: usize = 6;

/// Why a disk could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The backup storage failed.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// The disk that is read failed.
    #[error("reading the volume failed: {0}")]
    Source(nbd::Error),
    /// The image that is read failed, or makes no sense.
    #[error(transparent)]
    Image(#[from] Defect),
    /// The file of an image does not answer.
    #[error("the file of the image did not answer in {seconds} seconds")]
    Silent {
        /// How long it was given.
        seconds: u64,
    },
    /// The disk that is written failed.
    #[error("writing the volume failed: {0}")]
    Target(nbd::Error),
    /// The backup is not what was written.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The backup's manifest is missing, so there is no backup.
    #[error("Backup is incomplete: {0} is missing.")]
    Incomplete(String),
    /// The backup was written by a later version.
    #[error(transparent)]
    TooNew(ManifestError),
    /// The disk that is written is too small.
    #[error("The volume has {target} bytes, {source_bytes} are needed.")]
    TooSmall {
        /// The size of what is written to.
        target: u64,
        /// The size of what is to be written.
        source_bytes: u64,
    },
    /// A part of the disk that is written is broken.
    #[error("writing {place} of the volume failed: {reason}")]
    Broken {
        /// Which.
        place: Place,
        /// Who says so, and how.
        reason: String,
    },
    /// What is written to an image's file past its server, or without one, cannot be.
    #[error("writing the volume failed: {0}")]
    Write(std::io::Error),
    /// The machine itself failed, such as by having no memory.
    #[error("the agent failed: {0}")]
    Local(#[from] std::io::Error),
}

/// A part of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// From one byte to before another.
    Bytes(Range<u64>),
    /// It is not known which: what was written is found not to be there when all is to be.
    Somewhere,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(formatter, "bytes {} to {}", bytes.start, bytes.end),
            Self::Somewhere => formatter.write_str("some bytes"),
        }
    }
}

impl Error {
    /// Whether a part of the disk that is written is broken.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// Says where it was written, if it is the disk that fails there.
    fn at(self, place: Place) -> Self {
        let is_of_medium = match &self {
            Self::Target(error) => error.is_of_medium(),
            Self::Write(error) => error.raw_os_error() == Some(EIO),
            _ => false,
        };
        if !is_of_medium {
            return self;
        }
        let reason = match self {
            Self::Target(error) => error.to_string(),
            Self::Write(error) => error.to_string(),
            other => other.to_string(),
        };
        Self::Broken { place, reason }
    }
}

impl From<ManifestError> for Error {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Corrupt(corrupt) => Self::Corrupt(corrupt),
            too_new @ ManifestError::TooNew { .. } => Self::TooNew(too_new),
        }
    }
}

/// Runs what takes the processor for a while on a thread that may be taken.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|lost| Error::Local(std::io::Error::other(lost)))
}

/// Waits for a file, which may hang for ever where it lies behind a network.
async fn in_time<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    timeout(patience, blocking(work))
        .await
        .map_err(|_| Error::Silent {
            seconds: patience.as_secs(),
        })??
}
