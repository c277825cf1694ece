//! The format of a backup: what lies under `volumes/{volume_id}/{backup_id}/`.
//!
//! * `disk.raw.zst`, the object: the disk as a plain zstd stream in the *seekable* format. Frames in
//!   the order of the disk, then the [seek table](seek_table) in a skippable frame.
//!   `zstd -d --sparse < disk.raw.zst > disk.raw` restores the disk without any software of ours.
//! * `manifest.json`, the [`Manifest`]: written last, so that its presence makes the backup. It is
//!   enough to rebuild a catalogue from, and holds nothing secret.
//!
//! The disk is cut into *blocks* of 2 MiB, the last of which may be shorter. A [frame] is either
//! one block of data with a checksum, or a run of blocks that are all zero.
//!
//! Everything that is read back is checked; what does not hold is [`Corrupt`] and names its place.

pub mod digest;
pub mod frame;
pub mod manifest;
pub mod seek_table;

use std::fmt;

use uuid::Uuid;

pub use self::{
    digest::{Digest, DiskDigest},
    frame::Frame,
    manifest::Manifest,
    seek_table::SeekTable,
};
use crate::{ObjectPath, Result};

/// The unit in which a disk is cut, compressed and hashed.
pub const BLOCK_BYTES: u32 = 2 << 20;
/// The longest run of zeros that one frame stands for.
pub const ZERO_RUN_BYTES: u32 = 1 << 30;
/// The name of the object that holds the disk.
pub const DISK_OBJECT: &str = "disk.raw.zst";
/// The name of the object that makes it a backup.
pub const MANIFEST_OBJECT: &str = "manifest.json";

/// Where the objects of one backup lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The prefix that holds this backup and nothing else.
    pub directory: ObjectPath,
    /// The disk's content.
    pub disk: ObjectPath,
    /// The manifest.
    pub manifest: ObjectPath,
}

impl Location {
    /// The place of a backup of a volume, below the destination's root.
    pub fn new(volume_id: Uuid, backup_id: Uuid) -> Result<Self> {
        let directory = ObjectPath::new(format!("volumes/{volume_id}/{backup_id}"))?;
        Ok(Self {
            disk: directory.join(DISK_OBJECT)?,
            manifest: directory.join(MANIFEST_OBJECT)?,
            directory,
        })
    }
}

/// The part of a backup that does not hold what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `manifest.json`.
    Manifest,
    /// `disk.raw.zst` as a whole.
    Object,
    /// The seek table at the end of `disk.raw.zst`.
    SeekTable,
    /// One frame of `disk.raw.zst`.
    Frame {
        /// Its number, from 0.
        index: u32,
        /// Where it begins in the object.
        object_offset: u64,
        /// Where its content begins on the disk.
        disk_offset: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => formatter.write_str("the manifest"),
            Self::Object => formatter.write_str("the object as a whole"),
            Self::SeekTable => formatter.write_str("the seek table"),
            Self::Frame {
                index,
                object_offset,
                disk_offset,
            } => write!(
                formatter,
                "frame {index} (byte {object_offset} of the object, byte {disk_offset} of the disk)"
            ),
        }
    }
}

/// A backup is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Backup is corrupt in {place}: {reason}.")]
pub struct Corrupt {
    /// Where.
    pub place: Place,
    /// What was found there.
    pub reason: String,
}

impl Corrupt {
    /// Something at `place` does not hold.
    pub fn new(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place,
            reason: reason.into(),
        }
    }
}
