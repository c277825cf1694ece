//! A decorator that makes a working store fail, or lie, on purpose: for tests.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{Error, Object, ObjectPath, ObjectWriter, Result, Store};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Space for this many bytes, summed over all objects, then none.
    FullAfter(u64),
    /// Once this many bytes have been taken, nothing is answered with success any more.
    DiesAfter(u64),
    /// This many requests are answered, and none after them.
    DiesAfterRequests(u64),
    /// This many requests fail for a reason that passes; those after them work.
    UnavailableFor(u64),
    /// Bytes are taken, and the first of each range reads back changed.
    FlipsBits,
    /// Bytes are taken, and each range reads back without its last one.
    CutsReads,
    /// Bytes are taken, but no object can be committed.
    CommitFails,
    /// A commit succeeds, and there is no object.
    DropsObjects,
    /// A deletion succeeds, and the object stays.
    KeepsDeleted,
    /// No deletion is allowed.
    DeniesDeleting,
    /// No append returns until the store [relents](Faulty::relent).
    Hangs,
}

/// A store with a [`Fault`].
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Store>,
    state: State,
}

/// What a faulty store and its writers know together.
#[derive(Debug, Clone)]
struct State {
    fault: Fault,
    written: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    relented: Arc<watch::Sender<bool>>,
}

impl State {
    /// Whether a request is answered at all.
    fn answer(&self) -> Result<()> {
        let requests = self.requests.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::UnavailableFor(count) if requests < count => Err(Error::Transient {
                reason: "it is unavailable on purpose".into(),
            }),
            Fault::DiesAfter(bytes) if self.written.load(Ordering::SeqCst) > bytes => Err(dead()),
            Fault::DiesAfterRequests(count) if requests >= count => Err(dead()),
            _ => Ok(()),
        }
    }
}

fn dead() -> Error {
    Error::Unreachable {
        reason: "it has died on purpose".into(),
    }
}

fn denied() -> Error {
    Error::Permission {
        doing: "deleting an object".into(),
    }
}

impl Faulty {
    /// Makes `inner` fail as `fault` says.
    pub fn new(inner: Arc<dyn Store>, fault: Fault) -> Self {
        let state = State {
            fault,
            written: Arc::default(),
            requests: Arc::default(),
            relented: Arc::default(),
        };
        Self { inner, state }
    }

    /// Has a store that hangs go on, as if nothing had been.
    pub fn relent(&self) {
        self.state.relented.send_replace(true);
    }
}

#[async_trait]
impl Store for Faulty {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        self.state.answer()?;
        Ok(Box::new(FaultyWriter {
            inner: self.inner.create(path, expected_bytes).await?,
            state: self.state.clone(),
        }))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        self.state.answer()?;
        let content = self.inner.read(path, range).await?;
        match self.state.fault {
            Fault::FlipsBits => {
                let mut changed = content.to_vec();
                if let Some(first) = changed.first_mut() {
                    *first ^= 1;
                }
                Ok(changed.into())
            }
            Fault::CutsReads => Ok(content.slice(..content.len().saturating_sub(1))),
            _ => Ok(content),
        }
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.state.answer()?;
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.state.answer()?;
        self.inner.list(prefix).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.state.answer()?;
        self.inner.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.state.answer()?;
        match self.state.fault {
            Fault::KeepsDeleted => Ok(()),
            Fault::DeniesDeleting => Err(denied()),
            _ => self.inner.delete(path).await,
        }
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.state.answer()?;
        match self.state.fault {
            Fault::KeepsDeleted => Ok(()),
            Fault::DeniesDeleting => Err(denied()),
            _ => self.inner.delete_prefix(prefix).await,
        }
    }
}

struct FaultyWriter {
    inner: Box<dyn ObjectWriter>,
    state: State,
}

#[async_trait]
impl ObjectWriter for FaultyWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        let bytes = chunk.len() as u64;
        let written = self.state.written.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.state.answer()?;
        match self.state.fault {
            Fault::FullAfter(space) if written > space => Err(Error::Full {
                doing: "writing an object".into(),
            }),
            Fault::Hangs => {
                let mut relented = self.state.relented.subscribe();
                let waited = relented.wait_for(|relented| *relented).await;
                waited.map_err(|_| Error::Unreachable {
                    reason: "nobody is left to relent".into(),
                })?;
                self.inner.append(chunk).await
            }
            _ => self.inner.append(chunk).await,
        }
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.inner.unconfirmed_bytes()
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.state.answer()?;
        match self.state.fault {
            Fault::CommitFails => {
                self.inner.abort().await?;
                let source = std::io::Error::other("commit fails on purpose");
                Err(Error::Io {
                    doing: "committing an object".into(),
                    source,
                })
            }
            Fault::DropsObjects => self.inner.abort().await,
            _ => self.inner.commit().await,
        }
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Local, conformance};

    #[tokio::test]
    async fn a_store_whose_fault_has_not_come_passes_the_conformance_suite() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        conformance::check(&Faulty::new(local, Fault::FullAfter(u64::MAX))).await;
    }

    #[tokio::test]
    async fn a_store_that_hangs_goes_on_once_it_relents() {
        let directory = tempfile::tempdir().unwrap();
        let store = Faulty::new(Arc::new(Local::new(directory.path())), Fault::Hangs);
        let path = ObjectPath::new("object").unwrap();
        let mut writer = store.create(&path, 3).await.unwrap();
        let mut append = writer.append(Bytes::from_static(b"123"));
        assert!(futures_util::poll!(&mut append).is_pending());
        store.relent();
        append.await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(store.size(&path).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_store_that_has_died_stays_dead() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        let store = Faulty::new(local, Fault::DiesAfter(3));
        let path = ObjectPath::new("object").unwrap();
        store.put(&path, Bytes::from_static(b"123")).await.unwrap();
        for _ in 0..2 {
            let error = store.put(&path, Bytes::from_static(b"4")).await;
            assert!(matches!(error, Err(Error::Unreachable { .. })), "{error:?}");
        }
        assert!(store.size(&path).await.is_err());
    }
}
