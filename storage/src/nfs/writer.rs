//! One object on its way to an export: gathered into blocks, flushed now and then, renamed at the end.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    connection::{Connection, owned},
    pace::Pace,
    temporary::Temporary,
};
use crate::{ObjectPath, ObjectWriter, Patience, Result, gather::Gather, reserve::Reserve};

/// The largest block, whatever the server would take.
const MAX_BLOCK_BYTES: u32 = 1 << 20;

/// Writes to a temporary name, and renames.
///
/// What was appended is acknowledged but for a few blocks; the server may lose what it has acknowledged until it
/// is flushed, and tells by its verifier if it did. Until then it is kept here, and written again to a server that
/// is back.
pub(super) struct NfsWriter {
    file: Temporary,
    gather: Gather,
    reserve: Reserve,
    pace: Pace,
    /// An append is under way, or was given up half way: then bytes are missing.
    torn: bool,
}

impl NfsWriter {
    pub(super) async fn open(
        connection: Connection,
        patience: Patience,
        path: ObjectPath,
        expected_bytes: u64,
    ) -> Result<Self> {
        let doing = format!("creating {path}");
        let opener = connection.clone();
        let file = connection
            .run(doing, move |mounted| {
                let creator = (opener.clone(), patience.clone());
                Temporary::create(creator, mounted, path.clone())
            })
            .await?;
        let (_, block_bytes) = file.mounted.io_bytes();
        let block_bytes = usize::try_from(block_bytes.min(MAX_BLOCK_BYTES)).unwrap_or(1);
        let mut writer = Self {
            file,
            gather: Gather::new(block_bytes),
            reserve: Reserve::new(expected_bytes),
            pace: Pace::default(),
            torn: false,
        };
        writer.ensure_space(0).await?;
        Ok(writer)
    }

    async fn ensure_space(&mut self, more_bytes: u64) -> Result<()> {
        if !self.reserve.is_due(more_bytes) {
            return Ok(());
        }
        let mounted = Arc::clone(&self.file.mounted);
        let asked = owned(async move {
            Ok(mounted
                .ask(|mount| async move { mount.fsstat().await })
                .await)
        });
        let space = match asked.await? {
            Ok(space) => space,
            // It is asked anew when the next block is due; what is missing until then is noticed by writing.
            Err(failure) => return self.file.recover(failure).await,
        };
        // A server that does not tell its space tells zero of everything.
        if space.tbytes == 0 {
            return Ok(());
        }
        self.reserve.check(space.abytes, &self.file.doing())
    }

    async fn submit(&mut self, block: Bytes) -> Result<()> {
        let unflushed_bytes = self.file.unflushed_bytes;
        if self.pace.is_due(unflushed_bytes) {
            let took = self.file.flush().await?;
            self.pace.learn(unflushed_bytes, took);
        }
        self.ensure_space(block.len() as u64).await?;
        self.file.write(block).await
    }
}

#[async_trait]
impl ObjectWriter for NfsWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        if std::mem::replace(&mut self.torn, true) {
            return Err(self.file.torn());
        }
        for block in self.gather.push(chunk) {
            self.submit(block).await?;
        }
        self.torn = false;
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.gather.pending_bytes() + self.file.unconfirmed_bytes
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        if self.torn {
            return Err(self.file.torn());
        }
        if let Some(rest) = self.gather.rest() {
            self.submit(rest).await?;
        }
        let mut file = self.file;
        // Flushing may take long and may be given up on; only then does the object appear.
        file.flush().await?;
        file.close().await?;
        file.rename().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let mut file = self.file;
        match file.leave() {
            Some(left) => owned(left.remove()).await,
            None => Ok(()),
        }
    }
}
