//! Loading the edges of an operation in batches, so that the number of statements depends on the
//! query and not on how many rows it meets.
//!
//! Fields that need rows ask for them and wait. Once nothing in the operation can go on without
//! rows, all that was asked for leaves at once: one statement for each edge. That is the moment at
//! which a batch cannot grow any more, so no timer is needed; the next batches leave when those
//! before them have arrived, so the batches of a query are always the same.

mod child;
mod cost;
mod edges;
mod fact;
mod list;
mod place;
mod row;
mod tally;
mod viewer;

use std::{
    any::type_name,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use async_graphql::dataloader::Loader;
use entity::Scope;
use futures_util::{Stream, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker};

use self::edges::{Edges, Key};
use super::error::{Failure, Result};
use crate::{
    app::App,
    database::Lane,
    domain::{Error, Requester},
};

pub use child::{
    BackupsOfVolume, CountUnder, EventsOfOperation, LogsOfOperation, OperationsOfVolume, PageUnder,
    SnapshotsOfVolume, Under,
};
pub use cost::{CostOf, RatesOf};
pub use fact::{FactsOf, Now};
pub use list::{
    HypervisorsOfGroup, LastTestOf, MarksOf, PlansOfGroup, UsersOfAccount, VolumesOfInstance,
};
pub use place::PlaceOf;
pub use row::DeletedToo;
pub use tally::{InFlightOf, QuotaOf, VolumesAbove, VolumesOnPlan};
pub use viewer::{AccountOfViewer, ApiTokensOfViewer, SessionsOfViewer};

/// As many keys as one statement takes: SQLite binds 32,766 values.
const MAX_KEYS: usize = 10_000;

/// What an operation loads its edges from. Clones share what they know, which lives as long as the
/// operation; of a subscription, as long as one event.
#[derive(Clone)]
pub struct Loaders(Arc<Shared>);

struct Shared {
    app: App,
    requester: Requester,
    /// There are none until something is asked for.
    edges: Mutex<Option<Arc<Edges>>>,
    departures: Departures,
    read: Arc<AtomicU64>,
    room: u64,
}

/// Batches that can leave, and whether some that left have not arrived.
#[derive(Clone, Default)]
struct Departures(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    batches: Vec<BoxFuture<'static, ()>>,
    is_under_way: bool,
    /// Who asks for something as soon as all have arrived.
    waiting: Vec<Waker>,
}

/// Reads the rows of a batch as the requester may see them.
#[derive(Debug)]
pub struct Reader {
    app: App,
    requester: Requester,
    /// The bytes of long texts that were read.
    read: Arc<AtomicU64>,
}

impl Reader {
    fn scope(&self) -> Result<Scope> {
        Ok(self.requester.scope()?)
    }

    fn db(&self) -> &Lane {
        self.app.database.reads()
    }

    /// Counts a long text of so many bytes.
    fn count(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Loaders {
    /// Loaders for one operation of `requester`, whose answer has room for so many bytes of long texts.
    pub fn new(app: App, requester: Requester, room: u64) -> Self {
        Self(Arc::new(Shared {
            app,
            requester,
            edges: Mutex::default(),
            departures: Departures::default(),
            read: Arc::default(),
            room,
        }))
    }

    /// What `key` names, if it is there and the requester may see it.
    pub async fn lookup<K>(&self, key: K) -> Result<Option<<Reader as Loader<K>>::Value>>
    where
        K: Key,
        Reader: Loader<K, Error = Failure>,
    {
        self.0.departures.arrived().await;
        let depart = |batch| self.0.departures.push(batch);
        self.edges().lookup(key, depart).await
    }

    /// What `key` names. It is there, or the database contradicts itself.
    pub async fn find<K>(&self, key: K) -> Result<<Reader as Loader<K>>::Value>
    where
        K: Key,
        Reader: Loader<K, Error = Failure>,
    {
        self.lookup(key).await?.ok_or_else(|| {
            let key = type_name::<K>();
            Error::Broken(format!("a row is gone that another refers to by {key}")).into()
        })
    }

    /// Forgets what was loaded. A mutation does so after its commit, so that its payload, and the
    /// mutations after it in the same document, see what it changed.
    pub fn forget(&self) {
        *self.known() = None;
    }

    /// Runs `execution` to its end. Batches leave when it waits for nothing else. Until all of them have arrived
    /// nothing more is asked for, but what it has under way itself goes on: the connections that it holds may be
    /// what they wait for. Where more was read than the answer has room for, it goes on no further: then there is
    /// only how much that was.
    pub async fn drive<T>(&self, execution: impl Future<Output = T>) -> Result<T, u64> {
        let mut execution = pin!(execution);
        let mut under_way = FuturesUnordered::new();
        let stir = Arc::new(Stir::new());
        let waker = Waker::from(Arc::clone(&stir));
        poll_fn(|cx| {
            stir.outer.register(cx.waker());
            loop {
                while let Poll::Ready(Some(())) = pin!(&mut under_way).poll_next(cx) {}
                if under_way.is_empty() {
                    self.0.departures.arrive();
                }
                let read = self.0.read.load(Ordering::Relaxed);
                if read > self.0.room {
                    return Poll::Ready(Err(read));
                }
                if stir.stirred.swap(false, Ordering::AcqRel) {
                    let polled = execution.as_mut().poll(&mut Context::from_waker(&waker));
                    if let Poll::Ready(outcome) = polled {
                        return Poll::Ready(Ok(outcome));
                    }
                }
                // Long lists of fields yield half way: then there is more to ask for.
                if stir.stirred.load(Ordering::Acquire) || !under_way.is_empty() {
                    return Poll::Pending;
                }
                under_way.extend(self.0.departures.leave());
                if under_way.is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn edges(&self) -> Arc<Edges> {
        let mut known = self.known();
        Arc::clone(known.get_or_insert_with(|| self.0.edges()))
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Edges>>> {
        self.0.edges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Edges of which nothing is known yet.
    fn edges(&self) -> Arc<Edges> {
        Arc::new(Edges::new(Reader {
            app: self.app.clone(),
            requester: self.requester.clone(),
            read: Arc::clone(&self.read),
        }))
    }
}

impl Departures {
    fn push(&self, batch: BoxFuture<'static, ()>) {
        self.board().batches.push(batch);
    }

    /// All that can leave, leaves.
    fn leave(&self) -> Vec<BoxFuture<'static, ()>> {
        let mut board = self.board();
        board.is_under_way = !board.batches.is_empty();
        std::mem::take(&mut board.batches)
    }

    /// All that left has arrived.
    fn arrive(&self) {
        let mut board = self.board();
        board.is_under_way = false;
        for waker in board.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Waits until nothing is under way: a key that is would be loaded once more.
    async fn arrived(&self) {
        poll_fn(|cx| {
            let mut board = self.board();
            if !board.is_under_way {
                return Poll::Ready(());
            }
            board.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes whether an execution can go on: it has not begun, what it waited for is there, or it woke itself while it
/// was polled.
struct Stir {
    stirred: AtomicBool,
    outer: AtomicWaker,
}

impl Stir {
    fn new() -> Self {
        Self {
            stirred: AtomicBool::new(true),
            outer: AtomicWaker::new(),
        }
    }
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
            .field("requester", &self.0.requester)
            .finish_non_exhaustive()
    }
}
