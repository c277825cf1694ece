//! A lease that is held: until when, and what to do when it is not any more.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::link::{Lease, LeaseState};

/// The work stops this part of the lease before its end, which leaves time to clean up.
const MARGIN: u32 = 5;

/// A lease and the work under it.
#[derive(Debug)]
pub(super) struct Held {
    lease: Lease,
    stop_at: watch::Sender<Instant>,
    cancel: CancellationToken,
    ended: CancellationToken,
}

impl Held {
    pub(super) fn new(lease: Lease, ends_at: Instant) -> Self {
        Self {
            lease,
            stop_at: watch::Sender::new(stop_at(ends_at)),
            cancel: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    pub(super) fn lease(&self) -> Lease {
        self.lease
    }

    /// The lease has been renewed.
    pub(super) fn extend(&self, ends_at: Instant) {
        self.stop_at.send_replace(stop_at(ends_at));
    }

    /// Does what the gateway says about the lease.
    pub(super) fn heed(&self, state: LeaseState) {
        match state {
            LeaseState::Held => {}
            LeaseState::Cancel | LeaseState::Lost => self.cancel(),
        }
    }

    /// Stops the work.
    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// What stops the work.
    pub(super) fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Waits until the lease is so near to its end that the work has to stop.
    pub(super) async fn runs_out(&self) {
        let mut stop_at = self.stop_at.subscribe();
        loop {
            let deadline = *stop_at.borrow_and_update();
            tokio::select! {
                () = sleep_until(deadline) => return,
                Ok(()) = stop_at.changed() => {}
            }
        }
    }

    /// The work is over, whatever came of it.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }

    /// Waits until the work is over.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

fn stop_at(ends_at: Instant) -> Instant {
    let left: Duration = ends_at.saturating_duration_since(Instant::now());
    ends_at - left / MARGIN
}
