//! The batches of one kind of edge, and how they leave.

use std::{
    collections::HashMap,
    future::poll_fn,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;

use super::Reader;
use crate::graphql::error::Result;

/// As many keys as one statement takes: SQLite binds 32,766 values.
const MAX_KEYS: usize = 10_000;

/// Loads what keys name.
pub trait Load<K>: Send + Sync + 'static {
    /// What a key names. Clones are cheap.
    type Value: Clone + Send + Sync + 'static;

    /// What each of `keys` names; a key that names nothing is left out.
    fn load(&self, keys: &[K]) -> impl Future<Output = Result<HashMap<K, Self::Value>>> + Send;
}

/// What is known, asked for and under way of one kind of edge.
pub struct Edge<K, V>(Mutex<State<K, V>>);

struct State<K, V> {
    known: HashMap<K, Result<Option<V>>>,
    asked: Vec<K>,
    /// Who waits for a key that was asked for, whether it left or not.
    waiting: HashMap<K, Vec<Waker>>,
}

/// Batches that can leave.
#[derive(Clone, Default)]
pub struct Departures(Arc<Mutex<Vec<Arc<dyn Depart>>>>);

/// A batch that can leave.
pub trait Depart: Send + Sync {
    /// Loads what was asked for until now.
    fn depart(self: Arc<Self>, reader: Arc<Reader>) -> BoxFuture<'static, ()>;
}

impl<K, V> Default for Edge<K, V> {
    fn default() -> Self {
        Self(Mutex::new(State {
            known: HashMap::new(),
            asked: Vec::new(),
            waiting: HashMap::new(),
        }))
    }
}

impl<K, V> Edge<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    Reader: Load<K, Value = V>,
{
    /// What `key` names. It waits for a batch unless it is known.
    pub async fn lookup(self: Arc<Self>, key: K, departures: &Departures) -> Result<Option<V>> {
        poll_fn(|cx| self.poll(&key, departures, cx)).await
    }

    fn poll(
        self: &Arc<Self>,
        key: &K,
        departures: &Departures,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<V>>> {
        let mut state = self.state();
        if let Some(known) = state.known.get(key) {
            return Poll::Ready(known.clone());
        }
        if let Some(waiting) = state.waiting.get_mut(key) {
            waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        state.waiting.insert(key.clone(), vec![cx.waker().clone()]);
        if state.asked.is_empty() {
            departures.push(self.clone());
        }
        state.asked.push(key.clone());
        Poll::Pending
    }

    async fn load(&self, reader: &Reader) {
        let keys = std::mem::take(&mut self.state().asked);
        for keys in keys.chunks(MAX_KEYS) {
            let loaded = reader.load(keys).await;
            let mut state = self.state();
            for key in keys {
                let known = match &loaded {
                    Ok(values) => Ok(values.get(key).cloned()),
                    Err(failure) => Err(failure.clone()),
                };
                state.known.insert(key.clone(), known);
                let waiting = state.waiting.remove(key);
                waiting.into_iter().flatten().for_each(Waker::wake);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Depart for Edge<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    Reader: Load<K, Value = V>,
{
    fn depart(self: Arc<Self>, reader: Arc<Reader>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.load(&reader).await })
    }
}

impl Departures {
    fn push(&self, batch: Arc<dyn Depart>) {
        self.batches().push(batch);
    }

    /// All batches that can leave now.
    pub fn take(&self) -> Vec<Arc<dyn Depart>> {
        std::mem::take(&mut *self.batches())
    }

    fn batches(&self) -> MutexGuard<'_, Vec<Arc<dyn Depart>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
