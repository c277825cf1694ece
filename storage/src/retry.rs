//! A decorator that asks again where the destination did not answer.

use std::{
    future::Future,
    hash::{BuildHasher as _, RandomState},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{Error, Object, ObjectPath, ObjectWriter, Result, Store};

/// How often and for how long something is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many attempts there are at most.
    pub attempts: u32,
    /// The first pause; each is twice the one before.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first.
    pub limit: Duration,
}

impl Default for Policy {
    /// Bridges the restart of a server, and gives up on a dead one within a minute.
    fn default() -> Self {
        Self {
            attempts: 8,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(8),
            limit: Duration::from_secs(25),
        }
    }
}

impl Policy {
    /// One attempt, for whoever is repeated as a whole: what passes is still said to pass.
    pub(crate) const ONCE: Self = Self {
        attempts: 1,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        limit: Duration::ZERO,
    };

    /// For a person who waits for the answer: one more attempt, soon.
    pub const PROMPT: Self = Self {
        attempts: 2,
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_millis(500),
        limit: Duration::from_secs(3),
    };

    /// Makes attempts until one succeeds, fails for good, or there have been enough.
    pub async fn run<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.run_while(Error::is_transient, attempt).await
    }

    /// The same for whoever knows better which failures pass.
    pub(crate) async fn run_while<T, F>(
        &self,
        passes: impl Fn(&Error) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let begun = Instant::now();
        let mut pause = self.first_pause;
        let mut count = 1;
        loop {
            let error = match attempt().await {
                Err(error) if passes(&error) => error,
                outcome => return outcome,
            };
            if self.attempts == 1 {
                return Err(error);
            }
            let wait = jittered(pause);
            if count >= self.attempts || begun.elapsed() + wait > self.limit {
                return Err(given_up(error, count));
            }
            tracing::debug!(%error, count, "asking the backup storage again");
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(self.longest_pause);
            count += 1;
        }
    }
}

/// What passes in a moment has not passed: now it is a failure like others.
fn given_up(error: Error, attempts: u32) -> Error {
    match error {
        Error::Transient { reason } => Error::Unreachable {
            reason: match attempts {
                1 => reason,
                _ => format!("{reason} (tried {attempts} times)"),
            },
        },
        error => error,
    }
}

/// Between half and all of a pause, so that many clients do not come back at once.
fn jittered(pause: Duration) -> Duration {
    // A fresh hasher's keys are random: enough to keep clients apart.
    let random = RandomState::new().hash_one(pause);
    let share = u32::try_from(random % 1000).unwrap_or(0);
    pause / 2 + pause / 2 * share / 1000
}

/// A store whose requests are repeated while they fail for reasons that pass.
///
/// Appending cannot be repeated from outside: a writer that sends parts repeats these by itself. No
/// store repeats anything else, so that there is one layer of attempts and no product of two; only a
/// connection that turns out to be gone is made anew at once.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Store>,
    policy: Policy,
}

impl Retry {
    /// Repeats what `inner` is asked for, as `policy` says.
    pub fn new(inner: Arc<dyn Store>, policy: Policy) -> Self {
        Self { inner, policy }
    }
}

#[async_trait]
impl Store for Retry {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        self.policy
            .run(|| self.inner.create(path, expected_bytes))
            .await
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        self.policy
            .run(|| self.inner.read(path, range.clone()))
            .await
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        self.policy.run(|| self.inner.size(path)).await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        self.policy.run(|| self.inner.list(prefix)).await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.policy.run(|| self.inner.is_vacant()).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.policy.run(|| self.inner.delete(path)).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.policy.run(|| self.inner.delete_prefix(prefix)).await
    }

    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        self.policy
            .run_while(Error::may_be_sent_again, || {
                self.inner.put(path, content.clone())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conformance,
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

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_differ() {
        let pauses: Vec<_> = (0..20).map(|_| jittered(Duration::from_secs(2))).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (1000..=2000).contains(&pause.as_millis()))
        );
        assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
