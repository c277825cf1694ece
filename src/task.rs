//! What runs without being asked. A task takes no input, may run at any time, and changes nothing where there is nothing to
//! do, so that a run that is cut off or comes twice does no harm.
//!
//! It runs in each gateway, or in one of them, which leads it for a term ([`leader`]). `docs/operations.md` lists all of them.

pub mod cleanup;
pub mod leader;
pub mod progress;
pub mod refusals;
pub mod retention;

use std::{convert::Infallible, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::leader::{Lead, Leader};
use crate::{app::App, domain};

/// How soon a run that failed is repeated, where the interval is longer.
const RETRY: Duration = Duration::from_mins(1);
/// How long the database may take to say who leads.
const PATIENCE: Duration = Duration::from_secs(10);

/// Recurring work.
#[derive(Clone)]
pub struct Task {
    name: &'static str,
    interval: Duration,
    time_out: Duration,
    gateways: Gateways,
    signal: Arc<Notify>,
    work: Work,
}

type Work = Arc<dyn Fn(App) -> BoxFuture<'static, domain::Result<Ran>> + Send + Sync>;

/// In which gateways a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateways {
    /// In each.
    Each,
    /// In one.
    One,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// There is nothing left to do.
    Done,
    /// It did as much as one run may: the next one begins at once.
    More,
}

impl Task {
    /// A task that is done every `interval` and cut off after `time_out`.
    pub fn new<F>(
        name: &'static str,
        gateways: Gateways,
        interval: Duration,
        time_out: Duration,
        work: impl Fn(App) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = domain::Result<Ran>> + Send + 'static,
    {
        Self {
            name,
            interval,
            time_out,
            gateways,
            signal: Arc::default(),
            work: Arc::new(move |app| work(app).boxed()),
        }
    }

    /// The same, done whenever `signal` says so, too.
    #[must_use]
    pub fn on(self, signal: Arc<Notify>) -> Self {
        Self { signal, ..self }
    }

    /// What it is called in the log and in the table of leaders.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How long a gateway leads it after it last began a run. Another takes over when that is past.
    pub fn term(&self) -> Duration {
        self.interval + self.time_out
    }

    /// Does it, beginning now, until `stopping`. A run that has begun is ended first.
    pub async fn run(self, app: App, stopping: CancellationToken) -> Result<(), Infallible> {
        let leader =
            (self.gateways == Gateways::One).then(|| Leader::new(&app, self.name, self.term()));
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                () = self.signal.notified() => {}
                () = sleep(pause) => {}
            }
            pause = self.turn(&app, leader.as_ref()).await;
        }
        if let Some(leader) = leader {
            self.resign(&leader).await;
        }
        Ok(())
    }

    /// Does it once, if it is this gateway's to do, and says when the next turn is.
    async fn turn(&self, app: &App, leader: Option<&Leader>) -> Duration {
        if let Some(leader) = leader {
            let lead = timeout(PATIENCE, leader.lead()).await;
            let leads = matches!(lead, Ok(Ok(Lead::Own(_))));
            app.metrics.leads(self.name, leads);
            match lead {
                Ok(Ok(Lead::Own(_))) => {}
                Ok(Ok(Lead::Others(rest))) => return rest.min(self.interval),
                Ok(Err(error)) => {
                    tracing::error!(task = self.name, %error, "who leads a task cannot be read");
                    return self.soon();
                }
                Err(_) => {
                    tracing::error!(
                        task = self.name,
                        "the database does not say who leads a task"
                    );
                    return self.soon();
                }
            }
        }
        let began = Instant::now();
        let work = AssertUnwindSafe((self.work)(app.clone())).catch_unwind();
        let (outcome, pause) = match timeout(self.time_out, work).await {
            Ok(Ok(Ok(Ran::Done))) => ("done", self.interval),
            Ok(Ok(Ok(Ran::More))) => ("more", Duration::ZERO),
            Ok(Ok(Err(error))) => {
                tracing::error!(task = self.name, %error, "a task failed");
                ("failed", self.soon())
            }
            Ok(Err(_)) => {
                // The panic itself was logged where it happened.
                tracing::error!(task = self.name, "a task panicked");
                ("panicked", self.soon())
            }
            Err(_) => {
                tracing::error!(task = self.name, "a task took too long and was cut off");
                ("timed_out", self.soon())
            }
        };
        app.metrics.task_ran(self.name, outcome, began.elapsed());
        pause
    }

    /// When a run that failed is repeated.
    fn soon(&self) -> Duration {
        self.interval.min(RETRY)
    }

    async fn resign(&self, leader: &Leader) {
        match timeout(PATIENCE, leader.resign()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(task = self.name, %error, "another takes over after the term");
            }
            Err(_) => tracing::debug!(task = self.name, "another takes over after the term"),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("gateways", &self.gateways)
            .field("interval", &self.interval)
            .field("time_out", &self.time_out)
            .finish_non_exhaustive()
    }
}

/// All tasks. The cleanup is done every `cleanup_interval`.
pub fn all(cleanup_interval: Duration) -> [Task; 4] {
    [
        cleanup::task(cleanup_interval),
        progress::task(),
        refusals::task(),
        retention::task(),
    ]
}
