//! The qcow2 format: what kind of image a file is, which snapshots it has, what each of them keeps and
//! what the disk held then; and new images, until they are finished.
//!
//! It works in bounded memory, and never changes the tables of an image that somebody else may know of:
//! that is left to QEMU. It exists because asking `qemu-img` is not enough: that opens what an image refers to, says
//! nothing about truncation, and does not know which clusters only one snapshot holds; and because
//! content goes from file to file for less than half of what it costs through `qemu-nbd`.
//!
//! Nothing here takes a lock. Beside a writer, headers, the table of snapshots and the tables of a
//! snapshot can be read at any time, though one look may fail where the writer moves what is looked at;
//! what a snapshot keeps comes out too low at most. The active disk's tables change all the time, so
//! that checking them makes sense only while nobody writes.

mod content;
mod direct;
mod freeing;
mod header;
mod map;
mod new_image;
mod own;
mod retained;
mod snapshot;
mod unshared;
mod walk;

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

use nix::{errno::Errno, fcntl::OFlag};

pub use self::{
    content::Content, direct::buffer, header::Header, new_image::NewImage, own::OwnClusters,
    snapshot::Snapshot, walk::Extent,
};

/// Bits 9 to 55 of a table's entry: an offset in the file.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
/// Bit 62 of an L2 entry: the cluster is compressed.
const COMPRESSED: u64 = 1 << 62;

/// Bit 63 of a table's entry: what it refers to is referred to by nothing else.
const COPIED: u64 = 1 << 63;
/// Bit 0 of an L2 entry, since version 3: the cluster reads as zeros.
const ZERO: u64 = 1;

/// Why an image cannot be worked on, worded without its path.
#[derive(Debug, thiserror::Error)]
pub enum Defect {
    /// There is no file.
    #[error("its image is missing from the storage pool")]
    Missing,
    /// The file is something else.
    #[error("its image is not a qcow2 image")]
    NotQcow2,
    /// The file ends too early.
    #[error("its image is truncated: it refers to byte {needed} of {size}")]
    Truncated {
        /// What it refers to.
        needed: u64,
        /// Where it ends.
        size: u64,
    },
    /// Its own tables make no sense.
    #[error("its image is damaged: {0}")]
    Damaged(&'static str),
    /// It is sound, and of a kind that we do not work on.
    #[error("its image {0}, which Tidemark does not support")]
    Unsupported(&'static str),
    /// The file cannot be read.
    #[error("its image cannot be read: {0}")]
    Io(io::Error),
}

impl Defect {
    /// Whether what the image lies on has lost it: a bad sector, or what a file system found to be wrong.
    pub fn is_lost(&self) -> bool {
        const LOST: [Errno; 4] = [Errno::EIO, Errno::ENODATA, Errno::EBADMSG, Errno::EUCLEAN];
        let Self::Io(error) = self else {
            return false;
        };
        let number = error.raw_os_error().map(Errno::from_raw);
        number.is_some_and(|number| LOST.contains(&number))
    }
}

impl From<Defect> for io::Error {
    fn from(defect: Defect) -> Self {
        match defect {
            Defect::Io(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

/// An open image.
#[derive(Debug)]
pub struct Image {
    file: File,
    file_bytes: u64,
    header: Header,
}

impl Image {
    /// Opens an image and checks that it is of a kind that can be worked on.
    pub fn open(path: &Path) -> Result<Self, Defect> {
        Self::open_with(OpenOptions::new().read(true), path)
    }

    fn open_to_write(path: &Path) -> Result<Self, Defect> {
        Self::open_with(OpenOptions::new().read(true).write(true), path)
    }

    fn open_with(options: &mut OpenOptions, path: &Path) -> Result<Self, Defect> {
        // What is no file may keep whoever opens it waiting.
        let options = options.custom_flags(OFlag::O_NONBLOCK.bits());
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Defect::Missing,
            _ => Defect::Io(error),
        })?;
        let metadata = file.metadata().map_err(Defect::Io)?;
        if !metadata.is_file() {
            return Err(Defect::NotQcow2);
        }
        let header = Header::read(&file, metadata.len())?;
        Ok(Self {
            file,
            file_bytes: metadata.len(),
            header,
        })
    }

    /// The image's header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads `length` bytes at `offset`, all of which have to be there.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Defect> {
        let needed = offset.saturating_add(length as u64);
        if needed > self.file_bytes {
            return Err(Defect::Truncated {
                needed,
                size: self.file_bytes,
            });
        }
        let mut bytes = vec![0; length];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(Defect::Io)?;
        Ok(bytes)
    }

    /// Reads a table of `length` 8-byte entries.
    fn read_table(&self, offset: u64, length: usize) -> Result<Vec<u64>, Defect> {
        let bytes = self.read(offset, length.saturating_mul(8))?;
        let entry = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
        Ok(bytes.chunks_exact(8).map(entry).collect())
    }
}

/// A big-endian number of up to 8 bytes.
fn be(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
