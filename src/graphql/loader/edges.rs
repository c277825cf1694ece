//! What an operation knows of its edges, and the batches of what it asks for next.
//!
//! async-graphql's `DataLoader` wakes a thread of timers for each batch, even where it is to wait for nothing.

use std::{
    any::{Any, TypeId},
    collections::{HashMap, HashSet},
    future::poll_fn,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use async_graphql::dataloader::Loader;
use futures_util::future::BoxFuture;

use super::{MAX_KEYS, Reader};
use crate::{
    domain::Error,
    graphql::error::{Failure, Result},
};

/// What was loaded, by the types of its keys.
#[derive(Debug)]
pub(super) struct Edges {
    reader: Reader,
    kinds: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

/// What was loaded by keys of one type, and the batch that waits to leave.
struct Kind<K, V> {
    known: HashMap<K, V>,
    open: Option<Arc<Batch<K>>>,
}

/// Keys that are loaded together.
struct Batch<K>(Mutex<Booked<K>>);

struct Booked<K> {
    keys: HashSet<K>,
    waiting: Vec<Waker>,
    /// Once it has arrived.
    outcome: Option<Result<()>>,
}

/// What leads to an edge.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Key for K {}

type ValueOf<K> = <Reader as Loader<K>>::Value;
type KindOf<K> = Kind<K, ValueOf<K>>;

impl Edges {
    /// Edges of which nothing is known yet.
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            kinds: Mutex::default(),
        }
    }

    /// What `key` names, if it is there. A new batch is given to `depart`, and has loaded it once it has ended.
    pub async fn lookup<K: Key>(
        self: &Arc<Self>,
        key: K,
        depart: impl FnOnce(BoxFuture<'static, ()>),
    ) -> Result<Option<ValueOf<K>>>
    where
        Reader: Loader<K, Error = Failure>,
    {
        let (known, joined) = self.with(|kind: &mut KindOf<K>| match kind.known.get(&key) {
            Some(known) => (Some(known.clone()), None),
            None => (None, Some(kind.join(key.clone()))),
        })?;
        let Some((batch, is_new)) = joined else {
            return Ok(known);
        };
        if is_new {
            let (edges, batch) = (Arc::clone(self), Arc::clone(&batch));
            depart(Box::pin(async move { edges.load(&batch).await }));
        }
        batch.arrived().await?;
        self.with(|kind: &mut KindOf<K>| kind.known.get(&key).cloned())
    }

    /// Loads a batch.
    async fn load<K: Key>(&self, batch: &Arc<Batch<K>>)
    where
        Reader: Loader<K, Error = Failure>,
    {
        let closed = self.with(|kind: &mut KindOf<K>| {
            // What is asked for from now on is a batch of its own.
            kind.open.take_if(|open| Arc::ptr_eq(open, batch));
        });
        let keys: Vec<_> = batch.booked().keys.drain().collect();
        let outcome = match closed {
            Ok(()) => Loader::<K>::load(&self.reader, &keys).await,
            Err(failure) => Err(failure),
        };
        let outcome =
            outcome.and_then(|loaded| self.with(|kind: &mut KindOf<K>| kind.known.extend(loaded)));
        batch.end(outcome);
    }

    /// What `work` does with what is known by keys of the type `K`.
    fn with<K: Key, T>(&self, work: impl FnOnce(&mut KindOf<K>) -> T) -> Result<T>
    where
        Reader: Loader<K, Error = Failure>,
    {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kinds
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Box::new(KindOf::<K>::default()));
        let kind = kind.downcast_mut::<KindOf<K>>().map(work);
        kind.ok_or_else(|| Error::Broken("edges are known by another type".to_owned()).into())
    }
}

impl<K, V> Default for Kind<K, V> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            open: None,
        }
    }
}

impl<K: Key, V> Kind<K, V> {
    /// The batch that `key` is loaded with, and whether it is a new one.
    fn join(&mut self, key: K) -> (Arc<Batch<K>>, bool) {
        if let Some(open) = &self.open {
            let batch = Arc::clone(open);
            let is_full = {
                let mut booked = batch.booked();
                booked.keys.insert(key);
                booked.keys.len() >= MAX_KEYS
            };
            if is_full {
                self.open = None;
            }
            return (batch, false);
        }
        let batch = Arc::new(Batch(Mutex::new(Booked {
            keys: HashSet::from([key]),
            waiting: Vec::new(),
            outcome: None,
        })));
        self.open = Some(Arc::clone(&batch));
        (batch, true)
    }
}

impl<K> Batch<K> {
    /// Waits until it was loaded.
    async fn arrived(&self) -> Result<()> {
        poll_fn(|cx| {
            let mut booked = self.booked();
            if let Some(outcome) = &booked.outcome {
                return Poll::Ready(outcome.clone());
            }
            booked.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// It was loaded.
    fn end(&self, outcome: Result<()>) {
        let waiting = {
            let mut booked = self.booked();
            booked.outcome = Some(outcome);
            std::mem::take(&mut booked.waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }

    fn booked(&self) -> MutexGuard<'_, Booked<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
