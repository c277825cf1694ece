//! Wakes streams and agents after a commit. It carries no data: who wakes reads the database, so a
//! slow reader gets the newest state and a lost wake-up costs time, never truth.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    topics: Arc<Mutex<HashMap<Topic, Watched>>>,
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
        Watch {
            receiver: watched.sender.subscribe(),
            topic,
            hub: self.clone(),
        }
    }

    /// Wakes all who watch one of `topics`.
    pub fn wake(&self, topics: impl IntoIterator<Item = Topic>) {
        let watched = self.topics();
        for topic in topics {
            if let Some(watched) = watched.get(&topic) {
                watched.sender.send_replace(());
            }
        }
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, Watched>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
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
}
