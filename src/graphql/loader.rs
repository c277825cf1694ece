//! Loading the edges of an operation in batches, so that the number of statements depends on the
//! query and not on how many rows it meets.
//!
//! Fields that need rows ask for them and wait. Once nothing in the operation can go on without
//! rows, all that was asked for leaves at once: one statement for each edge. That is the moment at
//! which a batch cannot grow any more, so no timer is needed; the next batches leave when those
//! before them have arrived, so the batches of a query are always the same.

mod batch;
mod child;
mod fact;
mod list;
mod row;
mod tally;
mod viewer;

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use entity::Scope;
use futures_util::{Stream, stream::FuturesUnordered, task::AtomicWaker};

use super::error::Result;
use crate::{
    app::App,
    domain::{Error, Requester},
};
use batch::{Departures, Edge};

pub use batch::Load;
pub use child::{
    BackupsOfVolume, CountUnder, EventsOfOperation, LogsOfOperation, OperationsOfVolume, PageUnder,
    SnapshotsOfVolume, Under,
};
pub use fact::{FactsOf, Now};
pub use list::{HypervisorsOfGroup, LastTestOf, PlansOfGroup, VolumesOfInstance};
pub use tally::InFlightOf;
pub use viewer::{AccountOfViewer, ApiTokensOfViewer};

/// What an operation loads its edges from. Clones share what they know, which lives as long as the
/// operation; of a subscription, as long as one event.
#[derive(Clone)]
pub struct Loaders(Arc<Shared>);

struct Shared {
    reader: Arc<Reader>,
    edges: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    departures: Departures,
}

/// Reads the rows of a batch as the requester may see them.
#[derive(Debug)]
pub struct Reader {
    app: App,
    requester: Requester,
}

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
        Self(Arc::new(Shared {
            reader: Arc::new(Reader { app, requester }),
            edges: Mutex::default(),
            departures: Departures::default(),
        }))
    }

    /// What `key` names, if it is there and the requester may see it.
    pub async fn lookup<K>(&self, key: K) -> Result<Option<<Reader as Load<K>>::Value>>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        Reader: Load<K>,
    {
        self.edge::<K>()?.lookup(key, &self.0.departures).await
    }

    /// What `key` names. It is there, or the database contradicts itself.
    pub async fn find<K>(&self, key: K) -> Result<<Reader as Load<K>>::Value>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        Reader: Load<K>,
    {
        self.lookup(key).await?.ok_or_else(|| {
            let key = type_name::<K>();
            Error::Broken(format!("a row is gone that another refers to by {key}")).into()
        })
    }

    /// Forgets what was loaded. A mutation does so after its commit, so that its payload, and the
    /// mutations after it in the same document, see what it changed.
    pub fn forget(&self) {
        let mut edges = self.0.edges.lock().unwrap_or_else(PoisonError::into_inner);
        edges.clear();
    }

    /// Runs `execution` to its end and lets batches leave whenever it waits for nothing else.
    pub async fn drive<T>(&self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut under_way = FuturesUnordered::new();
        let stir = Arc::new(Stir::default());
        let waker = Waker::from(stir.clone());
        poll_fn(|cx| {
            loop {
                stir.outer.register(cx.waker());
                stir.stirred.store(false, Ordering::Release);
                let polled = execution.as_mut().poll(&mut Context::from_waker(&waker));
                if let Poll::Ready(outcome) = polled {
                    return Poll::Ready(outcome);
                }
                // Long lists of fields yield half way: then there is more to ask for.
                let waits = !stir.stirred.load(Ordering::Acquire);
                if waits && under_way.is_empty() {
                    let batches = self.0.departures.take().into_iter();
                    under_way.extend(batches.map(|batch| batch.depart(self.0.reader.clone())));
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

    fn edge<K>(&self) -> Result<Arc<Edge<K, <Reader as Load<K>>::Value>>>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        Reader: Load<K>,
    {
        let mut edges = self.0.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let edge = edges
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Arc::new(Edge::<K, <Reader as Load<K>>::Value>::default()));
        let edge = edge.clone().downcast();
        Ok(edge.map_err(|_| Error::Broken(format!("{} has two edges", type_name::<K>())))?)
    }
}

/// Notes whether an execution woke itself while it was polled, which is to say that it waits for
/// nothing yet.
#[derive(Default)]
struct Stir {
    stirred: AtomicBool,
    outer: AtomicWaker,
}

impl Wake for Stir {
    fn wake(self: Arc<Self>) {
        self.stirred.store(true, Ordering::Release);
        self.outer.wake();
    }
}

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaders")
            .field("reader", &self.0.reader)
            .finish_non_exhaustive()
    }
}
