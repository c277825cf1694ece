//! Space that a pool of files keeps for itself, so that what frees space never lacks any.
//!
//! Removing a snapshot writes before it frees: a note, a table of snapshots, reference counts. Where guests have taken
//! the last block, it would fail. So `.tidemark/reserve` holds some blocks, and a file, which are given up while space is
//! freed.

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
/// The same of files.
const PLENTY_FILES: u64 = 64;

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
    async fn keep(&self, given_up: u64) {
        let pool = self.pool.clone();
        self.say(
            "The pool has no room for its reserve",
            blocking(move || keep(&pool, given_up)).await,
        );
    }

    /// Gives the reserve up where little else is left, for what frees space to do it with.
    pub(super) async fn give(&self) -> Given<'_> {
        let mut given = Given {
            reserve: self,
            bytes: 0,
        };
        let pool = self.pool.clone();
        if matches!(blocking(move || is_short(&pool)).await, Ok(Ok(true))) {
            given.give_up().await;
        }
        given
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

/// The reserve while space is freed.
pub(super) struct Given<'a> {
    reserve: &'a Reserve,
    /// How large it was; 0 while it is kept.
    bytes: u64,
}

impl Given<'_> {
    /// Whether what failed can be tried again, because the reserve was given up for it now: what it lacked need not be
    /// what the file system tells of itself, such as a quota's.
    pub(super) async fn helps<T>(&mut self, done: &crate::driver::Result<T>) -> bool {
        let is_full = matches!(done, Err(failure) if failure.is_pool_full());
        is_full && self.bytes == 0 && self.give_up().await
    }

    async fn give_up(&mut self) -> bool {
        let pool = self.reserve.pool.clone();
        let given_up = blocking(move || give_up(&pool)).await;
        if let Ok(Ok(bytes)) = given_up {
            self.bytes = bytes;
        }
        self.reserve
            .say("The pool's reserve cannot be given up", given_up);
        self.bytes > 0
    }

    /// Keeps it again, as far as there is room.
    pub(super) async fn take_back(self) {
        if self.bytes > 0 {
            self.reserve.keep(self.bytes).await;
        }
    }
}

/// Keeps the reserve of a pool.
pub async fn keep_reserve(pool: &Path, journal: &Arc<Journal>) {
    Reserve::of(pool, Arc::clone(journal)).keep(0).await;
}

fn place(pool: &Path) -> PathBuf {
    pool.join(".tidemark/reserve")
}

/// Keeps as much as should be kept. What was given up is taken again as far as there is room; what was not there yet
/// leaves others most of what there is.
fn keep(pool: &Path, given_up: u64) -> io::Result<()> {
    if !pool.join(".tidemark").try_exists()? {
        return Ok(());
    }
    let place = place(pool);
    let kept = match fs::metadata(&place) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let available = available(pool)?;
    let wanted = match kept {
        _ if available >= PLENTY_BYTES => RESERVE_BYTES,
        0 => RESERVE_BYTES.min((available / 4).max(given_up)),
        _ => kept,
    };
    let mut more = wanted.saturating_sub(kept).min(available);
    if more == 0 || wanted < LEAST_BYTES {
        return Ok(());
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&place)?;
    loop {
        let length = i64::try_from(kept + more).map_err(io::Error::other)?;
        match posix_fallocate(&file, 0, length) {
            // The file system needs some of it for itself.
            Err(Errno::ENOSPC | Errno::EDQUOT) if more > LEAST_BYTES => more /= 2,
            Err(errno) => return Err(errno.into()),
            Ok(()) => return Ok(()),
        }
    }
}

fn available(pool: &Path) -> io::Result<u64> {
    let system = statvfs(pool)?;
    Ok(system.blocks_available() * system.fragment_size())
}

/// Whether a file system has little left: of its blocks, or of the files that it can have.
fn is_short(pool: &Path) -> io::Result<bool> {
    let system = statvfs(pool)?;
    // Where files are not counted, both are 0.
    let is_counted = system.files() > 0;
    Ok(available(pool)? < PLENTY_BYTES || is_counted && system.files_available() < PLENTY_FILES)
}

/// How large a reserve there was to give up; none is 0.
fn give_up(pool: &Path) -> io::Result<u64> {
    let place = place(pool);
    match fs::metadata(&place).and_then(|file| fs::remove_file(&place).map(|()| file.len())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        given_up => given_up,
    }
}
