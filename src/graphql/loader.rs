//! Loading the edges of an operation in batches, so that the number of statements depends on the
//! query and not on how many rows it meets.
//!
//! Fields that need rows ask for them and wait. Once nothing in the operation can go on without
//! rows, all that was asked for leaves at once: one statement for each edge. That is the moment at
//! which a batch cannot grow any more, so no timer is needed and the batches of a query are always
//! the same.

mod child;
mod fact;
mod list;
mod row;
mod tally;

use std::{
    fmt,
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use entity::Scope;
use futures_util::{Stream, future::BoxFuture, stream::FuturesUnordered};

use super::error::{Failure, Result};
use crate::{
    app::App,
    domain::{Error, Requester},
};

pub use child::{
    BackupsOfVolume, CountUnder, EventsOfOperation, LogsOfOperation, OperationsOfVolume, PageUnder,
    SnapshotsOfVolume, Under,
};
pub use fact::{FactsOf, Now};
pub use list::{HypervisorsOfGroup, LastTestOf, PlansOfGroup, VolumesOfInstance};
pub use tally::InFlightOf;

/// As many keys as one statement takes: SQLite binds 32,766 values.
const MAX_BATCH: usize = 10_000;

/// What an operation loads its edges from. Clones share their batches and their cache, which live
/// as long as the operation; of a subscription, as long as one event.
#[derive(Clone)]
pub struct Loaders(Arc<Shared>);

struct Shared {
    app: App,
    requester: Requester,
    batches: Mutex<Arc<DataLoader<Reader, HashMapCache>>>,
    departures: Departures,
}

/// Reads the rows of a batch as the requester may see them.
#[derive(Debug)]
pub struct Reader {
    app: App,
    requester: Requester,
}

/// Batches that are ready to leave.
#[derive(Clone, Default)]
struct Departures(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Reader {
    fn scope(&self) -> Result<Scope> {
        Ok(self.requester.scope()?)
    }

    fn db(&self) -> &sea_orm::DatabaseConnection {
        self.app.database.reads()
    }
}

impl Loaders {
    /// Loaders for one operation of `requester`.
    pub fn new(app: App, requester: Requester) -> Self {
        let departures = Departures::default();
        let batches = batches(&app, &requester, &departures);
        Self(Arc::new(Shared {
            app,
            requester,
            batches: Mutex::new(Arc::new(batches)),
            departures,
        }))
    }

    /// What `key` names, if it is there and the requester may see it.
    pub async fn lookup<K>(&self, key: K) -> Result<Option<<Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Failure>,
    {
        let batches = self
            .0
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        batches.load_one(key).await
    }

    /// What `key` names. It is there, or the database contradicts itself.
    pub async fn find<K>(&self, key: K) -> Result<<Reader as Loader<K>>::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Failure>,
    {
        self.lookup(key).await?.ok_or_else(|| {
            let key = std::any::type_name::<K>();
            Error::Broken(format!("a row is gone that another refers to by {key}")).into()
        })
    }

    /// Forgets what was loaded. A mutation does so after its commit, so that its payload, and the
    /// mutations after it in the same document, see what it changed.
    pub fn forget(&self) {
        let fresh = batches(&self.0.app, &self.0.requester, &self.0.departures);
        *self
            .0
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
    }

    /// Runs `execution` to its end and lets batches leave whenever it waits for nothing else. The
    /// next batches leave when those before them have arrived.
    pub async fn drive<T>(&self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut under_way = FuturesUnordered::new();
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(outcome) = execution.as_mut().poll(cx) {
                    return Poll::Ready(outcome);
                }
                if under_way.is_empty() {
                    under_way.extend(self.0.departures.take());
                }
                let mut arrived = false;
                while let Poll::Ready(Some(())) = pin!(&mut under_way).poll_next(cx) {
                    arrived = true;
                }
                if !arrived {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl Departures {
    fn push(&self, batch: BoxFuture<'static, ()>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(batch);
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn batches(
    app: &App,
    requester: &Requester,
    departures: &Departures,
) -> DataLoader<Reader, HashMapCache> {
    let reader = Reader {
        app: app.clone(),
        requester: requester.clone(),
    };
    let departures = departures.clone();
    DataLoader::with_cache(
        reader,
        move |batch| departures.push(batch),
        HashMapCache::default(),
    )
    .delay(Duration::ZERO)
    .max_batch_size(MAX_BATCH)
}

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaders")
            .field("requester", &self.0.requester)
            .finish_non_exhaustive()
    }
}
