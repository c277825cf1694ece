//! Wakes streams and agents after a commit. It carries no data: who wakes reads the database, so a
//! slow reader gets the newest state and a lost wake-up costs time, never truth.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{HypervisorId, OperationId, UserId, VolumeId};
use tokio::sync::watch;

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A volume, its items, its lock and its cooldown.
    Volume(VolumeId),
    /// An operation and its progress.
    Operation(OperationId),
    /// The timeline of all operations.
    Events,
    /// What waits for the agent of a hypervisor.
    Work(HypervisorId),
    /// Hypervisors that come and go.
    Hypervisors,
    /// Answers to tests of backup storages.
    StorageTests,
    /// A user's tokens that were revoked, and its rights.
    User(UserId),
    /// The tokens of a hypervisor's agent that were revoked.
    Agent(HypervisorId),
}

/// Wakes those who watch a topic. Clones share their watchers.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    topics: Arc<Mutex<HashMap<Topic, watch::Sender<()>>>>,
}

/// One watcher of one topic.
#[derive(Debug)]
pub struct Watch(watch::Receiver<()>);

impl Hub {
    /// Watches `topic` from now on.
    pub fn watch(&self, topic: Topic) -> Watch {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        Watch(
            topics
                .entry(topic)
                .or_insert_with(|| watch::Sender::new(()))
                .subscribe(),
        )
    }

    /// Wakes all who watch one of `topics`, and forgets the topics that nobody watches.
    pub fn wake(&self, topics: impl IntoIterator<Item = Topic>) {
        let mut watched = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        for topic in topics {
            if watched
                .get(&topic)
                .is_some_and(|sender| sender.send(()).is_err())
            {
                watched.remove(&topic);
            }
        }
    }
}

impl Watch {
    /// Waits for the next wake-up. Those that came since the last wait count as one.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The hub ends with the process only.
            std::future::pending::<()>().await;
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
    async fn a_topic_that_nobody_watches_is_forgotten() {
        let hub = Hub::default();
        drop(hub.watch(Topic::Events));
        hub.wake([Topic::Events]);
        assert!(hub.topics.lock().unwrap().is_empty());
    }
}
