//! A decorator that counts what a destination is asked for and how many bytes go each way: for tests.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Object, ObjectPath, ObjectWriter, Result, Store};

/// What has been counted, shared by all that count together.
#[derive(Debug, Default)]
pub struct Counts {
    requests: AtomicU64,
    written: AtomicU64,
    read: AtomicU64,
}

impl Counts {
    /// Calls of the store and of its writers, whatever came of them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes that the store took.
    pub fn bytes_written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Bytes that the store gave.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A store that keeps [`Counts`].
#[derive(Debug)]
pub struct Count {
    inner: Arc<dyn Store>,
    counts: Arc<Counts>,
}

impl Count {
    /// Counts in `counts` what `inner` does.
    pub fn new(inner: Arc<dyn Store>, counts: Arc<Counts>) -> Self {
        Self { inner, counts }
    }
}

#[async_trait]
impl Store for Count {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        self.counts.request();
        Ok(Box::new(CountedWriter {
            inner: self.inner.create(path, expected_bytes).await?,
            counts: Arc::clone(&self.counts),
        }))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        self.counts.request();
        let content = self.inner.read(path, range).await?;
        self.counts
            .read
            .fetch_add(content.len() as u64, Ordering::Relaxed);
        Ok(content)
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.counts.request();
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.counts.request();
        self.inner.list(prefix).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.counts.request();
        self.inner.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.counts.request();
        self.inner.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.counts.request();
        self.inner.delete_prefix(prefix).await
    }

    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        self.counts.request();
        let bytes = content.len();
        self.inner.put(path, content).await?;
        self.counts.wrote(bytes);
        Ok(())
    }
}

struct CountedWriter {
    inner: Box<dyn ObjectWriter>,
    counts: Arc<Counts>,
}

#[async_trait]
impl ObjectWriter for CountedWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.counts.request();
        let bytes = chunk.len();
        self.inner.append(chunk).await?;
        self.counts.wrote(bytes);
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.inner.unconfirmed_bytes()
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.counts.request();
        self.inner.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.counts.request();
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Local, conformance};

    #[tokio::test]
    async fn a_store_that_is_counted_passes_the_conformance_suite() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        conformance::check(&Count::new(local, Arc::default())).await;
    }

    #[tokio::test]
    async fn each_way_is_counted_once() {
        let directory = tempfile::tempdir().unwrap();
        let counts = Arc::new(Counts::default());
        let local = Arc::new(Local::new(directory.path()));
        let store = Count::new(local, Arc::clone(&counts));
        let path = ObjectPath::new("object").unwrap();
        let mut writer = store.create(&path, 0).await.unwrap();
        writer.append(Bytes::from_static(b"12345")).await.unwrap();
        writer.append(Bytes::from_static(b"678")).await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(store.read(&path, 1..4).await.unwrap(), "234");
        store.read(&path, 0..9).await.unwrap_err();
        store.put(&path, Bytes::from_static(b"9")).await.unwrap();
        assert_eq!((counts.bytes_written(), counts.bytes_read()), (9, 3));
        assert_eq!(counts.requests(), 7);
    }
}
