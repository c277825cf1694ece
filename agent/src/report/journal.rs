//! What an operation did, line by line, until somebody collects it.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::clock;

/// More lines than this in one go are a flood; the oldest stay, as they tell how it began.
const MAX_PENDING: usize = 500;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// What was done.
    Info,
    /// What was odd, and did no harm.
    Warn,
    /// What went wrong.
    Error,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// Whether the customer may read it.
    pub public: bool,
    /// Counts the lines of the operation: one that is reported again is known by it.
    pub number: i32,
}

/// The lines of one operation that nobody has collected yet.
#[derive(Debug, Default)]
pub struct Journal {
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    entries: Vec<Entry>,
    dropped: usize,
    written: i32,
}

impl Pending {
    fn push(&mut self, level: Level, message: String, public: bool) {
        self.written = self.written.saturating_add(1);
        self.entries.push(Entry {
            at: clock::now(),
            level,
            message,
            public,
            number: self.written,
        });
    }
}

impl Journal {
    /// A line that customers may read.
    pub fn public(&self, level: Level, message: impl Into<String>) {
        self.write(level, message.into(), true);
    }

    /// A line for administrators: it may name hosts, paths and tools.
    pub fn private(&self, level: Level, message: impl Into<String>) {
        self.write(level, message.into(), false);
    }

    fn write(&self, level: Level, message: String, public: bool) {
        tracing::debug!(?level, message, "operation");
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.entries.len() < MAX_PENDING {
            pending.push(level, message, public);
        } else {
            pending.dropped += 1;
        }
        drop(pending);
        self.arrived.notify_one();
    }

    /// Waits until there may be lines to collect.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes all lines, oldest first.
    pub fn collect(&self) -> Vec<Entry> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = mem::take(&mut pending.dropped);
        if dropped > 0 {
            let message = format!("{dropped} more lines were dropped");
            pending.push(Level::Warn, message, false);
        }
        mem::take(&mut pending.entries)
    }
}
