//! A file that is written from its beginning to its end, past the page cache where that can be done.
//!
//! What goes through the page cache is copied once more, takes memory that instances have a use for,
//! and waits there for a flush that then takes long. `O_DIRECT` (open(2)) hands the disk our own
//! memory, and wants addresses, lengths and offsets that are multiples of its block.

use std::{
    fs::File,
    io,
    os::{fd::AsFd as _, unix::fs::FileExt as _},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, PosixFadviseAdvice, fcntl, posix_fadvise},
};

/// What is written at once.
pub(super) const BLOCK_BYTES: usize = 4 << 20;
/// A multiple of the blocks of every disk in use; a file system that wants more is written through
/// the page cache.
const ALIGNMENT: usize = 4096;
/// How much may wait in the page cache before it is flushed, so that no flush takes long.
const FLUSH_BYTES: u64 = 64 << 20;

/// Memory that a disk can be handed, filled from its beginning.
#[derive(Debug)]
pub(super) struct Block {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Block {
    pub(super) fn new() -> Self {
        let memory = vec![0; BLOCK_BYTES + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self {
            memory,
            start,
            length: 0,
        }
    }

    /// Takes of `chunk` what there is room for.
    pub(super) fn fill(&mut self, chunk: &mut Bytes) {
        let taken = chunk.split_to(chunk.len().min(BLOCK_BYTES - self.length));
        let end = self.start + self.length;
        self.memory[end..end + taken.len()].copy_from_slice(&taken);
        self.length += taken.len();
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_full(&self) -> bool {
        self.length == BLOCK_BYTES
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    fn content(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

/// A new file. Its functions wait for the disk.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    direct: AtomicBool,
    unflushed_bytes: AtomicU64,
}

impl Output {
    pub(super) fn new(file: File) -> Self {
        // Asked of the open file: one that cannot be opened so may have been created all the same.
        let direct = set_direct(&file, true).is_ok();
        Self {
            file,
            direct: direct.into(),
            unflushed_bytes: AtomicU64::new(0),
        }
    }

    /// Writes a block. One that is not full is the last.
    pub(super) fn write(&self, block: &Block, offset: u64) -> io::Result<()> {
        let content = block.content();
        let (aligned, rest) = content.split_at(content.len() - content.len() % ALIGNMENT);
        if self.direct.load(Ordering::Relaxed) {
            match self.file.write_all_at(aligned, offset) {
                // It takes the flag and not the block, or less of it than a multiple.
                Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => {
                    self.give_up_direct()?;
                    self.file.write_all_at(aligned, offset)?;
                }
                written => written?,
            }
            if !rest.is_empty() {
                self.give_up_direct()?;
                self.file
                    .write_all_at(rest, offset + aligned.len() as u64)?;
            }
            return Ok(());
        }
        self.file.write_all_at(content, offset)?;
        let bytes = content.len() as u64;
        if self.unflushed_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes >= FLUSH_BYTES {
            self.unflushed_bytes.store(0, Ordering::Relaxed);
            self.file.sync_data()?;
            forget(&self.file);
        }
        Ok(())
    }

    /// Makes all of it durable.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn give_up_direct(&self) -> io::Result<()> {
        self.direct.store(false, Ordering::Relaxed);
        set_direct(&self.file, false)
    }
}

fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = OFlag::from_bits_retain(fcntl(file.as_fd(), FcntlArg::F_GETFL)?);
    flags.set(OFlag::O_DIRECT, direct);
    fcntl(file.as_fd(), FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// Gives the page cache back what is on disk. A file system that keeps it all the same does no harm.
fn forget(file: &File) {
    if let Err(error) = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED) {
        tracing::debug!(%error, "the page cache keeps what was written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(direct: bool, length: usize) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let output = Output::new(file.reopen().unwrap());
        if !direct {
            output.give_up_direct().unwrap();
        }
        let content: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        let mut chunk = Bytes::from(content.clone());
        let (mut block, mut offset) = (Block::new(), 0);
        while !chunk.is_empty() {
            block.fill(&mut chunk);
            output.write(&block, offset).unwrap();
            offset += block.len() as u64;
            block.clear();
        }
        output.flush().unwrap();
        let found = std::fs::read(file.path()).unwrap();
        assert!(found == content, "{length} bytes differ");
        found
    }

    #[test]
    fn a_file_is_the_same_with_and_without_the_page_cache() {
        for length in [1, ALIGNMENT, BLOCK_BYTES, 2 * BLOCK_BYTES + ALIGNMENT + 1] {
            assert!(written(true, length) == written(false, length));
        }
    }

    #[test]
    fn memory_is_aligned_and_takes_a_block() {
        let mut block = Block::new();
        let mut chunk = Bytes::from(vec![7; BLOCK_BYTES + 1]);
        block.fill(&mut chunk);
        assert!(block.is_full());
        assert_eq!(chunk.len(), 1);
        assert_eq!(block.content().as_ptr().align_offset(ALIGNMENT), 0);
        assert!(block.content().iter().all(|byte| *byte == 7));
    }
}
