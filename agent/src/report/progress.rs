//! How far an operation is.

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

/// The progress of one operation: it never goes back, and a reader sees the newest only.
#[derive(Debug)]
pub struct Progress(watch::Sender<Reading>);

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new(Reading {
            phase: "Preparing",
            ..Reading::default()
        }))
    }
}

impl Progress {
    /// Names what is going on from now.
    pub fn enter(&self, phase: &'static str) {
        self.0.send_modify(|reading| reading.phase = phase);
    }

    /// More bytes to do have become known.
    pub fn expect(&self, bytes: u64) {
        self.0.send_modify(|reading| reading.bytes_total += bytes);
    }

    /// That many more bytes are done.
    pub fn advance(&self, bytes: u64) {
        self.0.send_modify(|reading| {
            reading.bytes_done = (reading.bytes_done + bytes).min(reading.bytes_total);
        });
    }

    /// Follows the progress.
    pub fn subscribe(&self) -> watch::Receiver<Reading> {
        self.0.subscribe()
    }
}
