//! What runs without being asked. A task takes no input, may run at any time, and changes nothing where there is nothing to
//! do, so that a run that is cut off or comes twice does no harm.
//!
//! It runs in each gateway, or in one of them, which leads it for a term ([`leader`]). `docs/operations.md` lists all of them.

pub mod billing;
pub mod cleanup;
pub mod leader;
pub mod progress;
pub mod refusals;
pub mod retention;
pub mod sequencer;

use std::{convert::Infallible, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::DbBackend;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::leader::{Lead, Leader, Term};
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
    /// How long a gateway leads it without asking again; none where it asks before each run.
    term: Option<Duration>,
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
            term: None,
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

    /// The same with another term, for what is done often: a gateway that leads asks anew only when less of it is left than
    /// a run may take, and one that does not lead when the term of the other should be over.
    #[must_use]
    pub fn with_term(self, term: Duration) -> Self {
        Self {
            term: Some(term),
            ..self
        }
    }

    /// What it is called in the log and in the table of leaders.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How long a gateway leads it after it last began a run. Another takes over when that is past.
    pub fn term(&self) -> Duration {
        self.term.unwrap_or(self.interval + self.time_out)
    }

    /// Does it, beginning now, until `stopping`. A run that has begun is ended first.
    pub async fn run(self, app: App, stopping: CancellationToken) -> Result<(), Infallible> {
        let one = || Leadership {
            leader: Leader::new(&app, self.name, self.term()),
            known: None,
        };
        let mut leadership = (self.gateways == Gateways::One).then(one);
        let mut trouble = Trouble::default();
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                () = self.signal.notified() => {}
                () = sleep(pause) => {}
            }
            pause = self.turn(&app, leadership.as_mut(), &mut trouble).await;
        }
        if let Some(leadership) = leadership {
            self.resign(&leadership.leader).await;
        }
        Ok(())
    }

    /// Does it once, if it is this gateway's to do, and says when the next turn is.
    async fn turn(
        &self,
        app: &App,
        leadership: Option<&mut Leadership>,
        trouble: &mut Trouble,
    ) -> Duration {
        if let Some(leadership) = leadership
            && let Err(pause) = self.lead(app, leadership, trouble).await
        {
            return pause;
        }
        let began = Instant::now();
        let work = AssertUnwindSafe((self.work)(app.clone())).catch_unwind();
        let (outcome, pause) = match timeout(self.time_out, work).await {
            Ok(Ok(Ok(Ran::Done))) => ("done", self.interval),
            Ok(Ok(Ok(Ran::More))) => ("more", Duration::ZERO),
            Ok(Ok(Err(error))) => {
                trouble.tell(self, "a task failed", &error);
                ("failed", self.soon())
            }
            Ok(Err(_)) => {
                // The panic itself was logged where it happened.
                tracing::error!(task = self.name, "a task panicked");
                ("panicked", self.soon())
            }
            Err(_) => {
                let at_most = format!("{:?}", self.time_out);
                trouble.tell(self, "a task took too long and was cut off", &at_most);
                ("timed_out", self.soon())
            }
        };
        app.metrics.task_ran(self.name, outcome, began.elapsed());
        pause
    }

    /// Whether this gateway leads; if not, when it looks again.
    async fn lead(
        &self,
        app: &App,
        leadership: &mut Leadership,
        trouble: &mut Trouble,
    ) -> Result<(), Duration> {
        let now = Instant::now();
        match leadership.known {
            Some(Known::Own(term)) if term.until() >= now + self.time_out => return Ok(()),
            Some(Known::Others(until)) if until > now => return Err(until - now),
            _ => leadership.known = None,
        }
        let lead = timeout(PATIENCE, leadership.leader.lead()).await;
        let leads = matches!(lead, Ok(Ok(Lead::Own(_))));
        app.metrics.leads(self.name, leads);
        let keeps = self.term.is_some();
        match lead {
            Ok(Ok(Lead::Own(term))) => {
                leadership.known = keeps.then_some(Known::Own(term));
                Ok(())
            }
            Ok(Ok(Lead::Others(rest))) if keeps => {
                leadership.known = Some(Known::Others(Instant::now() + rest));
                Err(rest)
            }
            Ok(Ok(Lead::Others(rest))) => Err(rest.min(self.interval)),
            Ok(Err(error)) => {
                trouble.tell(self, "who leads a task cannot be read", &error);
                Err(self.soon())
            }
            Err(_) => {
                let at_most = format!("{PATIENCE:?}");
                trouble.tell(self, "the database does not say who leads a task", &at_most);
                Err(self.soon())
            }
        }
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
            .field("term", &self.term)
            .finish_non_exhaustive()
    }
}

/// A gateway that would lead a task.
struct Leadership {
    leader: Leader,
    /// Who leads, where that is known for some time.
    known: Option<Known>,
}

/// Who leads, and for how long.
#[derive(Clone, Copy)]
enum Known {
    Own(Term),
    Others(Instant),
}

/// When it was last told that a task fails: one that is done often is not to fill the log.
#[derive(Default)]
struct Trouble(Option<Instant>);

impl Trouble {
    fn tell(&mut self, task: &Task, what: &str, error: &dyn fmt::Display) {
        let was_told = self.0.is_some_and(|at| at.elapsed() < RETRY);
        if was_told && task.interval < RETRY {
            tracing::debug!(task = task.name, %error, "{what}");
        } else {
            self.0 = Some(Instant::now());
            tracing::error!(task = task.name, %error, "{what}");
        }
    }
}

/// All tasks of `app`. The cleanup is done every `cleanup_interval`.
pub fn all(app: &App, cleanup_interval: Duration) -> Vec<Task> {
    let mut tasks = vec![
        billing::task(),
        cleanup::task(cleanup_interval),
        progress::task(),
        refusals::task(),
        retention::task(),
    ];
    if app.database.backend() == DbBackend::Postgres {
        tasks.push(sequencer::task(app));
    }
    tasks
}
