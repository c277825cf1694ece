//! Queues with an end: so many at once, so many who wait, and who comes then is refused at once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of so many queues at least, those that nobody stands in are looked for.
const SWEEP_AT: usize = 64;

/// So many at once, and so many who wait. Clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    capacity: usize,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A turn. It lasts until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// There is no place left to wait in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A place in a queue: the turn comes later.
struct Place {
    place: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

impl Queue {
    /// A queue for `at_once`, and for `waiting` more.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        let at_once = at_once.min(Semaphore::MAX_PERMITS);
        let capacity = at_once.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self {
            capacity,
            places: Arc::new(Semaphore::new(capacity)),
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Waits for a turn, if there is a place to wait in. Who came first is first.
    pub async fn enter(&self) -> Result<Turn, Full> {
        self.place()?.turn().await
    }

    /// Whether there is no place left to wait in.
    pub fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn place(&self) -> Result<Place, Full> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Full)?;
        let turns = self.turns.clone();
        Ok(Place { place, turns })
    }

    fn is_empty(&self) -> bool {
        self.places.available_permits() == self.capacity
    }
}

impl Place {
    async fn turn(self) -> Result<Turn, Full> {
        // Nobody closes it.
        let turn = self.turns.acquire_owned().await.map_err(|_| Full)?;
        Ok(Turn {
            _turn: turn,
            _place: self.place,
        })
    }
}

/// A queue for each key. One that nobody stands in is forgotten.
#[derive(Debug)]
pub struct Queues<K> {
    at_once: usize,
    waiting: usize,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    queues: HashMap<K, Queue>,
    sweep_at: usize,
}

impl<K: Eq + Hash> Queues<K> {
    /// Queues for `at_once` of each key, and for `waiting` more.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            at_once,
            waiting,
            known: Mutex::new(Known {
                queues: HashMap::new(),
                sweep_at: SWEEP_AT,
            }),
        }
    }

    /// Waits for a turn among those of `key`, if there is a place to wait in.
    pub async fn enter(&self, key: K) -> Result<Turn, Full> {
        let place = self.place(key)?;
        place.turn().await
    }

    /// Takes the place while the queues are locked, so that none is forgotten that somebody enters.
    fn place(&self, key: K) -> Result<Place, Full> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.queues.len() >= known.sweep_at {
            known.queues.retain(|_, queue| !queue.is_empty());
            known.sweep_at = SWEEP_AT.max(2 * known.queues.len());
        }
        let queue = known.queues.entry(key);
        queue
            .or_insert_with(|| Queue::new(self.at_once, self.waiting))
            .place()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_finds_no_place_is_refused_and_who_waits_gets_the_next_turn() {
        let queue = Queue::new(1, 1);
        let first = queue.enter().await.unwrap();
        let mut second = Box::pin(queue.enter());
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(queue.enter().await.unwrap_err(), Full);
        drop(first);
        let second = second.await.unwrap();
        assert!(queue.enter().now_or_never().is_none());
        drop(second);
        assert!(queue.enter().await.is_ok());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_its_place() {
        let queue = Queue::new(1, 1);
        let _first = queue.enter().await.unwrap();
        let mut second = Box::pin(queue.enter());
        assert!(second.as_mut().now_or_never().is_none());
        drop(second);
        assert!(queue.enter().now_or_never().is_none(), "it waits");
    }

    #[tokio::test]
    async fn each_key_has_a_queue_of_its_own_and_idle_ones_are_forgotten() {
        let queues = Queues::new(1, 0);
        let held = queues.enter(0).await.unwrap();
        assert_eq!(queues.enter(0).await.unwrap_err(), Full);
        for key in 1..=10 * SWEEP_AT {
            assert!(queues.enter(key).await.is_ok());
        }
        assert!(queues.known.lock().unwrap().queues.len() <= 2 * SWEEP_AT);
        assert_eq!(queues.enter(0).await.unwrap_err(), Full);
        drop(held);
        assert!(queues.enter(0).await.is_ok());
    }
}
