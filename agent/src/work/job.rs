//! One claimed operation from the claim to the answer of the gateway.

use std::{convert::Infallible, future::pending, pin::pin, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Backoff, lease::Held, reporter::Reporter};
use crate::{
    driver::Removed,
    link::{Assignment, Link},
    operation::{Host, Image, Operation, Outcome, Report},
    report::Sighting,
};

/// How long a report may take once the agent is shutting down, one that was under way by then included.
pub const STOP_LIMIT: Duration = Duration::from_secs(3);

/// An operation under its lease.
pub(super) struct Job {
    pub(super) link: Arc<dyn Link>,
    pub(super) host: Host,
    pub(super) assignment: Assignment,
    pub(super) held: Arc<Held>,
    pub(super) shutdown: CancellationToken,
}

impl Job {
    pub(super) async fn run(self) {
        let report = Report::default();
        let mut reporter = Reporter::new(
            Arc::clone(&self.link),
            Arc::clone(&self.held),
            report.clone(),
        );
        let places = Arc::clone(&report.places);
        let outcome = self.perform(report, &mut reporter).await;
        let last_words = async {
            reporter.flush().await;
            for sighting in places.take() {
                self.tell_of(&sighting).await;
            }
            self.finish(&outcome).await;
        };
        let mut last_words = pin!(last_words);
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => self.finish_at_shutdown(last_words).await,
            () = &mut last_words => {}
        }
    }

    async fn perform(&self, report: Report, reporter: &mut Reporter) -> Outcome {
        let Assignment { lease, work, .. } = &self.assignment;
        let work = match work {
            Ok(work) => work.clone(),
            Err(failure) => {
                let mut failure = failure.clone();
                let mut image = Image::Unknown;
                if lease.epoch <= 1 {
                    failure = failure.having_removed(Removed::Nothing).before_change();
                    image = Image::Kept;
                }
                return Outcome::Failed {
                    failure,
                    volume_touched: false,
                    image,
                };
            }
        };
        let host = self.host.clone();
        let operation = Operation::new(lease.operation_id, work, host, report);
        let operation = operation.claimed_as(lease.epoch);
        let done = CancellationToken::new();
        let work = async {
            let outcome = tokio::select! {
                outcome = operation.perform(self.held.cancelled()) => outcome,
                never = self.watch_lease() => match never {},
            };
            done.cancel();
            outcome
        };
        tokio::join!(work, reporter.run(&done)).0
    }

    /// Stops the work in time when its lease cannot be renewed.
    async fn watch_lease(&self) -> Infallible {
        self.held.runs_out().await;
        if !self.held.cancelled().is_cancelled() {
            let operation = self.assignment.lease.operation_id;
            warn!(%operation, "the lease could not be renewed, so the work stops");
            self.held.cancel();
        }
        pending().await
    }

    /// Says what was found in a place, until the gateway has answered: it must know that a place is marked before it
    /// hears that something was done there.
    async fn tell_of(&self, sighting: &Sighting) {
        let place = sighting.place_id;
        let mut backoff = Backoff::new();
        loop {
            match self.link.report_place(sighting).await {
                Ok(_) => return,
                Err(error) if error.is_transient() => {
                    warn!(%place, %error, "what was found in a place cannot be reported yet");
                    backoff.wait().await;
                }
                Err(error) => return warn!(%place, %error, "what was found in a place was refused"),
            }
        }
    }

    /// Says what came of the operation, until the gateway has answered.
    async fn finish(&self, outcome: &Outcome) {
        let lease = self.assignment.lease;
        let operation = lease.operation_id;
        let mut backoff = Backoff::new();
        loop {
            match self.link.finish(lease, outcome).await {
                Ok(true) => return info!(%operation, outcome = name(outcome), "finished"),
                Ok(false) => return info!(%operation, "had been ended from outside"),
                Err(error) if error.is_transient() => {
                    warn!(%operation, %error, "the outcome cannot be reported yet");
                    backoff.wait().await;
                }
                Err(error) => return warn!(%operation, %error, "the outcome was refused"),
            }
        }
    }

    /// The gateway learns how far it came, if it answers soon: an operation that was stopped waits
    /// for the next start then, and no attempt is held against it.
    async fn finish_at_shutdown(&self, last_words: impl Future<Output = ()>) {
        if timeout(STOP_LIMIT, last_words).await.is_err() {
            let operation = self.assignment.lease.operation_id;
            warn!(%operation, "the outcome could not be reported before the agent stopped");
        }
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed(_) => "completed",
        Outcome::Failed { .. } => "failed",
        Outcome::Stopped { .. } => "stopped",
    }
}
