//! A decorator that keeps within a number of bytes per second.

use std::{num::NonZeroU64, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::{Error, Object, ObjectPath, ObjectWriter, Result, Store};

/// So many bytes per second, shared by all of its clones.
///
/// Whoever comes waits until what went before has had its time, in the order of coming, and then
/// goes at once. There is nothing to save up: after a rest nobody may go faster. Who gives up
/// waiting has taken nothing from the others.
#[derive(Debug, Clone)]
pub struct Bandwidth {
    bytes_per_second: NonZeroU64,
    free_at: Arc<Mutex<Instant>>,
}

impl Bandwidth {
    /// A limit of its own.
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            free_at: Arc::new(Mutex::new(Instant::now())),
        }
    }

    /// The limit.
    pub fn bytes_per_second(&self) -> NonZeroU64 {
        self.bytes_per_second
    }

    /// Waits for the turn of the next `bytes`.
    pub async fn take(&self, bytes: u64) {
        let mut free_at = self.free_at.lock().await;
        sleep_until(*free_at).await;
        let nanoseconds =
            u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let duration = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        *free_at = Instant::now().max(*free_at) + duration;
    }
}

/// A store that is written and read no faster than a [`Bandwidth`] allows, both ways together.
#[derive(Debug)]
pub struct Throttle {
    inner: Arc<dyn Store>,
    bandwidth: Bandwidth,
}

impl Throttle {
    /// Slows `inner` down to `bandwidth`.
    pub fn new(inner: Arc<dyn Store>, bandwidth: Bandwidth) -> Self {
        Self { inner, bandwidth }
    }
}

#[async_trait]
impl Store for Throttle {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        Ok(Box::new(ThrottledWriter {
            inner: self.inner.create(path, expected_bytes).await?,
            path: path.clone(),
            bandwidth: self.bandwidth.clone(),
            torn: false,
        }))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        self.bandwidth
            .take(range.end.saturating_sub(range.start))
            .await;
        self.inner.read(path, range).await
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.inner.list(prefix).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.inner.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.inner.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.inner.delete_prefix(prefix).await
    }

    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        self.bandwidth.take(content.len() as u64).await;
        self.inner.put(path, content).await
    }
}

struct ThrottledWriter {
    inner: Box<dyn ObjectWriter>,
    path: ObjectPath,
    bandwidth: Bandwidth,
    /// An append was given up on before the writer within has seen it.
    torn: bool,
}

impl ThrottledWriter {
    fn ensure_whole(&self) -> Result<()> {
        if self.torn {
            return Err(Error::torn(format!("writing {}", self.path)));
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectWriter for ThrottledWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.ensure_whole()?;
        self.torn = true;
        self.bandwidth.take(chunk.len() as u64).await;
        self.inner.append(chunk).await?;
        self.torn = false;
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.inner.unconfirmed_bytes()
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.ensure_whole()?;
        self.inner.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::{conformance, memory::Memory};

    const KIB: u64 = 1 << 10;

    fn limit(bytes_per_second: u64) -> Bandwidth {
        Bandwidth::new(NonZeroU64::new(bytes_per_second).unwrap())
    }

    #[tokio::test]
    async fn a_store_that_is_throttled_passes_the_conformance_suite() {
        let memory = Arc::new(Memory::default());
        conformance::check(&Throttle::new(memory, limit(1 << 30))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn writing_and_reading_share_the_limit() {
        let store = Throttle::new(Arc::new(Memory::default()), limit(10 * KIB));
        let path = ObjectPath::new("object").unwrap();
        let begun = Instant::now();
        let mut writer = store.create(&path, 0).await.unwrap();
        for _ in 0..5 {
            writer
                .append(Bytes::from(vec![0; 10 * 1024]))
                .await
                .unwrap();
        }
        writer.commit().await.unwrap();
        for _ in 0..5 {
            store.read(&path, 0..10 * KIB).await.unwrap();
        }
        store.put(&path, Bytes::from_static(b"x")).await.unwrap();
        // Ten chunks of a second each; the one after them waits for all ten.
        let elapsed = begun.elapsed();
        assert!((10.0..10.1).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn clones_share_the_limit_evenly() {
        let bandwidth = limit(100 * KIB);
        let begun = Instant::now();
        let ends = join_all((0..4).map(|_| {
            let bandwidth = bandwidth.clone();
            async move {
                for _ in 0..25 {
                    bandwidth.take(10 * KIB).await;
                }
                begun.elapsed().as_secs_f64()
            }
        }))
        .await;
        // 1000 KiB in all: nobody is done long before the others.
        assert!(ends.iter().all(|end| (9.0..10.0).contains(end)), "{ends:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_not_saved_up() {
        let bandwidth = limit(KIB);
        bandwidth.take(KIB).await;
        tokio::time::sleep(Duration::from_secs(100)).await;
        let begun = Instant::now();
        for _ in 0..4 {
            bandwidth.take(KIB).await;
        }
        let elapsed = begun.elapsed().as_secs_f64();
        assert!((3.0..3.1).contains(&elapsed), "{elapsed}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_has_taken_nothing() {
        let bandwidth = limit(KIB);
        let begun = Instant::now();
        bandwidth.take(2 * KIB).await;
        let impatient = bandwidth.take(1000 * KIB);
        tokio::time::timeout(Duration::from_secs(1), impatient)
            .await
            .unwrap_err();
        bandwidth.take(KIB).await;
        let elapsed = begun.elapsed().as_secs_f64();
        assert!((2.0..2.1).contains(&elapsed), "{elapsed}");
    }
}
