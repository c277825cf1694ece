//! A file of an export that has no name of its own yet: blocks in flight, and what becomes of it.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use nfs_rs::{Nfs4ErrorCode, NfsError, WriteOutcome};
use tokio::{task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::{
    connection::{Connection, Mounted, owned},
    directory::ensure_mode,
    failure::{Failure, Kind, Outcome},
    file::{close, open, rename, write_block},
};
use crate::{Error, ObjectPath, Patience, Result};

/// A delete may take the directory that is just being written to; then it is created again.
const OPEN_ATTEMPTS: usize = 16;
const FILE_MODE: u32 = 0o600;
/// Blocks on their way to the server.
const WINDOW: usize = 8;

type Written = JoinHandle<Outcome<Vec<WriteOutcome>>>;

/// A file that goes, and its directories with it, when nobody wants it any more.
pub(super) struct Temporary {
    connection: Connection,
    patience: Patience,
    pub(super) mounted: Arc<Mounted>,
    path: ObjectPath,
    directory: Bytes,
    name: String,
    handle: Bytes,
    /// Where the next block goes.
    end: u64,
    in_flight: VecDeque<Written>,
    unflushed: Vec<WriteOutcome>,
    /// What the server may still lose, to be written again if it does.
    kept: Vec<Bytes>,
    /// How much that is.
    pub(super) unflushed_bytes: u64,
    /// Where it begins.
    flushed: u64,
    /// Since when nothing was flushed because the server is away, again and again.
    away_since: Option<Instant>,
    /// What it has not acknowledged.
    pub(super) unconfirmed_bytes: u64,
    open: bool,
    present: bool,
}

impl Temporary {
    pub(super) async fn create(
        creator: (Connection, Patience),
        mounted: Arc<Mounted>,
        path: ObjectPath,
    ) -> Outcome<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let id = Uuid::now_v7().simple();
        let name = format!(
            ".{}.{id}",
            path.components().next_back().unwrap_or_default()
        );
        let mut attempt = 1;
        loop {
            match Self::create_once(&creator, &mounted, &path, &name).await {
                Err(failure) if failure.kind() == Kind::Absent && attempt < OPEN_ATTEMPTS => {
                    attempt += 1;
                }
                // Nothing can be made in a directory that was removed; not every server calls the
                // handle of one stale.
                Err(failure) if failure.kind() == Kind::Absent => {
                    return Err(NfsError::Nfs4(Nfs4ErrorCode::NFS4ERR_STALE).into());
                }
                outcome => return outcome,
            }
        }
    }

    async fn create_once(
        (connection, patience): &(Connection, Patience),
        mounted: &Arc<Mounted>,
        path: &ObjectPath,
        name: &str,
    ) -> Outcome<Self> {
        let directory = mounted.ensure_parent(path).await?;
        let (parent, file) = (directory.clone(), name.to_owned());
        let created = mounted
            .ask(|mount| async move { mount.create(parent, &file, Some(FILE_MODE)).await })
            .await?;
        let temporary = Self {
            connection: connection.clone(),
            patience: patience.clone(),
            mounted: Arc::clone(mounted),
            path: path.clone(),
            directory,
            name: name.to_owned(),
            handle: created.fh,
            end: 0,
            in_flight: VecDeque::with_capacity(WINDOW),
            unflushed: Vec::new(),
            kept: Vec::new(),
            unflushed_bytes: 0,
            flushed: 0,
            away_since: None,
            unconfirmed_bytes: 0,
            open: true,
            present: true,
        };
        ensure_mode(created.attr.as_ref(), FILE_MODE, path.as_str())?;
        Ok(temporary)
    }

    pub(super) fn doing(&self) -> String {
        format!("writing {}", self.path)
    }

    /// The error of a failure after which this file is given up.
    fn failed(&self, failure: Failure) -> Error {
        let doing = self.doing();
        given_up(self.connection.failed(&self.mounted, failure, &doing))
    }

    pub(super) fn torn(&self) -> Error {
        Error::torn(self.doing())
    }

    /// Sends a block, once there is room for it in the window.
    pub(super) async fn write(&mut self, block: Bytes) -> Result<()> {
        if let Err(failure) = self.make_room().await {
            self.recover(failure).await?;
        }
        self.kept.push(block.clone());
        self.unflushed_bytes += block.len() as u64;
        self.send(block);
        Ok(())
    }

    async fn make_room(&mut self) -> Outcome<()> {
        let settled = |written: &Written| written.is_finished();
        while self.in_flight.len() >= WINDOW || self.in_flight.front().is_some_and(settled) {
            self.settle_one().await?;
        }
        Ok(())
    }

    fn send(&mut self, block: Bytes) {
        let (offset, length) = (self.end, block.len() as u64);
        let (mounted, handle) = (Arc::clone(&self.mounted), self.handle.clone());
        let written =
            tokio::spawn(async move { write_block(&mounted, handle, offset, block).await });
        self.in_flight.push_back(written);
        self.end += length;
        self.unconfirmed_bytes += length;
    }

    async fn settle_one(&mut self) -> Outcome<()> {
        let Some(oldest) = self.in_flight.front_mut() else {
            return Ok(());
        };
        let settled = oldest.await;
        self.in_flight.pop_front();
        let outcomes = settled.map_err(|lost| Error::Io {
            doing: self.doing(),
            source: io::Error::other(lost),
        })??;
        let taken: u64 = outcomes.iter().map(|o| u64::from(o.count)).sum();
        self.unconfirmed_bytes = self.unconfirmed_bytes.saturating_sub(taken);
        self.unflushed.extend(outcomes);
        self.patience.prove();
        Ok(())
    }

    /// Has the server write down what it has taken, and checks that it is the server that took it.
    /// Says how long the COMMIT took.
    pub(super) async fn flush(&mut self) -> Result<Duration> {
        loop {
            match self.flush_once().await {
                Ok(took) => {
                    self.kept.clear();
                    self.unflushed_bytes = 0;
                    self.flushed = self.end;
                    self.away_since = None;
                    return Ok(took);
                }
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    async fn flush_once(&mut self) -> Outcome<Duration> {
        while !self.in_flight.is_empty() {
            self.settle_one().await?;
        }
        let (mounted, handle) = (Arc::clone(&self.mounted), self.handle.clone());
        let written = std::mem::take(&mut self.unflushed);
        let begun = Instant::now();
        if !written.is_empty() {
            let flushed =
                owned(async move {
                    Ok(mounted
                        .ask(|mount| async move {
                            mount.commit_write_batch(handle, 0, 0, &written).await
                        })
                        .await)
                });
            flushed.await??;
        }
        Ok(begun.elapsed())
    }

    /// Waits for a server that is away, and writes again what it may have lost. What does not pass, or not in
    /// time, is the error.
    pub(super) async fn recover(&mut self, mut failure: Failure) -> Result<()> {
        loop {
            let doing = self.doing();
            let error = self.connection.failed(&self.mounted, failure, &doing);
            let limit = self.patience.limit().filter(|_| error.is_transient());
            let away_since = *self.away_since.get_or_insert_with(Instant::now);
            if limit.is_none_or(|limit| away_since.elapsed() > limit) {
                return Err(given_up(error));
            }
            tracing::info!(%error, "an NFS server is waited for");
            for written in self.in_flight.drain(..) {
                // What of it has arrived is written again with the rest.
                let _ = written.await;
            }
            self.unflushed.clear();
            self.reopen().await?;
            match self.write_again().await {
                Ok(()) => return Ok(()),
                Err(again) => failure = again,
            }
        }
    }

    /// Opens the file on the server that is back.
    async fn reopen(&mut self) -> Result<()> {
        let flushed = self.flushed;
        let attempt = || {
            let (path, name) = (self.path.clone(), self.name.clone());
            self.connection.run(self.doing(), move |mounted| {
                let (path, name) = (path.clone(), name.clone());
                async move {
                    let (directory, handle) = open(&mounted, &path, &name, flushed).await?;
                    Ok((mounted, directory, handle))
                }
            })
        };
        let opened = self.patience.run(attempt).await;
        let (mounted, directory, handle) = opened.map_err(given_up)?;
        self.mounted = mounted;
        self.directory = directory;
        self.handle = handle;
        self.open = true;
        Ok(())
    }

    async fn write_again(&mut self) -> Outcome<()> {
        self.end = self.flushed;
        self.unconfirmed_bytes = 0;
        for block in self.kept.clone() {
            self.make_room().await?;
            self.send(block);
        }
        Ok(())
    }

    /// Closes the file, all of which the server has written down.
    pub(super) async fn close(&mut self) -> Result<()> {
        self.open = false;
        let closed = owned(close(Arc::clone(&self.mounted), self.handle.clone()));
        match closed.await? {
            // A server that was restarted knows of no open file.
            Err(failure)
                if self.patience.limit().is_some()
                    && matches!(failure.kind(), Kind::Lost | Kind::Silent) =>
            {
                self.failed(failure);
                Ok(())
            }
            closed => closed.map_err(|failure| self.failed(failure)),
        }
    }

    /// Puts the file in its place, and looks whether it is there.
    pub(super) async fn rename(mut self) -> Result<()> {
        let (path, from, size) = (self.path.clone(), self.name.clone(), self.end);
        let asked = Arc::new(AtomicBool::new(false));
        let attempt = || {
            let (path, from, asked) = (path.clone(), from.clone(), Arc::clone(&asked));
            self.connection.run(self.doing(), move |mounted| {
                let (path, from, asked) = (path.clone(), from.clone(), Arc::clone(&asked));
                async move {
                    let again = asked.swap(true, Ordering::Relaxed);
                    rename(&mounted, &path, (&from, size), again).await
                }
            })
        };
        self.patience.run(attempt).await.map_err(given_up)?;
        self.present = false;
        Ok(())
    }

    /// What has to be done for the file to be gone; nothing if it has been renamed.
    pub(super) fn leave(&mut self) -> Option<Left> {
        std::mem::replace(&mut self.present, false).then(|| Left {
            connection: self.connection.clone(),
            open: self
                .open
                .then(|| (Arc::clone(&self.mounted), self.handle.clone())),
            in_flight: std::mem::take(&mut self.in_flight),
            file: match self.path.as_str().rsplit_once('/') {
                Some((parent, _)) => format!("{parent}/{}", self.name),
                None => self.name.clone(),
            },
        })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let (Some(left), Ok(runtime)) = (self.leave(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let file = left.file.clone();
        runtime.spawn(async move {
            if let Err(error) = left.remove().await {
                tracing::warn!(%file, %error, "a temporary file stays");
            }
        });
    }
}

/// A temporary file that is not wanted any more.
pub(super) struct Left {
    connection: Connection,
    open: Option<(Arc<Mounted>, Bytes)>,
    in_flight: VecDeque<Written>,
    file: String,
}

impl Left {
    pub(super) async fn remove(self) -> Result<()> {
        for written in self.in_flight {
            // How it ended is of no interest; that it ended is.
            let _ = written.await;
        }
        if let Some((mounted, handle)) = self.open
            && let Ok(Err(failure)) = owned(close(mounted, handle)).await
        {
            tracing::debug!(
                file = self.file,
                ?failure,
                "a file that is given up stays open"
            );
        }
        let file = self.file.clone();
        self.connection
            .run(format!("discarding {file}"), move |mounted| {
                let file = file.clone();
                async move { mounted.remove_file(&file).await }
            })
            .await
    }
}

/// What was on its way is given up: nothing passes any more.
fn given_up(error: Error) -> Error {
    match error {
        Error::Transient { reason } => Error::Unreachable { reason },
        error => error,
    }
}
