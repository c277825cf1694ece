//! File system calls in threads of their own, each watched: a hard mount of a dead server hangs for
//! ever, and nothing can take its thread back.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::sync::{Semaphore, oneshot};

use crate::{Error, Patience, Result};

/// What no single call of ours takes on a file system that works.
const LIMIT: Duration = Duration::from_mins(1);
/// The most threads that the stores of one path may lose to a file system that hangs.
const THREADS: usize = 32;

/// Where the file system calls of a path's stores run. They are not the runtime's blocking threads: it would wait
/// for those when it ends.
#[derive(Debug, Clone)]
pub(super) struct Watchdog {
    threads: Arc<Semaphore>,
    limit: Duration,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::new(LIMIT, THREADS)
    }
}

impl Watchdog {
    fn new(limit: Duration, threads: usize) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            limit,
        }
    }

    /// Runs `work`, which goes on if it is given up, and whose outcome is dropped then. Where `patience` has it, a
    /// file system that hangs is waited for: that of a server may be back.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        patience: &Patience,
        doing: &'static str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let lost = |source: io::Error| Error::Io {
            doing: doing.into(),
            source,
        };
        let running = async {
            let permit = Arc::clone(&self.threads).acquire_owned().await;
            let permit = permit.map_err(|closed| lost(io::Error::other(closed)))?;
            let (done, outcome) = oneshot::channel();
            let thread = thread::Builder::new().name("storage-io".into());
            thread
                .spawn(move || {
                    let outcome = work();
                    drop(permit);
                    // Whoever asked may have gone.
                    let _ = done.send(outcome);
                })
                .map_err(lost)?;
            outcome.await.map_err(|gone| lost(io::Error::other(gone)))?
        };
        let silent = || Error::Unreachable {
            reason: format!("the file system does not answer while {doing}"),
        };
        patience.wait_for(self.limit, running, silent).await?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::Policy;

    #[tokio::test]
    async fn a_call_that_hangs_is_an_error_and_keeps_its_thread() {
        let watchdog = Watchdog::new(Duration::from_millis(50), 1);
        let (release, never) = mpsc::channel::<()>();
        let hasty = Patience::from(Policy::ONCE);
        let hung = watchdog.run(&hasty, "testing", move || Ok(never.recv().is_ok()));
        let error = hung.await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");

        let queued = watchdog.run(&hasty, "testing", || Ok(())).await;
        assert!(
            matches!(queued, Err(Error::Unreachable { .. })),
            "{queued:?}"
        );

        drop(release);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while watchdog.run(&hasty, "testing", || Ok(())).await.is_err() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the thread is not back"
            );
        }
    }

    #[tokio::test]
    async fn a_call_that_hangs_on_what_has_worked_is_waited_for() {
        let watchdog = Watchdog::new(Duration::from_millis(20), 1);
        let patience = Patience::from(Policy::ONCE).up_to(Duration::from_mins(1));
        patience.prove();
        let (release, waits) = mpsc::channel::<()>();
        let hung = watchdog.run(&patience, "testing", move || {
            // Whoever holds the other end lets go of it.
            let _ = waits.recv();
            Ok(1)
        });
        let release = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(release);
        };
        let (outcome, ()) = tokio::join!(hung, release);
        assert_eq!(outcome.unwrap(), 1);
    }
}
