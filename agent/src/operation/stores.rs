//! How operations come to the stores of their destinations, and share what there is of bandwidth.

use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use storage::{Bandwidth, Patience, Policy, Store, Throttle, Waiting};
use uuid::Uuid;

use super::BackupStorage;

/// Opens destinations.
pub trait Stores: Send + Sync {
    /// The store of a backup storage.
    fn open(&self, storage: &BackupStorage) -> storage::Result<Arc<dyn Store>>;

    /// The same for an operation, which is told when the store is waited for.
    fn open_telling(
        &self,
        storage: &BackupStorage,
        _waits: Arc<dyn Waiting>,
    ) -> storage::Result<Arc<dyn Store>> {
        self.open(storage)
    }

    /// The store without any limit of bandwidth, for what moves next to nothing and has to be told
    /// soon: whether it works.
    fn open_unlimited(&self, storage: &BackupStorage) -> storage::Result<Arc<dyn Store>> {
        self.open(storage)
    }
}

/// Destinations as they are outside of tests, within the limits of the agent and of each of them.
#[derive(Debug, Default)]
pub struct RealStores {
    agent: Option<Bandwidth>,
    /// How long a storage that has worked is waited for.
    patience: Duration,
    /// By the id of the backup storage and its limit: all operations on it that began under one
    /// limit share it, whatever became of the limit since.
    storages: Mutex<HashMap<(Uuid, NonZeroU64), Bandwidth>>,
}

impl RealStores {
    /// Destinations to and from which this agent moves so many bytes per second in all.
    pub fn new(bytes_per_second: Option<NonZeroU64>) -> Self {
        Self {
            agent: bytes_per_second.map(Bandwidth::new),
            ..Self::default()
        }
    }

    /// The same, waiting so long for a storage that has taken or given something in the same operation.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What operations on a backup storage share. A limit that was changed holds for those that begin
    /// from now on.
    fn bandwidth(&self, storage: &BackupStorage) -> Option<Bandwidth> {
        let limit = NonZeroU64::new(storage.bytes_per_second?)?;
        let mut storages = self.storages.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = storages
            .entry((storage.id, limit))
            .or_insert_with(|| Bandwidth::new(limit));
        Some(shared.clone())
    }

    fn limit(&self, storage: &BackupStorage, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let limits = [self.bandwidth(storage), self.agent.clone()];
        limits
            .into_iter()
            .flatten()
            .fold(store, |store, limit| Arc::new(Throttle::new(store, limit)))
    }
}

impl Stores for RealStores {
    fn open(&self, storage: &BackupStorage) -> storage::Result<Arc<dyn Store>> {
        Ok(self.limit(storage, storage.destination.open()?))
    }

    fn open_telling(
        &self,
        storage: &BackupStorage,
        waits: Arc<dyn Waiting>,
    ) -> storage::Result<Arc<dyn Store>> {
        let patience = Patience::from(Policy::default()).up_to(self.patience);
        let store = storage.destination.open_with(patience.telling(waits))?;
        Ok(self.limit(storage, store))
    }

    fn open_unlimited(&self, storage: &BackupStorage) -> storage::Result<Arc<dyn Store>> {
        storage.destination.open_with(Policy::PROMPT)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use storage::{Destination, ObjectPath, memory::Memory};
    use tokio::time::Instant;

    use super::*;

    fn storage(bytes_per_second: Option<u64>) -> BackupStorage {
        BackupStorage {
            id: Uuid::nil(),
            destination: Destination::Local {
                path: "/nowhere".into(),
            },
            mark: None,
            bytes_per_second,
        }
    }

    fn open(stores: &RealStores, storage: &BackupStorage) -> Arc<dyn Store> {
        stores.limit(storage, Arc::new(Memory::default()))
    }

    /// How many seconds it takes to write ten times 1000 bytes to each of the stores in turn.
    async fn seconds(stores: &[Arc<dyn Store>]) -> u64 {
        let begun = Instant::now();
        for number in 0..10 {
            for store in stores {
                let path = ObjectPath::new(format!("{number}")).unwrap();
                let content = Bytes::from_static(&[0; 1000]);
                store.put(&path, content).await.unwrap();
            }
        }
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn operations_on_one_backup_storage_share_its_limit() {
        let stores = RealStores::default();
        let limited = storage(Some(1000));
        let opened = [(); 2].map(|()| open(&stores, &limited));
        assert_eq!(seconds(&opened).await, 19);
        let other = BackupStorage {
            id: Uuid::max(),
            ..limited.clone()
        };
        let opened = [&limited, &other].map(|storage| open(&stores, storage));
        assert_eq!(seconds(&opened).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_agents_limit_is_shared_by_all_of_its_storages() {
        let stores = RealStores::new(NonZeroU64::new(500));
        let [slow, fast] = [Some(1000), None].map(storage);
        let opened = [slow, fast].map(|storage| open(&stores, &storage));
        assert_eq!(seconds(&opened).await, 38);
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_limit_holds_for_what_is_opened_then() {
        let stores = RealStores::default();
        let before = open(&stores, &storage(Some(1000)));
        let after = open(&stores, &storage(Some(2000)));
        assert_eq!(seconds(&[before]).await, 9);
        assert_eq!(seconds(&[after]).await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_operation_that_opens_again_does_not_part_the_newer_ones() {
        let stores = RealStores::default();
        let [older, newer] = [1000, 2000].map(|limit| storage(Some(limit)));
        open(&stores, &older);
        let first = open(&stores, &newer);
        open(&stores, &older);
        let second = open(&stores, &newer);
        assert_eq!(seconds(&[first, second]).await, 9);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits() {
        let stores = RealStores::default();
        for limit in [None, Some(0)] {
            let opened = open(&stores, &storage(limit));
            assert_eq!(seconds(&[opened]).await, 0);
        }
    }
}
