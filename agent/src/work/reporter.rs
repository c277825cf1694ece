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
/// Lines that are kept while the gateway cannot be reached.
const MAX_KEPT: usize = 2000;

/// Reports on one operation.
pub(super) struct Reporter {
    link: Arc<dyn Link>,
    held: Arc<Held>,
    report: Report,
    progress: watch::Receiver<Reading>,
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
            if done.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
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
            self.held
                .heed(self.link.report_progress(lease, &reading).await?);
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
