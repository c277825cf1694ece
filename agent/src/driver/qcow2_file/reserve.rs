//! Space that a pool of files keeps for itself, so that what frees space never lacks any.
//!
//! Removing a snapshot writes before it frees: a note, a table of snapshots, reference counts. Where guests have taken
//! the last block, it would fail. So `.tidemark/reserve` holds some blocks, which are given up while space is freed.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{errno::Errno, fcntl::posix_fallocate, sys::statvfs::statvfs};

use super::blocking;
use crate::report::{Journal, Level};

/// More than removing a snapshot of the largest image writes.
const RESERVE_BYTES: u64 = 16 << 20;
/// Less than this is no use.
const LEAST_BYTES: u64 = 256 << 10;
/// With so much free the reserve is not touched.
const PLENTY_BYTES: u64 = 4 * RESERVE_BYTES;

/// The reserve of one pool.
#[derive(Clone)]
pub(super) struct Reserve {
    pool: PathBuf,
    journal: Arc<Journal>,
}

impl Reserve {
    pub(super) fn of(pool: &Path, journal: Arc<Journal>) -> Self {
        Self {
            pool: pool.to_owned(),
            journal,
        }
    }

    /// Keeps what is kept in a pool that has a marker. Where there is no room for it, it is kept when there is.
    async fn keep(&self, was_given_up: bool) {
        let pool = self.pool.clone();
        self.say(
            "The pool has no room for its reserve",
            blocking(move || keep(&pool, was_given_up)).await,
        );
    }

    /// Does what frees space, with the reserve to do it with where little else is left.
    pub(super) async fn freeing<T>(&self, work: impl Future<Output = T>) -> T {
        let pool = self.pool.clone();
        let given_up = blocking(move || give_up(&pool)).await;
        let is_given_up = matches!(given_up, Ok(Ok(true)));
        self.say("The pool's reserve cannot be given up", given_up);
        let done = work.await;
        if is_given_up {
            self.keep(true).await;
        }
        done
    }

    fn say<T>(&self, what: &str, outcome: crate::driver::Result<io::Result<T>>) {
        let error = match outcome {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(failure) => failure.to_string(),
        };
        self.journal
            .private(Level::Warn, format!("{what}: {error}"));
    }
}

/// Keeps the reserve of a pool.
pub async fn keep_reserve(pool: &Path, journal: &Arc<Journal>) {
    Reserve::of(pool, Arc::clone(journal)).keep(false).await;
}

fn place(pool: &Path) -> PathBuf {
    pool.join(".tidemark/reserve")
}

/// Keeps as much as should be kept. A reserve that was given up is taken again as far as there is room; one that was
/// not there yet leaves others theirs.
fn keep(pool: &Path, was_given_up: bool) -> io::Result<()> {
    if !pool.join(".tidemark").try_exists()? {
        return Ok(());
    }
    let place = place(pool);
    let kept = match fs::metadata(&place) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if kept >= RESERVE_BYTES {
        return Ok(());
    }
    let available = available(pool)?;
    if available < PLENTY_BYTES && !was_given_up {
        return Ok(());
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&place)?;
    let mut more = available.min(RESERVE_BYTES - kept);
    loop {
        let length = i64::try_from(kept + more).map_err(io::Error::other)?;
        match posix_fallocate(&file, 0, length) {
            // The file system needs some of it for itself.
            Err(Errno::ENOSPC) if more > LEAST_BYTES => more /= 2,
            Err(errno) => return Err(errno.into()),
            Ok(()) => return Ok(()),
        }
    }
}

fn available(pool: &Path) -> io::Result<u64> {
    let system = statvfs(pool)?;
    Ok(system.blocks_available() * system.fragment_size())
}

/// Says whether there was a reserve to give up, and a need for it.
fn give_up(pool: &Path) -> io::Result<bool> {
    if available(pool)? >= PLENTY_BYTES {
        return Ok(false);
    }
    match fs::remove_file(place(pool)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
