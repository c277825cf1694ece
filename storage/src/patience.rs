//! How long a destination is waited for that does not answer or asks for time, and who is told meanwhile.

use std::{
    fmt,
    future::Future,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    Error, Policy, Result,
    error::{Cause, Passing},
};

/// What passes sooner is no wait that anybody is told of.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// No destination is left alone for longer, whatever it asks for.
const LONGEST_ASKED: Duration = Duration::from_mins(2);

/// Is told that a destination is waited for.
pub trait Waiting: Send + Sync {
    /// A request waits from now on. There may be others that do.
    fn begins(&self, cause: Cause, error: &Error);

    /// No request waits any more: it was answered, or given up.
    fn ends(&self);
}

/// How often and for how long a destination is asked again.
///
/// One that has taken or given nothing yet is given up as the policy says, so that a wrong address is told
/// soon. Once it has, it is waited for up to a limit of its own: what was moved by then is worth that.
/// Clones share what is known of it, and who is told.
#[derive(Clone)]
pub struct Patience {
    policy: Policy,
    limit: Option<Duration>,
    proven: Arc<AtomicBool>,
    waiting: Arc<Mutex<usize>>,
    told: Option<Arc<dyn Waiting>>,
}

impl From<Policy> for Patience {
    fn from(policy: Policy) -> Self {
        Self {
            policy,
            limit: None,
            proven: Arc::default(),
            waiting: Arc::default(),
            told: None,
        }
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Patience")
            .field("policy", &self.policy)
            .field("limit", &self.limit)
            .field("proven", &self.proven)
            .finish_non_exhaustive()
    }
}

impl Patience {
    /// Waits up to `limit` for a destination that has worked before.
    #[must_use]
    pub fn up_to(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Has `told` told of waits that take longer than a moment.
    #[must_use]
    pub fn telling(self, told: Arc<dyn Waiting>) -> Self {
        Self {
            told: Some(told),
            ..self
        }
    }

    /// The same as if the destination had never worked, for what nobody waits for.
    pub(crate) fn anew(&self) -> Self {
        self.policy.into()
    }

    /// The destination has taken or given something: from now on it is waited for.
    pub(crate) fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// How long it is waited for, if that is longer than the policy says.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit.filter(|_| self.proven.load(Ordering::Relaxed))
    }

    /// Makes attempts until one succeeds, fails for good, or there have been enough.
    pub(crate) async fn run<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.run_while(Error::passing, attempt).await
    }

    /// The same for whoever knows better which failures pass.
    pub(crate) async fn run_while<T, F>(
        &self,
        passing: impl Fn(&Error) -> Passing,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let policy = self.policy;
        let (begun, mut failed_at) = (Instant::now(), None);
        let (mut pause, mut count) = (policy.first_pause, 1);
        let mut told: Option<Told> = None;
        loop {
            let error = match attempt().await {
                Err(error) => error,
                done => return done,
            };
            let passing = passing(&error);
            let limit = self.limit().filter(|_| passing == Passing::Later);
            if passing == Passing::Never || (policy.attempts == 1 && limit.is_none()) {
                return Err(error);
            }
            let failing = failed_at.get_or_insert_with(Instant::now).elapsed();
            let wait = error
                .asks_for()
                .map_or(Duration::ZERO, |asked| asked.min(LONGEST_ASKED))
                + jittered(pause);
            let given_up = match limit {
                Some(limit) => failing + wait > limit.max(policy.limit),
                None => count >= policy.attempts || begun.elapsed() + wait > policy.limit,
            };
            if given_up {
                return Err(give_up(error, count));
            }
            if failing + wait >= TOLD_AFTER {
                told = Some(self.tell(error.cause(), &error, told));
            }
            tracing::debug!(%error, count, "asking the backup storage again");
            sleep(wait).await;
            pause = (pause * 2).min(policy.longest_pause);
            count += 1;
        }
    }

    /// Waits for what has begun and cannot be asked again: as long as it takes where the destination has worked
    /// before, and up to `brief` where not.
    pub(crate) async fn wait_for<T>(
        &self,
        brief: Duration,
        work: impl Future<Output = T>,
        silent: impl Fn() -> Error,
    ) -> Result<T> {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(brief, &mut work).await {
            return Ok(done);
        }
        let Some(limit) = self.limit() else {
            return Err(silent());
        };
        let _told = self.tell(Cause::Away, &silent(), None);
        let rest = limit.saturating_sub(brief);
        let waited = tokio::time::timeout(rest, &mut work).await;
        waited.map_err(|_| silent())
    }

    /// Tells that a request waits, unless that was told of it already.
    fn tell(&self, cause: Cause, error: &Error, earlier: Option<Told>) -> Told {
        let earlier = match earlier {
            Some(earlier) if earlier.cause == cause => return earlier,
            other => other,
        };
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        if let Some(told) = &self.told {
            told.begins(cause, error);
        }
        // Only now: it is the same wait, for another reason.
        drop(earlier);
        Told {
            patience: self.clone(),
            cause,
        }
    }
}

/// A request that waits, as was told.
struct Told {
    patience: Patience,
    cause: Cause,
}

impl Drop for Told {
    fn drop(&mut self) {
        let waiting = self.patience.waiting.lock();
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        *waiting -= 1;
        if *waiting == 0
            && let Some(told) = &self.patience.told
        {
            told.ends();
        }
    }
}

/// What passes in a moment has not passed: now it is a failure like others.
fn give_up(error: Error, attempts: u32) -> Error {
    match error {
        Error::Transient { reason } | Error::Busy { reason, .. } => Error::Unreachable {
            reason: match attempts {
                1 => reason,
                _ => format!("{reason} (tried {attempts} times)"),
            },
        },
        error => error,
    }
}

/// Between half and all of a pause, so that many clients do not come back at once.
fn jittered(pause: Duration) -> Duration {
    // A fresh hasher's keys are random: enough to keep clients apart.
    let random = RandomState::new().hash_one(pause);
    let share = u32::try_from(random % 1000).unwrap_or(0);
    pause / 2 + pause / 2 * share / 1000
}

#[cfg(test)]
mod tests;
