//! Keeps passwords from being guessed: who keeps failing for a user has to wait. Others who sign in as that
//! user, or from there as another, need not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// How many failures an address may have for a user before it has to wait.
const MAX_FAILURES: u32 = 20;
/// How long failures are remembered.
const MEMORY: TimeDelta = TimeDelta::minutes(5);
/// How many attempts are remembered: an attacker who makes more of them gains little.
const MAX_REMEMBERED: usize = 100_000;

/// What is known of failed sign-ins. Clones share it. Each gateway counts for itself.
#[derive(Clone, Debug, Default)]
pub struct Throttle {
    failures: Arc<Mutex<HashMap<Attempt, Failures>>>,
}

/// Who is tried, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The address that the request came from.
    pub address: String,
    /// The email address, in lower case.
    pub email: String,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: DateTime<Utc>,
}

impl Throttle {
    /// Refuses `attempt` while it has failed too often.
    pub fn check(&self, attempt: &Attempt, now: DateTime<Utc>) -> Result<()> {
        let failures = self.lock();
        let Some(known) = failures.get(attempt) else {
            return Ok(());
        };
        let available_at = known.since + MEMORY;
        if known.count >= MAX_FAILURES && available_at > now {
            return Err(Error::RateLimited { available_at, now });
        }
        Ok(())
    }

    /// Counts a failure of `attempt`.
    pub fn record_failure(&self, attempt: Attempt, now: DateTime<Utc>) {
        let mut failures = self.lock();
        failures.retain(|_, known| known.since + MEMORY > now);
        if failures.len() < MAX_REMEMBERED || failures.contains_key(&attempt) {
            let known = failures.entry(attempt).or_insert(Failures {
                count: 0,
                since: now,
            });
            known.count += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Attempt, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(address: &str, email: &str) -> Attempt {
        Attempt {
            address: address.to_owned(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn who_keeps_failing_for_a_user_waits_and_is_forgiven() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let guess = attempt("192.0.2.1", "ann@example.com");
        for _ in 0..MAX_FAILURES {
            throttle.check(&guess, now).unwrap();
            throttle.record_failure(guess.clone(), now);
        }
        let refused = throttle.check(&guess, now);
        assert!(matches!(refused, Err(Error::RateLimited { .. })));
        for other in [
            attempt("192.0.2.2", "ann@example.com"),
            attempt("192.0.2.1", "ben@example.com"),
        ] {
            assert!(throttle.check(&other, now).is_ok(), "{other:?}");
        }
        assert!(throttle.check(&guess, now + MEMORY).is_ok());
    }
}
