//! Locks within this process, one for each key: who works on the same thing waits for its turn.
//!
//! The gateway sees to it that one operation at a time has a volume. These hold where its word comes
//! too late: an attempt whose lease was lost may still be cleaning up when the next operation on its
//! volume is claimed.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use uuid::Uuid;

/// What operations of one host must not use at once.
#[derive(Debug, Default, Clone)]
pub struct Locks {
    /// Volumes, by their ids.
    pub volumes: Keyed<Uuid>,
    /// QEMU's control sockets, each of which serves one client at a time.
    pub monitors: Keyed<PathBuf>,
}

/// A lock for each key that somebody holds or waits for.
pub struct Keyed<K> {
    turns: Arc<Mutex<HashMap<K, Weak<Turn<()>>>>>,
}

/// A held lock, given back when it is dropped.
pub type Held = OwnedMutexGuard<()>;

impl<K: Eq + Hash> Keyed<K> {
    /// Waits for the key to be free, in the order of asking.
    pub async fn lock(&self, key: K) -> Held {
        self.turn(key).lock_owned().await
    }

    fn turn(&self, key: K) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}

impl<K> Default for Keyed<K> {
    fn default() -> Self {
        Self {
            turns: Arc::default(),
        }
    }
}

impl<K> Clone for Keyed<K> {
    fn clone(&self) -> Self {
        Self {
            turns: Arc::clone(&self.turns),
        }
    }
}

impl<K> fmt::Debug for Keyed<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keyed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_key_is_held_by_one_and_others_do_not_matter() {
        let locks = Keyed::default();
        let first = locks.lock(1).await;
        drop(locks.lock(2).await);
        let again = locks.clone();
        let waiting = tokio::spawn(async move { again.lock(1).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        let second = waiting.await.unwrap();
        drop(locks.lock(3).await);
        let turns = locks.turns.lock().unwrap();
        assert!(turns.contains_key(&1) && !turns.contains_key(&2));
        drop(second);
    }
}
