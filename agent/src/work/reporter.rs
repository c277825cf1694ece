//! Tells the gateway how far an operation is and what it did, seldom enough not to be a burden.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::lease::Held;
use crate::{
    link::{Link, Result},
    operation::Report,
    report::{Entry, Reading},
};

/// At most four reports a second.
const PAUSE: Duration = Duration::from_millis(250);
/// So long nothing is reported but a new phase, and what is logged, while nobody watches.
const REST: Duration = Duration::from_secs(5);
/// Lines that are kept while the gateway cannot be reached.
const MAX_KEPT: usize = 2000;

/// Reports on one operation.
pub(super) struct Reporter {
    link: Arc<dyn Link>,
    held: Arc<Held>,
    report: Report,
    progress: watch::Receiver<Reading>,
    /// Whether somebody may watch, as the gateway said last.
    is_watched: bool,
    unsent: Vec<Entry>,
}

impl Reporter {
    pub(super) fn new(link: Arc<dyn Link>, held: Arc<Held>, report: Report) -> Self {
        let mut progress = report.progress.subscribe();
        progress.mark_changed();
        Self {
            link,
            held,
            report,
            progress,
            is_watched: true,
            unsent: Vec::new(),
        }
    }

    /// Reports until the work is `done`. A report that has begun is finished: one that was cut off
    /// may have arrived, and would come twice.
    pub(super) async fn run(&mut self, done: &CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = done.cancelled() => return,
                Ok(()) = self.progress.changed() => self.progress.mark_changed(),
                () = self.report.journal.arrived() => {}
            }
            self.flush().await;
            let pause = async {
                sleep(PAUSE).await;
                if !self.is_watched {
                    self.rest().await;
                }
            };
            if done.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Waits while there is nothing to tell that nobody's absence makes less urgent.
    async fn rest(&mut self) {
        let phase = self.progress.borrow().phase;
        tokio::select! {
            () = sleep(REST.saturating_sub(PAUSE)) => {}
            _ = self.progress.wait_for(|reading| reading.phase != phase) => {}
            () = self.report.journal.arrived() => {}
        }
        // What it waited for is not to be waited for once more.
        self.progress.mark_changed();
    }

    /// Reports what has not been reported yet. What fails is tried again with the next report.
    pub(super) async fn flush(&mut self) {
        if let Err(error) = self.try_flush().await {
            debug!(%error, operation = %self.held.lease().operation_id, "a report is late");
        }
    }

    async fn try_flush(&mut self) -> Result<()> {
        let lease = self.held.lease();
        if self.progress.has_changed().unwrap_or(false) {
            let reading = self.progress.borrow_and_update().clone();
            let heard = self.link.report_progress(lease, &reading).await?;
            self.held.heed(heard.state);
            self.is_watched = heard.is_watched;
        }
        self.unsent.extend(self.report.journal.collect());
        self.unsent.truncate(MAX_KEPT);
        if !self.unsent.is_empty() {
            self.held.heed(self.link.log(lease, &self.unsent).await?);
            self.unsent.clear();
        }
        Ok(())
    }
}
