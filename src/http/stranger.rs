//! How many connections strangers may have from one network. A connection is a stranger's until a request on
//! it has said who asks. Beyond the limit a connection is served, so that those who are known still come in, but
//! strangers on it are refused; beyond twice as many it is closed at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::failure::Failure;
use crate::domain::throttle;

/// After how long a refused client is told to come back.
const RETRY_AFTER_SECONDS: u32 = 30;

/// The connections of strangers, by the network that they come from.
#[derive(Clone, Debug)]
pub(super) struct Strangers {
    limit: u32,
    counts: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// What the gateway thinks of whoever is at the other end of a connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing(Arc<Mutex<Option<Stranger>>>);

/// A connection of a stranger: it counts until it is dropped.
#[derive(Debug)]
struct Stranger {
    strangers: Strangers,
    network: IpAddr,
    is_beyond: bool,
}

impl Strangers {
    /// `limit` connections from each network.
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            counts: Arc::default(),
        }
    }

    /// Counts a connection from `address`; `None` where there are far too many.
    pub fn admit(&self, address: IpAddr) -> Option<Standing> {
        let network = throttle::network(address);
        let mut counts = self.lock();
        let count = counts.entry(network).or_default();
        if *count >= self.limit.saturating_mul(2) {
            return None;
        }
        *count += 1;
        let stranger = Stranger {
            strangers: self.clone(),
            network,
            is_beyond: *count > self.limit,
        };
        Some(Standing(Arc::new(Mutex::new(Some(stranger)))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// A request on the connection has said who asks: it is no stranger's any more.
    pub fn recognise(&self) {
        // Dropped after the lock, as it takes another one.
        let known = self.lock().take();
        drop(known);
    }

    /// Refuses a stranger on a connection beyond the limit.
    pub fn check(&self) -> Result<(), Failure> {
        match self.lock().as_ref() {
            Some(stranger) if stranger.is_beyond => {
                let limit = stranger.strangers.limit;
                let what = format!(
                    "An address has at most {limit} connections at once on which nobody is signed in."
                );
                Err(Failure::too_many(&what, RETRY_AFTER_SECONDS)
                    .with_header("connection", "close"))
            }
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stranger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut counts = self.strangers.lock();
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_beyond_the_limit_are_refused_and_far_beyond_it_not_let_in() {
        let strangers = Strangers::new(1);
        let address = |text: &str| text.parse().unwrap();
        let first = strangers.admit(address("2001:db8::1")).unwrap();
        assert!(first.check().is_ok());
        let second = strangers.admit(address("2001:db8::2")).unwrap();
        assert!(second.check().is_err());
        assert!(strangers.admit(address("2001:db8::3")).is_none());
        let other = strangers.admit(address("2001:db8:0:1::1")).unwrap();
        assert!(other.check().is_ok());
        second.recognise();
        assert!(second.check().is_ok(), "it is known now");
        drop((first, other));
        assert!(strangers.lock().is_empty());
    }
}
