//! What gateways tell each other after a commit, and where it waits until the bus takes it.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::OperationId;
use tokio::sync::Notify;

use super::{progress::Progress, topic::Topic};

/// The most topics that are named one by one. They fit into one message of PostgreSQL; beyond them,
/// everything that is watched may have changed.
const MAX_TOPICS: usize = 300;
/// The most ranges of serials that wait. Others are found by looking.
const MAX_RANGES: usize = 1_000;

/// What has changed. Told twice it is no different from told once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Anything may have changed.
    pub is_all: bool,
    /// Who is to be woken.
    pub topics: BTreeSet<Topic>,
    /// The serials of the events that were written and get their numbers later.
    pub written: Vec<RangeInclusive<i64>>,
    /// The events that were given numbers.
    pub numbered: Option<Numbered>,
    /// How far operations are.
    pub progress: BTreeMap<OperationId, Progress>,
    /// Of which operations somebody watches how far they are, where this is told.
    pub watched: BTreeSet<OperationId>,
}

/// Events that were numbered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Their numbers.
    pub numbers: RangeInclusive<i64>,
    /// Their serials, in the same order; none where they were too many to be told.
    pub serials: Vec<RangeInclusive<i64>>,
}

impl News {
    /// That those who watch `topics` are to be woken.
    pub fn of(topics: impl IntoIterator<Item = Topic>) -> Self {
        Self {
            topics: topics.into_iter().collect(),
            ..Self::default()
        }
    }

    /// How far `operation` is.
    pub fn progress(operation: OperationId, progress: Progress) -> Self {
        Self {
            progress: [(operation, progress)].into(),
            ..Self::default()
        }
    }

    /// That `operations` are watched.
    pub(super) fn watched(operations: BTreeSet<OperationId>) -> Self {
        Self {
            watched: operations,
            ..Self::default()
        }
    }

    /// That anything may have changed.
    pub fn everything() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    /// Adds what `other` tells.
    pub fn merge(&mut self, other: Self) {
        self.is_all |= other.is_all;
        if !self.is_all {
            self.topics.extend(other.topics);
            self.is_all = self.topics.len() > MAX_TOPICS;
        }
        if self.is_all {
            self.topics.clear();
        }
        self.watched.extend(other.watched);
        for (operation, progress) in other.progress {
            match self.progress.entry(operation) {
                Entry::Vacant(entry) => {
                    entry.insert(progress);
                }
                Entry::Occupied(mut entry) if !progress.is_older(entry.get()) => {
                    entry.insert(progress);
                }
                Entry::Occupied(_) => {}
            }
        }
        for serials in other.written {
            let is_full = self.written.len() >= MAX_RANGES;
            match self.written.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(*serials.start()) => {
                    *last = *last.start()..=*serials.end();
                }
                _ if !is_full => self.written.push(serials),
                _ => {}
            }
        }
    }

    /// That events of these serials were written, too.
    pub fn add_written(&mut self, serials: impl IntoIterator<Item = i64>) {
        for serial in serials {
            self.merge(Self {
                written: vec![serial..=serial],
                ..Self::default()
            });
        }
    }

    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What other gateways have yet to be told. Nothing is kept before it is opened: then there are none.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    kept: Mutex<Option<News>>,
    arrived: Notify,
}

impl Outbox {
    /// Keeps from now on what is told.
    pub(super) fn open(&self) {
        self.kept().get_or_insert_default();
    }

    /// Adds `news` to what waits.
    pub(super) fn add(&self, news: News) {
        if let Some(kept) = &mut *self.kept() {
            kept.merge(news);
        }
        self.arrived.notify_one();
    }

    /// Waits until something is there, and leaves it.
    pub(super) async fn wait(&self) {
        loop {
            let arrived = self.arrived.notified();
            if self.kept().as_ref().is_some_and(|kept| !kept.is_empty()) {
                return;
            }
            arrived.await;
        }
    }

    /// Takes all that is there.
    pub(super) fn take(&self) -> News {
        self.kept().as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn kept(&self) -> MutexGuard<'_, Option<News>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use entity::VolumeId;
    use uuid::Uuid;

    use super::*;

    fn volume(number: usize) -> Topic {
        let number = u128::try_from(number).unwrap();
        Topic::Volume(VolumeId::from_uuid(Uuid::from_u128(number)))
    }

    #[test]
    fn more_topics_than_a_message_holds_are_everything() {
        let mut news = News::default();
        for number in 0..MAX_TOPICS {
            news.merge(News::of([volume(number), volume(number)]));
        }
        assert!(!news.is_all);
        news.merge(News::of([Topic::Events]));
        assert!(news.is_all && news.topics.is_empty());
        news.merge(News::of([Topic::Hypervisors]));
        assert!(news.topics.is_empty(), "which is everything already");
    }

    #[test]
    fn serials_that_follow_each_other_are_one_range() {
        let mut news = News::default();
        news.add_written([1, 2, 3, 7, 8]);
        let mut more = News::default();
        more.add_written([9, 10]);
        news.merge(more);
        assert_eq!(news.written, [1..=3, 7..=10]);
    }

    #[test]
    fn of_an_operations_progress_the_newest_is_told() {
        let operation = OperationId::from_uuid(Uuid::from_u128(1));
        let progress = |bytes_done| Progress {
            revision: 2,
            epoch: 1,
            bytes_done,
            bytes_total: 9,
            bytes_per_second: None,
        };
        let mut news = News::progress(operation, progress(2));
        for bytes_done in [1, 3, 2] {
            news.merge(News::progress(operation, progress(bytes_done)));
        }
        assert_eq!(news, News::progress(operation, progress(3)));
    }

    #[tokio::test]
    async fn what_waits_is_left_by_who_waits_and_gone_once_it_is_taken() {
        let outbox = Outbox::default();
        outbox.add(News::everything());
        assert!(outbox.take().is_empty(), "nobody takes it elsewhere yet");
        outbox.open();
        outbox.add(News::of([Topic::Events]));
        outbox.wait().await;
        outbox.wait().await;
        assert_eq!(outbox.take(), News::of([Topic::Events]));
        assert!(outbox.take().is_empty());
    }
}
