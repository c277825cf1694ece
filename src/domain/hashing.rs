//! The queue in which passwords are hashed. A hash takes 19 MiB and a processor, and strangers may ask for
//! them: few are computed at once, few wait, and who comes then is told to come back. Nobody waits here for
//! strangers who is known already.

use std::{sync::Arc, thread::available_parallelism};

use entity::UserId;

use super::{Error, HangUp, Result, Settings};
use crate::queue::{Full, Queue, Queues, Turn};

/// How many hashes may wait for each user who is known, beside the one that is computed.
const KNOWN_WAITING: usize = 3;
/// How many may wait for all of them together.
const ALL_KNOWN_WAITING: usize = 64;

/// For whom a password is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// Somebody at this address whom nobody knows yet.
    Stranger(String),
    /// A user who is signed in, or whose browser knows them.
    Known(UserId),
}

/// The queue in which passwords are hashed. Clones share it.
#[derive(Clone, Debug)]
pub struct Hashing(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    strangers: Queue,
    addresses: Queues<String>,
    known: Queue,
    users: Queues<UserId>,
}

/// The turn to compute one hash.
#[derive(Debug)]
pub struct HashTurn {
    _all: Turn,
    _own: Turn,
}

impl Hashing {
    /// A queue as long as `settings` say. No more are hashed at once than there are processors.
    pub fn new(settings: &Settings) -> Self {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let processors = available_parallelism().map_or(1, usize::from);
        let at_once = size(settings.hashes_at_once).clamp(1, processors);
        let waiting = size(settings.hashes_waiting);
        Self(Arc::new(Lanes {
            strangers: Queue::new(at_once, waiting),
            // One address never takes all places.
            addresses: Queues::new(at_once, waiting / 2),
            known: Queue::new(1, ALL_KNOWN_WAITING),
            users: Queues::new(1, KNOWN_WAITING),
        }))
    }

    /// Whether a stranger who comes now is refused, wherever they come from.
    pub fn is_full(&self) -> bool {
        self.0.strangers.is_full()
    }

    /// Waits for the turn of `client`, unless it hangs up meanwhile. What is held for it is let go.
    pub async fn turn(&self, client: &Client, hang_up: &HangUp) -> Result<HashTurn> {
        hang_up.let_go();
        let turn = async {
            let (own, all) = match client {
                Client::Stranger(address) => {
                    let own = self.0.addresses.enter(address.clone()).await?;
                    (own, self.0.strangers.enter().await?)
                }
                Client::Known(user) => {
                    let own = self.0.users.enter(*user).await?;
                    (own, self.0.known.enter().await?)
                }
            };
            Ok(HashTurn {
                _all: all,
                _own: own,
            })
        };
        let turn = tokio::select! {
            biased;
            () = hang_up.happened() => Err(Full),
            turn = turn => turn,
        };
        turn.map_err(|Full| Error::TooManySignIns)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn hashing(hashes_at_once: u32, hashes_waiting: u32) -> Hashing {
        Hashing::new(&Settings {
            hashes_at_once,
            hashes_waiting,
            ..Settings::default()
        })
    }

    fn at(address: &str) -> Client {
        Client::Stranger(address.to_owned())
    }

    #[tokio::test]
    async fn strangers_are_refused_when_all_places_are_taken_and_users_are_not() {
        let hashing = hashing(1, 2);
        let never = HangUp::default();
        let _first = hashing.turn(&at("a"), &never).await.unwrap();
        let (a, b) = (at("a"), at("b"));
        let mut waiting = Box::pin(hashing.turn(&a, &never));
        assert!(waiting.as_mut().now_or_never().is_none());
        let full = hashing.turn(&a, &never).now_or_never().unwrap();
        assert!(matches!(full, Err(Error::TooManySignIns)), "{full:?}");
        let mut other = Box::pin(hashing.turn(&b, &never));
        assert!(other.as_mut().now_or_never().is_none(), "it has a place");
        let user = crate::domain::Ids.next(UserId::from_uuid);
        let known = hashing.turn(&Client::Known(user), &never).now_or_never();
        assert!(known.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_hangs_up_does_not_wait() {
        let hashing = hashing(1, 2);
        let (never, hang_up) = (HangUp::default(), HangUp::default());
        let _first = hashing.turn(&at("a"), &never).await.unwrap();
        let (a, b) = (at("a"), at("b"));
        let mut waiting = Box::pin(hashing.turn(&a, &hang_up));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(hang_up.when_dropped());
        let gone = waiting.await;
        assert!(matches!(gone, Err(Error::TooManySignIns)), "{gone:?}");
        let gone = hashing.turn(&b, &hang_up).now_or_never().unwrap();
        assert!(matches!(gone, Err(Error::TooManySignIns)), "{gone:?}");
    }
}
