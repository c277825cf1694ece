//! What many streams of a gateway read of one topic, read once for all of them.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;

use super::{Hub, Watch};
use crate::events::Topic;

/// How old a reading may be where nothing was told since: a wake-up may have been lost.
const MAX_AGE: Duration = Duration::from_secs(1);
/// So many readings are known before it is looked for those that nobody shares any more.
const FEW: usize = 64;

/// A reading of type `T` that all share who watch a topic.
#[derive(Debug)]
pub struct Shared<T>(tokio::sync::Mutex<Kept<T>>);

#[derive(Debug)]
struct Kept<T> {
    changes: Watch,
    read: Option<(Instant, T)>,
}

impl<T: Clone> Shared<T> {
    /// The newest state: what `read` finds, unless another stream has just read it and nothing was told since. An error
    /// is shared with nobody.
    pub async fn read<E, F>(&self, read: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        // Whoever comes meanwhile waits, and finds it read.
        let mut kept = self.0.lock().await;
        let is_told = kept.changes.take_change();
        match &kept.read {
            Some((at, state)) if !is_told && at.elapsed() < MAX_AGE => return Ok(state.clone()),
            // Whatever becomes of this reading, the last one is over.
            _ => kept.read = None,
        }
        let at = Instant::now();
        let state = read().await?;
        kept.read = Some((at, state.clone()));
        Ok(state)
    }
}

/// The readings that are shared now.
#[derive(Debug, Default)]
pub(super) struct Readings(Mutex<HashMap<(Topic, TypeId), Weak<dyn Any + Send + Sync>>>);

impl Readings {
    /// The one of type `T` of `topic`, for as long as somebody keeps it.
    pub(super) fn of<T: Send + Sync + 'static>(&self, hub: &Hub, topic: Topic) -> Arc<Shared<T>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (topic, TypeId::of::<T>());
        let shared = known.get(&key).and_then(Weak::upgrade);
        if let Some(shared) = shared.and_then(|shared| shared.downcast().ok()) {
            return shared;
        }
        if known.len() >= FEW && known.len() == known.capacity() {
            known.retain(|_, shared| shared.strong_count() > 0);
        }
        let shared = Arc::new(Shared(tokio::sync::Mutex::new(Kept {
            changes: hub.watch(topic),
            read: None,
        })));
        let weak: Weak<Shared<T>> = Arc::downgrade(&shared);
        known.insert(key, weak);
        shared
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn read(shared: &Shared<u32>, state: u32) -> u32 {
        let read = shared.read(|| async move { Ok::<_, Infallible>(state) });
        read.await.unwrap()
    }

    #[tokio::test]
    async fn a_reading_is_shared_until_something_is_told() {
        let hub = Hub::default();
        let one = hub.share::<u32>(Topic::Events);
        let other = hub.share::<u32>(Topic::Events);
        let elsewhere = hub.share::<u32>(Topic::Hypervisors);
        assert_eq!(read(&one, 1).await, 1);
        assert_eq!(read(&other, 2).await, 1);
        assert_eq!(read(&elsewhere, 3).await, 3);
        hub.wake([Topic::Events]);
        assert_eq!(read(&other, 4).await, 4);
        assert_eq!(read(&one, 5).await, 4);
        drop((one, other));
        let later = hub.share::<u32>(Topic::Events);
        assert_eq!(read(&later, 6).await, 6, "nobody kept it");
    }

    #[tokio::test]
    async fn a_reading_that_failed_is_shared_with_nobody() {
        let hub = Hub::default();
        let shared = hub.share::<u32>(Topic::Events);
        assert_eq!(read(&shared, 1).await, 1);
        hub.wake([Topic::Events]);
        let failed = shared.read(|| async { Err::<u32, _>("away") }).await;
        assert_eq!(failed, Err("away"));
        assert_eq!(read(&shared, 2).await, 2);
    }
}
