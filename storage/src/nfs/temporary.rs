//! A file of an export that has no name of its own yet: blocks in flight, and what becomes of it.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use bytes::Bytes;
use nfs_rs::{Nfs4ErrorCode, NfsError, WriteOutcome};
use tokio::{task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::{
    connection::{Connection, FILE, Mounted, owned},
    directory::ensure_mode,
    failure::{Failure, Kind, Outcome},
};
use crate::{Error, ObjectPath, Result};

/// A delete may take the directory that is just being written to; then it is created again.
const OPEN_ATTEMPTS: usize = 16;
const FILE_MODE: u32 = 0o600;
/// Blocks on their way to the server.
const WINDOW: usize = 8;

type Written = JoinHandle<Outcome<Vec<WriteOutcome>>>;

/// A file that goes, and its directories with it, when nobody wants it any more.
pub(super) struct Temporary {
    connection: Connection,
    pub(super) mounted: Arc<Mounted>,
    path: ObjectPath,
    directory: Bytes,
    name: String,
    handle: Bytes,
    /// Where the next block goes.
    end: u64,
    in_flight: VecDeque<Written>,
    unflushed: Vec<WriteOutcome>,
    /// What the server may still lose.
    pub(super) unflushed_bytes: u64,
    /// What it has not acknowledged.
    pub(super) unconfirmed_bytes: u64,
    open: bool,
    present: bool,
}

impl Temporary {
    pub(super) async fn create(
        connection: Connection,
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
            match Self::create_once(&connection, &mounted, &path, &name).await {
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
        connection: &Connection,
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
            mounted: Arc::clone(mounted),
            path: path.clone(),
            directory,
            name: name.to_owned(),
            handle: created.fh,
            end: 0,
            in_flight: VecDeque::with_capacity(WINDOW),
            unflushed: Vec::new(),
            unflushed_bytes: 0,
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

    /// The error of a failure. None passes: what was on its way is gone from our memory.
    pub(super) fn failed(&self, failure: Failure) -> Error {
        let doing = self.doing();
        match self.connection.failed(&self.mounted, failure, &doing) {
            Error::Transient { reason } => Error::Unreachable { reason },
            error => error,
        }
    }

    pub(super) fn torn(&self) -> Error {
        Error::torn(self.doing())
    }

    /// Sends a block, once there is room for it in the window.
    pub(super) async fn write(&mut self, block: Bytes) -> Result<()> {
        let settled = |written: &Written| written.is_finished();
        while self.in_flight.len() >= WINDOW || self.in_flight.front().is_some_and(settled) {
            self.settle_one().await?;
        }
        let (offset, length) = (self.end, block.len() as u64);
        let (mounted, handle) = (Arc::clone(&self.mounted), self.handle.clone());
        let written =
            tokio::spawn(async move { write_block(&mounted, handle, offset, block).await });
        self.in_flight.push_back(written);
        self.end += length;
        self.unflushed_bytes += length;
        self.unconfirmed_bytes += length;
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<()> {
        let Some(oldest) = self.in_flight.front_mut() else {
            return Ok(());
        };
        let settled = oldest.await;
        self.in_flight.pop_front();
        match settled {
            Ok(Ok(outcomes)) => {
                let taken: u64 = outcomes.iter().map(|o| u64::from(o.count)).sum();
                self.unconfirmed_bytes = self.unconfirmed_bytes.saturating_sub(taken);
                self.unflushed.extend(outcomes);
                Ok(())
            }
            Ok(Err(failure)) => Err(self.failed(failure)),
            Err(lost) => Err(Error::Io {
                doing: self.doing(),
                source: io::Error::other(lost),
            }),
        }
    }

    /// Has the server write down what it has taken, and checks that it is the server that took it.
    /// Says how long the COMMIT took.
    pub(super) async fn flush(&mut self) -> Result<Duration> {
        while !self.in_flight.is_empty() {
            self.settle_one().await?;
        }
        let (mounted, handle) = (Arc::clone(&self.mounted), self.handle.clone());
        let written = std::mem::take(&mut self.unflushed);
        self.unflushed_bytes = 0;
        let begun = Instant::now();
        if written.is_empty() {
            return Ok(begun.elapsed());
        }
        let flushed = owned(async move {
            Ok(mounted
                .ask(|mount| async move { mount.commit_write_batch(handle, 0, 0, &written).await })
                .await)
        });
        match flushed.await? {
            Ok(()) => Ok(begun.elapsed()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    pub(super) async fn close(&mut self) -> Result<()> {
        self.open = false;
        let closed = owned(close(Arc::clone(&self.mounted), self.handle.clone()));
        closed.await?.map_err(|failure| self.failed(failure))
    }

    /// Puts the file in its place, and looks whether it is there.
    pub(super) async fn rename(mut self) -> Result<()> {
        let (directory, from) = (self.directory.clone(), self.name.clone());
        let name = self.path.components().next_back().unwrap_or_default();
        let name = name.to_owned();
        let to = name.clone();
        let renamed = self
            .mounted
            .ask(
                |mount| async move { mount.rename(directory.clone(), &from, directory, &to).await },
            )
            .await;
        renamed.map_err(|failure| self.failed(failure))?;
        self.present = false;
        let found = self.mounted.lookup_in(&self.directory, &name).await;
        match found.map_err(|failure| self.failed(failure))? {
            Some(found) if found.kind == FILE && found.size_bytes == self.end => Ok(()),
            Some(found) => Err(Error::Unfaithful {
                reason: format!(
                    "{} bytes were written to {}, it has {}",
                    self.end, self.path, found.size_bytes
                ),
            }),
            None => Err(Error::Unfaithful {
                reason: format!("{} is not there once it was written", self.path),
            }),
        }
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

async fn close(mounted: Arc<Mounted>, handle: Bytes) -> Result<Outcome<()>> {
    Ok(mounted
        .ask(|mount| async move { mount.close(handle).await })
        .await)
}

/// Writes a block whole; a server may take less than it is given.
async fn write_block(
    mounted: &Mounted,
    handle: Bytes,
    mut offset: u64,
    mut block: Bytes,
) -> Outcome<Vec<WriteOutcome>> {
    let mut outcomes = Vec::with_capacity(1);
    while !block.is_empty() {
        let (handle, data) = (handle.clone(), block.clone());
        let outcome = mounted
            .ask(|mount| async move { mount.write(handle, offset, data).await })
            .await?;
        let taken = usize::try_from(outcome.count).unwrap_or(usize::MAX);
        if taken == 0 || taken > block.len() {
            return Err(Error::Unfaithful {
                reason: format!("of {} bytes the server says it took {taken}", block.len()),
            }
            .into());
        }
        block = block.split_off(taken);
        offset += u64::from(outcome.count);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
