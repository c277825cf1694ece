//! The agent's day: claims operations, works on several at once, keeps their leases, reports.
//!
//! ```text
//!          wake or heartbeat
//!  ┌──────────────┴─────────────┐
//!  ▼                            │
//! renew ─▶ claim ─▶ one task per operation: perform ∥ report ∥ watch the lease ─▶ finish
//! ```
//!
//! An operation runs only while its lease does. When a lease cannot be renewed, the work on it stops
//! well before the lease ends, because then somebody else may begin. Whatever comes of an operation
//! is reported until the gateway has answered.

mod backoff;
mod errand;
mod job;
mod lease;
mod reporter;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

pub use self::{backoff::Backoff, job::STOP_LIMIT};
use self::{errand::Errands, lease::Held};
use crate::{
    link::{Assignment, Claim, Lease, LeaseState, Link, Welcome},
    operation::Host,
};

/// Works for one gateway.
pub struct Worker {
    link: Arc<dyn Link>,
    host: Host,
    welcome: Welcome,
    concurrency: usize,
    held: Arc<Mutex<HashMap<Uuid, Arc<Held>>>>,
    errands: Errands,
    shutdown: CancellationToken,
}

impl Worker {
    /// A worker that does at most `concurrency` operations at once, until `shutdown`.
    pub fn new(
        link: Arc<dyn Link>,
        host: Host,
        welcome: Welcome,
        concurrency: usize,
        shutdown: CancellationToken,
    ) -> Self {
        let errands = Errands::new(Arc::clone(&link), host.clone(), shutdown.clone());
        Self {
            link,
            host,
            welcome,
            concurrency: concurrency.max(1),
            held: Arc::default(),
            errands,
            shutdown,
        }
    }

    /// Works until it is shut down, and then until everything has stopped.
    pub async fn run(self) {
        let wake = Arc::new(Notify::new());
        let listener = tokio::spawn(listen(
            Arc::clone(&self.link),
            Arc::clone(&wake),
            self.shutdown.clone(),
        ));
        let mut tasks = JoinSet::new();
        let mut heartbeat = interval(self.welcome.heartbeat.max(Duration::from_millis(10)));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                _ = heartbeat.tick() => {}
                () = wake.notified() => {}
                // A place is free.
                Some(_) = tasks.join_next() => {}
            }
            // One claim is for all places that are free by now.
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                () = self.beat(&mut tasks) => {}
            }
        }
        for held in self.lock().values() {
            held.cancel();
        }
        while tasks.join_next().await.is_some() {}
        listener.abort();
    }

    async fn beat(&self, tasks: &mut JoinSet<()>) {
        self.renew().await;
        let holding: Vec<_> = self.lock().values().map(|held| held.lease()).collect();
        let free = self.concurrency.saturating_sub(holding.len());
        // Errands come with a claim of nothing, too.
        let asked_at = Instant::now();
        match self.link.claim(free, &holding).await {
            Ok(Claim {
                assignments,
                storage_tests,
                measurements,
            }) => {
                for assignment in assignments {
                    self.accept(assignment, asked_at, tasks);
                }
                for test in storage_tests {
                    self.errands.test(test, tasks);
                }
                for volume in measurements {
                    self.errands.measure(volume, tasks);
                }
            }
            Err(error) => warn!(%error, "nothing can be claimed"),
        }
    }

    /// Renews every lease, and stops the work whose lease is gone.
    async fn renew(&self) {
        let held: Vec<_> = self.lock().values().map(Arc::clone).collect();
        if held.is_empty() {
            return;
        }
        let leases: Vec<_> = held.iter().map(|held| held.lease()).collect();
        let asked_at = Instant::now();
        let states: HashMap<Lease, LeaseState> = match self.link.renew(&leases).await {
            Ok(states) => states.into_iter().collect(),
            Err(error) => {
                warn!(%error, "leases cannot be renewed");
                return;
            }
        };
        for held in held {
            let state = states
                .get(&held.lease())
                .copied()
                .unwrap_or(LeaseState::Lost);
            held.heed(state);
            if state != LeaseState::Lost {
                held.extend(asked_at + self.welcome.lease);
            }
        }
    }

    fn accept(&self, assignment: Assignment, asked_at: Instant, tasks: &mut JoinSet<()>) {
        let lease = assignment.lease;
        let held = Arc::new(Held::new(lease, asked_at + assignment.lease_time));
        info!(operation = %lease.operation_id, epoch = lease.epoch, "claimed");
        let earlier = self.lock().insert(lease.operation_id, Arc::clone(&held));
        let job = job::Job {
            link: Arc::clone(&self.link),
            host: self.host.clone(),
            assignment,
            held: Arc::clone(&held),
            shutdown: self.shutdown.clone(),
        };
        let all = Arc::clone(&self.held);
        tasks.spawn(async move {
            if let Some(earlier) = earlier {
                // Ours, too, from a lease that was lost: two attempts must never meet.
                earlier.cancel();
                earlier.ended().await;
            }
            job.run().await;
            held.end();
            let mut all = lock(&all);
            if all
                .get(&lease.operation_id)
                .is_some_and(|newest| newest.lease() == lease)
            {
                all.remove(&lease.operation_id);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Held>>> {
        lock(&self.held)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the stream open that says when there is something to do. While it is down, the heartbeat
/// alone finds out.
async fn listen(link: Arc<dyn Link>, wake: Arc<Notify>, shutdown: CancellationToken) {
    use futures_util::StreamExt as _;

    let mut backoff = Backoff::new();
    while !shutdown.is_cancelled() {
        match link.listen().await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    match event {
                        Ok(_) => {
                            backoff.reset();
                            wake.notify_one();
                        }
                        Err(error) => {
                            info!(%error, "the gateway's stream broke off");
                            break;
                        }
                    }
                }
            }
            Err(error) => info!(%error, "the gateway's stream cannot be opened"),
        }
        if shutdown.run_until_cancelled(backoff.wait()).await.is_none() {
            return;
        }
    }
}
