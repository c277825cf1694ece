//! One object on its way into a local destination.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{
    directory::writing,
    output::{Block, Output},
    root::{Opened, Root},
    temporary::Temporary,
    watchdog::Watchdog,
};
use crate::{Error, ObjectPath, ObjectWriter, Patience, Result, reserve::Reserve};

/// Writes to a temporary name, and renames. One block is written while the next one is filled.
pub(super) struct LocalWriter {
    watchdog: Watchdog,
    patience: Patience,
    output: Arc<Output>,
    temporary: Temporary,
    reserve: Reserve,
    filling: Block,
    writing: Option<Writing>,
    spare: Option<Block>,
    /// What was handed to the file system, written or not.
    submitted_bytes: u64,
    /// An append is under way, or was given up half way: then bytes may be missing.
    torn: bool,
}

/// A block that is being written.
struct Writing {
    bytes: u64,
    task: JoinHandle<Result<Written>>,
}

/// A block that can be used again, and how much space there was when it was due to be looked at.
struct Written(Block, Option<u64>);

impl LocalWriter {
    pub(super) fn open(
        home: Arc<Root>,
        root: &Arc<Opened>,
        path: &ObjectPath,
        expected_bytes: u64,
        (watchdog, patience): (Watchdog, Patience),
    ) -> Result<Self> {
        let mut reserve = Reserve::new(expected_bytes);
        if reserve.is_due(0) {
            let available = root.available_bytes();
            let available = available.map_err(|error| writing(error, "creating", path))?;
            reserve.check(available, &format!("creating {path}"))?;
        }
        let (temporary, file) = Temporary::create(home, root, path)?;
        Ok(Self {
            watchdog,
            patience,
            output: Arc::new(Output::new(file)),
            temporary,
            reserve,
            filling: Block::new(),
            writing: None,
            spare: None,
            submitted_bytes: 0,
            torn: false,
        })
    }

    /// Has what was filled written behind our back, once what was written before is.
    async fn submit(&mut self) -> Result<()> {
        self.written().await?;
        let next = self.spare.take().unwrap_or_else(Block::new);
        let block = std::mem::replace(&mut self.filling, next);
        let (bytes, offset) = (block.len() as u64, self.submitted_bytes);
        let (output, path) = (Arc::clone(&self.output), self.temporary.path()?);
        let place = self.reserve.is_due(bytes).then(|| self.temporary.root());
        let place = place.transpose()?;
        let (watchdog, patience) = (self.watchdog.clone(), self.patience.clone());
        let task = tokio::spawn(async move {
            let write = watchdog.run(&patience, "writing a file", move || {
                let failed = |error| writing(error, "writing", &path);
                output.write(&block, offset).map_err(failed)?;
                let Some((home, root)) = place else {
                    return Ok(Written(block, None));
                };
                // On a disk that was unmounted meanwhile nobody would ever find it.
                home.ensure_same(&root)?;
                let available = root.available_bytes().map_err(failed)?;
                Ok(Written(block, Some(available)))
            });
            write.await
        });
        self.writing = Some(Writing { bytes, task });
        self.submitted_bytes += bytes;
        Ok(())
    }

    /// Waits for what is being written.
    async fn written(&mut self) -> Result<()> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let written = (&mut writing.task).await;
        self.writing = None;
        let Written(mut block, available) = written.map_err(|lost| Error::Io {
            doing: "writing a file".into(),
            source: io::Error::other(lost),
        })??;
        self.patience.prove();
        block.clear();
        self.spare = Some(block);
        if let Some(available) = available {
            let doing = format!("writing {}", self.temporary.path()?);
            self.reserve.check(available, &doing)?;
        }
        Ok(())
    }

    fn ensure_whole(&self) -> Result<()> {
        if !self.torn {
            return Ok(());
        }
        let path = self.temporary.path()?;
        Err(Error::torn(format!("writing {path}")))
    }
}

#[async_trait]
impl ObjectWriter for LocalWriter {
    async fn append(&mut self, mut chunk: Bytes) -> Result<()> {
        self.ensure_whole()?;
        self.torn = true;
        while !chunk.is_empty() {
            self.filling.fill(&mut chunk);
            if self.filling.is_full() {
                self.submit().await?;
            }
        }
        self.torn = false;
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        let writing = self.writing.as_ref().map_or(0, |writing| writing.bytes);
        self.filling.len() as u64 + writing
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.ensure_whole()?;
        if self.filling.len() > 0 {
            self.submit().await?;
        }
        self.written().await?;
        // Flushing may take long and may be given up on; only then does the object appear. A server's
        // errors may come here, and not before.
        let (output, path) = (Arc::clone(&self.output), self.temporary.path()?);
        let flush = self
            .watchdog
            .run(&self.patience, "flushing a file", move || {
                output
                    .flush()
                    .map_err(|error| writing(error, "flushing", &path))
            });
        flush.await?;
        let (mut temporary, size_bytes) = (self.temporary, self.submitted_bytes);
        let rename = self
            .watchdog
            .run(&self.patience, "renaming a file", move || {
                temporary.rename(size_bytes)
            });
        rename.await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let temporary = self.temporary;
        let discard = move || temporary.discard();
        self.watchdog
            .run(&self.patience.anew(), "deleting a file", discard)
            .await
    }
}
