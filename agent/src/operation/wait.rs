//! What an operation tells while a backup storage is waited for: customers that, administrators why.
//! A storage that asks for time again and again is told of once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use storage::{Cause, Error, Waiting};

use super::Report;
use crate::report::Level;

/// Tells it in an operation's log, once for each cause, and by its phase.
pub(super) struct Waits {
    report: Report,
    told: Mutex<HashSet<Cause>>,
}

impl Waits {
    pub(super) fn new(report: Report) -> Self {
        Self {
            report,
            told: Mutex::default(),
        }
    }
}

impl Waiting for Waits {
    fn begins(&self, cause: Cause, error: &Error) {
        let Report {
            progress, journal, ..
        } = &self.report;
        let is_news = progress.wait(cause);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(cause) {
            let message = match cause {
                Cause::Busy => "The backup storage asks us to slow down; going on.",
                Cause::Away => "The backup storage does not answer; waiting for it.",
            };
            journal.public(Level::Warn, message);
        }
        if is_news {
            journal.private(Level::Warn, format!("Waiting: {error}"));
        }
    }

    fn ends(&self) {
        if self.report.progress.go_on() {
            let message = "The wait for the backup storage is over";
            self.report.journal.private(Level::Info, message);
        }
    }
}
