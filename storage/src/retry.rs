//! A decorator that asks again where the destination did not answer.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Object, ObjectPath, ObjectWriter, Patience, Result, Store};

/// A store whose requests are repeated while they fail for reasons that pass.
///
/// Appending cannot be repeated from outside: a writer that sends parts repeats these by itself. No
/// store repeats anything else, so that there is one layer of attempts and no product of two; only a
/// connection that turns out to be gone is made anew at once.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Store>,
    patience: Patience,
}

impl Retry {
    /// Repeats what `inner` is asked for, as `patience` says. A writer of `inner` that repeats by itself has the same.
    pub fn new(inner: Arc<dyn Store>, patience: impl Into<Patience>) -> Self {
        let patience = patience.into();
        Self { inner, patience }
    }
}

#[async_trait]
impl Store for Retry {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        self.patience
            .run(|| self.inner.create(path, expected_bytes))
            .await
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let read = || self.inner.read(path, range.clone());
        let content = self.patience.run(read).await?;
        self.patience.prove();
        Ok(content)
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.patience.run(|| self.inner.size(path)).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.patience.run(|| self.inner.list(prefix)).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.patience.run(|| self.inner.is_vacant()).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.patience.run(|| self.inner.delete(path)).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.patience.run(|| self.inner.delete_prefix(prefix)).await
    }

    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        let put = || self.inner.put(path, content.clone());
        self.patience.run_while(Error::passing_if_sent, put).await?;
        self.patience.prove();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::{
        Policy, conformance,
        fault::{Fault, Faulty},
        memory::Memory,
    };

    fn store(fault: Fault) -> Retry {
        let faulty = Faulty::new(Arc::new(Memory::default()), fault);
        Retry::new(Arc::new(faulty), Policy::default())
    }

    #[tokio::test]
    async fn a_store_that_is_retried_passes_the_conformance_suite() {
        let memory = Arc::new(Memory::default());
        conformance::check(&Retry::new(memory, Policy::default())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_waited_out() {
        let store = store(Fault::UnavailableFor(7));
        let path = ObjectPath::new("object").unwrap();
        store.put(&path, Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(store.get(&path, 1).await.unwrap(), "x");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_given_up_on_within_the_limit() {
        let store = store(Fault::UnavailableFor(u64::MAX));
        let begun = Instant::now();
        let error = store
            .size(&ObjectPath::new("object").unwrap())
            .await
            .unwrap_err();
        let Error::Unreachable { reason } = &error else {
            panic!("{error}")
        };
        assert!(reason.ends_with("(tried 8 times)"), "{reason}");
        assert!(begun.elapsed() < Policy::default().limit);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_good_is_asked_once() {
        let store = store(Fault::UnavailableFor(0));
        let begun = Instant::now();
        let outcome = store.size(&ObjectPath::new("object").unwrap()).await;
        assert!(matches!(outcome, Err(Error::NotFound { .. })));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
