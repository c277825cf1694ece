//! How far an operation is.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use storage::Cause;
use tokio::{sync::watch, time::Instant};

/// A storage that asks for time does so again and again. What follows within this time is the same wait for whoever
/// looks, who is told of it once.
const LULL: Duration = Duration::from_secs(15);

/// One look at an operation's progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What is going on, for a person.
    pub phase: &'static str,
    /// Bytes done: taken by the destination.
    pub bytes_done: u64,
    /// Bytes there are to do, in all phases together.
    pub bytes_total: u64,
}

/// What is going on while a backup storage is waited for. The panel knows these words.
const fn waiting(cause: Cause) -> &'static str {
    match cause {
        Cause::Busy => "The backup storage asks us to slow down",
        Cause::Away => "Waiting for the backup storage",
    }
}

/// The progress of one operation: it never goes back, and a reader sees the newest only.
#[derive(Debug)]
pub struct Progress {
    reading: watch::Sender<Reading>,
    wait: Mutex<Option<Wait>>,
}

/// A wait that is shown.
#[derive(Debug)]
struct Wait {
    cause: Cause,
    /// What is going on but for it.
    behind: &'static str,
    /// Since when there is none, for all that is known.
    over_since: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        let reading = watch::Sender::new(Reading {
            phase: "Preparing",
            ..Reading::default()
        });
        Self {
            reading,
            wait: Mutex::default(),
        }
    }
}

impl Progress {
    /// Names what is going on from now.
    pub fn enter(&self, phase: &'static str) {
        let mut wait = self.waiting();
        match &mut *wait {
            Some(wait) if wait.over_since.is_none() => wait.behind = phase,
            _ => {
                *wait = None;
                self.show(phase);
            }
        }
    }

    /// A backup storage is waited for from now, or for another reason than before. Says whether that is news.
    pub fn wait(&self, cause: Cause) -> bool {
        let mut wait = self.waiting();
        let behind = match &mut *wait {
            Some(wait) if wait.cause == cause => {
                wait.over_since = None;
                return false;
            }
            Some(wait) => wait.behind,
            None => self.reading.borrow().phase,
        };
        *wait = Some(Wait {
            cause,
            behind,
            over_since: None,
        });
        self.show(waiting(cause));
        true
    }

    /// It goes on with what was going on before. Says whether that is shown already: a storage that asks for time may
    /// ask again soon.
    pub fn go_on(&self) -> bool {
        let mut wait = self.waiting();
        if let Some(wait) = wait.as_mut().filter(|wait| wait.cause == Cause::Busy) {
            wait.over_since = Some(Instant::now());
            return false;
        }
        self.end(&mut wait);
        true
    }

    /// Nothing is waited for any more.
    pub fn settle(&self) {
        self.end(&mut self.waiting());
    }

    fn end(&self, wait: &mut Option<Wait>) {
        if let Some(wait) = wait.take() {
            self.show(wait.behind);
        }
    }

    fn show(&self, phase: &'static str) {
        self.reading.send_modify(|reading| reading.phase = phase);
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Wait>> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More bytes to do have become known.
    pub fn expect(&self, bytes: u64) {
        self.reading
            .send_modify(|reading| reading.bytes_total += bytes);
    }

    /// That many more bytes are done.
    pub fn advance(&self, bytes: u64) {
        self.reading.send_modify(|reading| {
            reading.bytes_done = (reading.bytes_done + bytes).min(reading.bytes_total);
        });
        let mut wait = self.waiting();
        let over_since = wait.as_ref().and_then(|wait| wait.over_since);
        if over_since.is_some_and(|since| since.elapsed() >= LULL) {
            self.end(&mut wait);
        }
    }

    /// Follows the progress.
    pub fn subscribe(&self) -> watch::Receiver<Reading> {
        self.reading.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(progress: &Progress) -> &'static str {
        progress.subscribe().borrow().phase
    }

    #[test]
    fn a_wait_hides_what_goes_on_behind_it() {
        let progress = Progress::default();
        progress.enter("Exporting");
        assert!(progress.wait(Cause::Busy));
        assert!(progress.wait(Cause::Away));
        progress.enter("Flushing");
        assert_eq!(phase(&progress), "Waiting for the backup storage");
        assert!(progress.go_on());
        assert_eq!(phase(&progress), "Flushing");
        assert!(progress.go_on());
        assert_eq!(phase(&progress), "Flushing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_storage_that_asks_for_time_again_and_again_is_one_wait() {
        let progress = Progress::default();
        progress.expect(1000);
        progress.enter("Exporting");
        let mut shown = Vec::new();
        let mut look = || {
            let now = phase(&progress);
            if shown.last() != Some(&now) {
                shown.push(now);
            }
        };
        for time in 0..20 {
            assert_eq!(progress.wait(Cause::Busy), time == 0);
            look();
            assert!(!progress.go_on());
            progress.advance(1);
            look();
            tokio::time::advance(LULL / 2).await;
        }
        tokio::time::advance(LULL).await;
        progress.advance(1);
        look();
        assert!(progress.wait(Cause::Busy), "that is another one");
        look();
        progress.go_on();
        progress.enter("Flushing");
        look();
        let asked = "The backup storage asks us to slow down";
        assert_eq!(shown, [asked, "Exporting", asked, "Flushing"]);
    }

    #[test]
    fn at_the_end_nothing_is_waited_for() {
        let progress = Progress::default();
        progress.enter("Exporting");
        progress.wait(Cause::Busy);
        progress.settle();
        assert_eq!(phase(&progress), "Exporting");
    }
}
