//! Keeps sign-ins from being guessed or used as a load: few hash at once, and an address that keeps
//! failing has to wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Error, Result};

/// How many passwords are hashed at once: each takes 19 MiB and a core.
const HASHING_AT_ONCE: usize = 4;
/// How many failures an address may have before it has to wait.
const MAX_FAILURES: u32 = 10;
/// How long failures are remembered.
const MEMORY: TimeDelta = TimeDelta::minutes(5);
/// How many addresses are remembered: an attacker with more of them gains little.
const MAX_ADDRESSES: usize = 100_000;

/// What is known of failed sign-ins. Clones share it. Each gateway counts for itself.
#[derive(Clone, Debug)]
pub struct Throttle {
    hashing: Arc<Semaphore>,
    failures: Arc<Mutex<HashMap<String, Failures>>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: DateTime<Utc>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(HASHING_AT_ONCE)),
            failures: Arc::default(),
        }
    }
}

impl Throttle {
    /// Waits for a place to hash a password in.
    pub async fn hashing(&self) -> Result<SemaphorePermit<'_>> {
        let permit = self.hashing.acquire().await;
        permit.map_err(|_| Error::Broken("the semaphore was closed".to_owned()))
    }

    /// Refuses `address` while it has failed too often.
    pub fn check(&self, address: &str, now: DateTime<Utc>) -> Result<()> {
        let failures = self.lock();
        let Some(known) = failures.get(address) else {
            return Ok(());
        };
        let available_at = known.since + MEMORY;
        if known.count >= MAX_FAILURES && available_at > now {
            return Err(Error::RateLimited { available_at, now });
        }
        Ok(())
    }

    /// Counts a failure of `address`.
    pub fn record_failure(&self, address: &str, now: DateTime<Utc>) {
        let mut failures = self.lock();
        failures.retain(|_, known| known.since + MEMORY > now);
        if failures.len() < MAX_ADDRESSES || failures.contains_key(address) {
            let known = failures.entry(address.to_owned()).or_insert(Failures {
                count: 0,
                since: now,
            });
            known.count += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_keeps_failing_waits_and_is_forgiven() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        for _ in 0..MAX_FAILURES {
            throttle.check("192.0.2.1", now).unwrap();
            throttle.record_failure("192.0.2.1", now);
        }
        assert!(matches!(
            throttle.check("192.0.2.1", now),
            Err(Error::RateLimited { .. })
        ));
        assert!(throttle.check("192.0.2.2", now).is_ok());
        assert!(throttle.check("192.0.2.1", now + MEMORY).is_ok());
    }
}
