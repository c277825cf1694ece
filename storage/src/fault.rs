//! A decorator that makes a working store fail on purpose, for tests.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Object, ObjectPath, ObjectWriter, Result, Store};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Space for this many bytes, summed over all objects, then none.
    FullAfter(u64),
    /// Bytes are taken, and the first of each range reads back changed.
    FlipsBits,
    /// Bytes are taken, but no object can be committed.
    CommitFails,
    /// No append ever returns.
    Hangs,
}

/// A store with a [`Fault`].
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Store>,
    fault: Fault,
    written: Arc<AtomicU64>,
}

impl Faulty {
    /// Makes `inner` fail as `fault` says.
    pub fn new(inner: Arc<dyn Store>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            written: Arc::default(),
        }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        let inner = self.inner.create(path, expected_bytes).await?;
        let written = Arc::clone(&self.written);
        Ok(Box::new(FaultyWriter {
            inner,
            fault: self.fault,
            written,
        }))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let content = self.inner.read(path, range).await?;
        if self.fault != Fault::FlipsBits {
            return Ok(content);
        }
        let mut changed = content.to_vec();
        if let Some(first) = changed.first_mut() {
            *first ^= 1;
        }
        Ok(changed.into())
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.inner.list(prefix).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.inner.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.inner.delete_prefix(prefix).await
    }
}

struct FaultyWriter {
    inner: Box<dyn ObjectWriter>,
    fault: Fault,
    written: Arc<AtomicU64>,
}

#[async_trait]
impl ObjectWriter for FaultyWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        let written = self.written.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        match self.fault {
            Fault::FullAfter(space) if written + chunk.len() as u64 > space => Err(Error::Full {
                doing: "writing an object".into(),
            }),
            Fault::Hangs => std::future::pending().await,
            _ => self.inner.append(chunk).await,
        }
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.inner.unconfirmed_bytes()
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        if self.fault == Fault::CommitFails {
            self.inner.abort().await?;
            let source = std::io::Error::other("commit fails on purpose");
            return Err(Error::Io {
                doing: "committing an object".into(),
                source,
            });
        }
        self.inner.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
