//! Files past the page cache: what is read or written once gains nothing by it, and would take memory
//! that instances have a use for.
//!
//! `O_DIRECT` (open(2)) hands the disk our own memory, and wants addresses, lengths and offsets that
//! are multiples of its blocks. Whatever is not goes through the page cache, as everything does where
//! the file system does not offer anything else.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd as _,
        unix::fs::{FileExt as _, OpenOptionsExt as _},
    },
};

use bytes::BytesMut;
use nix::{errno::Errno, fcntl::OFlag};

/// A multiple of the blocks of every disk in use.
pub(super) const ALIGNMENT: usize = 4096;

/// A buffer of zeros that a disk can be handed.
pub fn buffer(length: usize) -> BytesMut {
    let mut memory = BytesMut::zeroed(length + ALIGNMENT);
    let before = memory.as_ptr().align_offset(ALIGNMENT);
    let mut buffer = memory.split_off(before);
    buffer.truncate(length);
    buffer
}

/// A file, and the same file past the page cache where that is possible.
#[derive(Debug)]
pub(super) struct DirectFile {
    direct: Option<File>,
    cached: File,
}

impl DirectFile {
    /// Opens `file` once more, which was opened to be read and, with `write`, to be written.
    pub(super) fn reopen(file: &File, write: bool) -> io::Result<Self> {
        // By the descriptor: another file may have taken the name.
        let opened = OpenOptions::new()
            .read(true)
            .write(write)
            .custom_flags(OFlag::O_DIRECT.bits())
            .open(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let direct = match opened {
            Err(error) if is_invalid(&error) => None,
            opened => Some(opened?),
        };
        let cached = file.try_clone()?;
        Ok(Self { direct, cached })
    }

    /// Fills `part` from `place` on, and says how much of it there was before the file's end.
    pub(super) fn read(&self, place: u64, part: &mut [u8]) -> io::Result<usize> {
        let whole = part.len() - part.len() % ALIGNMENT;
        let mut done = 0;
        if let Some(direct) = self.direct_for(place, &part[..whole]) {
            // A short read is the file's end, or stands where no direct one can go on.
            done = match read_at(direct, &mut part[..whole], place) {
                Err(error) if is_invalid(&error) => 0,
                read => read?,
            };
        }
        while done < part.len() {
            match read_at(&self.cached, &mut part[done..], place + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        Ok(done)
    }

    /// Writes all of `part` at `place`.
    pub(super) fn write(&self, place: u64, part: &[u8]) -> io::Result<()> {
        if let Some(direct) = self.direct_for(place, part) {
            match direct.write_all_at(part, place) {
                Err(error) if is_invalid(&error) => {}
                written => return written,
            }
        }
        self.cached.write_all_at(part, place)
    }

    /// Makes all that was written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.cached.sync_data()
    }

    fn direct_for(&self, place: u64, part: &[u8]) -> Option<&File> {
        let is_aligned = !part.is_empty()
            && part.len().is_multiple_of(ALIGNMENT)
            && part.as_ptr().align_offset(ALIGNMENT) == 0
            && place.is_multiple_of(ALIGNMENT as u64);
        self.direct.as_ref().filter(|_| is_aligned)
    }
}

/// The file system does not offer it, or wants even more of it.
fn is_invalid(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINVAL as i32)
}

fn read_at(file: &File, part: &mut [u8], place: u64) -> io::Result<usize> {
    loop {
        match file.read_at(part, place) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
