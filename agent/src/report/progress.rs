//! How far an operation is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use storage::Cause;
use tokio::sync::watch;

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
    /// What is going on but for a wait, if there is one.
    behind: Mutex<Option<&'static str>>,
}

impl Default for Progress {
    fn default() -> Self {
        let reading = watch::Sender::new(Reading {
            phase: "Preparing",
            ..Reading::default()
        });
        Self {
            reading,
            behind: Mutex::default(),
        }
    }
}

impl Progress {
    /// Names what is going on from now.
    pub fn enter(&self, phase: &'static str) {
        match &mut *self.behind() {
            Some(behind) => *behind = phase,
            None => self.show(phase),
        }
    }

    /// A backup storage is waited for from now, or for another reason than before.
    pub fn wait(&self, cause: Cause) {
        let mut behind = self.behind();
        if behind.is_none() {
            *behind = Some(self.reading.borrow().phase);
        }
        self.show(waiting(cause));
    }

    /// It goes on with what was going on before.
    pub fn go_on(&self) {
        if let Some(phase) = self.behind().take() {
            self.show(phase);
        }
    }

    fn show(&self, phase: &'static str) {
        self.reading.send_modify(|reading| reading.phase = phase);
    }

    fn behind(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
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
    }

    /// Follows the progress.
    pub fn subscribe(&self) -> watch::Receiver<Reading> {
        self.reading.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_hides_what_goes_on_behind_it() {
        let progress = Progress::default();
        let phase = || progress.subscribe().borrow().phase;
        progress.enter("Exporting");
        progress.wait(Cause::Away);
        assert_eq!(phase(), "Waiting for the backup storage");
        progress.wait(Cause::Busy);
        progress.enter("Flushing");
        assert_eq!(phase(), "The backup storage asks us to slow down");
        progress.go_on();
        assert_eq!(phase(), "Flushing");
        progress.go_on();
        assert_eq!(phase(), "Flushing");
    }
}
