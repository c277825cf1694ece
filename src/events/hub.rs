//! Wakes streams and agents after a commit. It carries no state but the [`Progress`] of operations: who wakes reads the
//! database, so a slow reader gets the newest state and a lost wake-up costs time, never truth.
//!
//! What is told here is also put into the [`Outbox`], from which the bus takes it to the other gateways.

mod shared;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use entity::{OperationId, operation, operation::OperationStatus};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use self::shared::Readings;
pub use self::shared::Shared;
use super::{
    news::{News, Outbox},
    progress::{Board, Progress},
    tail::Tail,
    topic::Topic,
    watched::Elsewhere,
};

/// Wakes those who watch a topic. Clones share their watchers.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<State>);

#[derive(Debug, Default)]
struct State {
    topics: Mutex<HashMap<Topic, Watched>>,
    outbox: Outbox,
    /// Counts what was told of events.
    told_events: AtomicU64,
    tail: Tail,
    progress: Board,
    elsewhere: Elsewhere,
    readings: Readings,
    name: OnceLock<String>,
    /// There are events without a number.
    unnumbered: Arc<Notify>,
    /// When it was last begun to number all events that somebody waited for.
    settled: tokio::sync::Mutex<Option<Instant>>,
}

/// A topic that somebody watches.
#[derive(Debug, Default)]
struct Watched {
    sender: watch::Sender<()>,
    watchers: usize,
}

/// One watcher of one topic.
#[derive(Debug)]
pub struct Watch {
    receiver: watch::Receiver<()>,
    topic: Topic,
    hub: Hub,
}

impl Hub {
    /// Watches `topic` from now on.
    pub fn watch(&self, topic: Topic) -> Watch {
        let mut topics = self.topics();
        let watched = topics.entry(topic).or_default();
        watched.watchers += 1;
        if let (Topic::Progress(operation), 1) = (topic, watched.watchers) {
            self.0.outbox.add(News::watched([operation].into()));
        }
        Watch {
            receiver: watched.sender.subscribe(),
            topic,
            hub: self.clone(),
        }
    }

    /// The reading of type `T` that all share who watch `topic`.
    pub fn share<T: Send + Sync + 'static>(&self, topic: Topic) -> Arc<Shared<T>> {
        self.0.readings.of(self, topic)
    }

    /// Wakes all who watch one of `topics`, at every gateway.
    pub fn wake(&self, topics: impl IntoIterator<Item = Topic>) {
        self.tell(News::of(topics));
    }

    /// Tells `news` at every gateway.
    pub fn tell(&self, news: News) {
        self.hear(&news);
        self.0.outbox.add(news);
    }

    /// Wakes those at this gateway whom `news` concerns.
    pub(super) fn hear(&self, news: &News) {
        // What is older than what is known wakes nobody.
        let is_news = |(operation, progress): (&OperationId, &Progress)| {
            let is_news = self.0.progress.note(*operation, *progress);
            is_news.then_some(Topic::Progress(*operation))
        };
        let progressed: Vec<_> = news.progress.iter().filter_map(is_news).collect();
        // First the count: who is woken by it must find that there is something to read.
        self.0.elsewhere.hear(&news.watched);
        let is_of_events = |topic: &Topic| matches!(topic, Topic::Events | Topic::EventsOf(_));
        if news.is_all || news.topics.iter().any(is_of_events) {
            self.0.told_events.fetch_add(1, Ordering::AcqRel);
        }
        if !news.written.is_empty() {
            self.0.unnumbered.notify_one();
        }
        let topics = self.topics();
        if news.is_all {
            for watched in topics.values() {
                watched.sender.send_replace(());
            }
            return;
        }
        for topic in news.topics.iter().chain(&progressed) {
            if let Some(watched) = topics.get(topic) {
                watched.sender.send_replace(());
            }
        }
    }

    /// Whether anybody, at any gateway, may watch how far `operation` is.
    pub fn is_watched(&self, operation: OperationId) -> bool {
        self.topics().contains_key(&Topic::Progress(operation))
            || self.0.elsewhere.may_watch(operation)
    }

    /// Tells other gateways what is watched here.
    pub(super) fn tell_watched(&self) {
        let topics = self.topics();
        let watched = topics.keys().filter_map(|topic| match topic {
            Topic::Progress(operation) => Some(*operation),
            _ => None,
        });
        let watched = News::watched(watched.collect());
        drop(topics);
        if !watched.is_empty() {
            self.0.outbox.add(watched);
        }
    }

    /// What is watched elsewhere.
    pub(super) fn elsewhere(&self) -> &Elsewhere {
        &self.0.elsewhere
    }

    /// Brings what the database tells of a started operation up to date.
    pub fn bring_up_to_date(&self, operation: &mut Arc<operation::Model>) {
        if operation.status == OperationStatus::Started
            && let Some(progress) = self.0.progress.of(operation.id)
        {
            progress.update(operation);
        }
    }

    /// What this gateway is called on the bus.
    pub(super) fn name(&self, make: impl FnOnce() -> String) -> &str {
        self.0.name.get_or_init(make)
    }

    /// Tells whenever there may be events without a number.
    pub fn unnumbered(&self) -> Arc<Notify> {
        Arc::clone(&self.0.unnumbered)
    }

    /// When it was last begun to number all events that somebody waited for, once nobody is at it.
    pub(super) async fn settled(&self) -> tokio::sync::MutexGuard<'_, Option<Instant>> {
        self.0.settled.lock().await
    }

    /// Rises whenever there may be new events.
    pub(super) fn told_events(&self) -> u64 {
        self.0.told_events.load(Ordering::Acquire)
    }

    /// The newest events.
    pub(super) fn tail(&self) -> &Tail {
        &self.0.tail
    }

    /// What other gateways have yet to be told.
    pub(super) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, Watched>> {
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Whether it was woken since the last wait, which counts as one.
    pub(super) fn take_change(&mut self) -> bool {
        self.receiver.borrow_and_update().has_changed()
    }

    /// Whether it was woken since the last wait.
    pub fn has_changed(&self) -> bool {
        self.receiver.has_changed().unwrap_or(true)
    }

    /// Waits for the next wake-up. Those that came since the last wait count as one.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The hub ends with the process only.
            std::future::pending::<()>().await;
        }
    }
}

/// A topic that nobody watches any more is forgotten.
impl Drop for Watch {
    fn drop(&mut self) {
        let mut topics = self.hub.topics();
        let Some(watched) = topics.get_mut(&self.topic) else {
            return;
        };
        watched.watchers -= 1;
        if watched.watchers == 0 {
            topics.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_between_two_waits_is_not_lost() {
        let hub = Hub::default();
        let mut watch = hub.watch(Topic::Events);
        hub.wake([Topic::Events]);
        hub.wake([Topic::Events]);
        watch.changed().await;
    }

    #[tokio::test]
    async fn a_topic_is_forgotten_with_its_last_watcher() {
        let hub = Hub::default();
        let mut first = hub.watch(Topic::Events);
        let second = hub.watch(Topic::Events);
        drop(second);
        hub.wake([Topic::Events]);
        first.changed().await;
        drop(first);
        assert!(hub.topics().is_empty());
        hub.wake([Topic::Events]);
        assert!(hub.topics().is_empty());
    }

    #[tokio::test]
    async fn news_of_everything_wake_whoever_watches_anything() {
        let hub = Hub::default();
        let (mut one, mut other) = (hub.watch(Topic::Events), hub.watch(Topic::Hypervisors));
        hub.hear(&News::everything());
        one.changed().await;
        other.changed().await;
    }
}
