//! What the gateway counts of itself, for Prometheus. It is a value that `App` passes on: two gateways in one process count each
//! for itself.
//!
//! The labels of each figure are words that the code knows, and never what a caller sent: no caller makes the figures grow.
//! `docs/metrics.md` lists all of them.

mod label;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use entity::{
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Metric, Registry},
};

pub use self::label::Field;
use self::label::{Statements, kind, status, transition};

/// A label and its word.
type Label = (&'static str, &'static str);

/// The bounds of times, in seconds: a statement may take a tenth of a millisecond, a task minutes.
const SECONDS: [f64; 14] = [
    0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0, 300.0,
];

/// What the gateway counts. Clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

/// Makes the histograms of times.
#[derive(Clone)]
struct Times;

impl MetricConstructor<Histogram> for Times {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

struct Figures {
    registry: Registry,
    requests: Family<label::Request, Counter>,
    request_seconds: Family<[Label; 1], Histogram, Times>,
    streams: Gauge,
    executions: Gauge,
    stream_messages: Counter,
    wake_ups: Counter,
    statements: Statements,
    statements_failed: Counter,
    connections: Family<[Label; 2], Gauge>,
    queue: QueueFigures,
    tasks: TaskFigures,
}

/// Those of operations.
struct QueueFigures {
    transitions: Family<[Label; 2], Counter>,
    in_flight: Family<[Label; 2], Gauge>,
    age: Gauge<f64, AtomicU64>,
    leases_lost: Counter,
    bytes_moved: Family<[Label; 1], Counter>,
}

/// Those of tasks.
struct TaskFigures {
    runs: Family<[Label; 2], Counter>,
    seconds: Family<[Label; 1], Histogram, Times>,
    leads: Family<[Label; 1], Gauge>,
}

/// What stands in the queue, as it is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// How many operations of each kind are in each status in flight.
    pub in_flight: Vec<(OperationKind, OperationStatus, i64)>,
    /// For how long the one has waited that has waited for the longest.
    pub age: Duration,
}

/// The connections of one pool to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What they are for.
    pub name: &'static str,
    /// How many are open.
    pub open: usize,
    /// How many of these nobody uses.
    pub idle: usize,
}

/// What is counted as open until it is dropped.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Counts that an operation of a document was answered: of each of its root fields how.
    pub fn requested(&self, operation: &'static str, field: &Field, outcome: &'static str) {
        let request = label::Request {
            operation,
            field: field.clone(),
            outcome,
        };
        self.0.requests.get_or_create(&request).inc();
    }

    /// Counts how long an operation of a document took.
    pub fn took(&self, operation: &'static str, elapsed: Duration) {
        let times = self
            .0
            .request_seconds
            .get_or_create(&[("operation", operation)]);
        times.observe(elapsed.as_secs_f64());
    }

    /// A stream has begun.
    pub fn stream(&self) -> Open {
        Open::new(&self.0.streams)
    }

    /// A stream is carried out.
    pub fn execution(&self) -> Open {
        Open::new(&self.0.executions)
    }

    /// A stream has sent something.
    pub fn sent(&self) {
        self.0.stream_messages.inc();
    }

    /// A commit has woken those who watch so many topics.
    pub fn woke(&self, topics: usize) {
        self.0
            .wake_ups
            .inc_by(u64::try_from(topics).unwrap_or(u64::MAX));
    }

    /// A statement was run.
    pub fn ran(&self, sql: &str, elapsed: Duration, failed: bool) {
        self.0.statements.of(sql).observe(elapsed.as_secs_f64());
        if failed {
            self.0.statements_failed.inc();
        }
    }

    /// Something happened to an operation that had moved so many bytes by then.
    pub fn passed(&self, of: OperationKind, by: OperationEventKind, bytes: i64) {
        let is_end = matches!(
            by,
            OperationEventKind::Completed
                | OperationEventKind::Failed
                | OperationEventKind::Cancelled
        );
        if is_end {
            let bytes = u64::try_from(bytes).unwrap_or_default();
            let moved = &self.0.queue.bytes_moved;
            moved.get_or_create(&[("kind", kind(of))]).inc_by(bytes);
        }
        let labels = [("kind", kind(of)), ("transition", transition(by))];
        self.0.queue.transitions.get_or_create(&labels).inc();
    }

    /// The agents have lost so many operations.
    pub fn lost(&self, leases: u64) {
        self.0.queue.leases_lost.inc_by(leases);
    }

    /// A run of a task has ended.
    pub fn task_ran(&self, task: &'static str, outcome: &'static str, elapsed: Duration) {
        let labels = [("task", task), ("outcome", outcome)];
        self.0.tasks.runs.get_or_create(&labels).inc();
        let times = self.0.tasks.seconds.get_or_create(&[("task", task)]);
        times.observe(elapsed.as_secs_f64());
    }

    /// Whether this gateway leads a task.
    pub fn leads(&self, task: &'static str, leads: bool) {
        self.0
            .tasks
            .leads
            .get_or_create(&[("task", task)])
            .set(leads.into());
    }

    /// What stands in the queue now.
    pub fn queue(&self, queue: &Queue) {
        for of in label::KINDS {
            for at in [OperationStatus::Pending, OperationStatus::Started] {
                let known = queue.in_flight.iter();
                let count = known.filter(|(kind, status, _)| (*kind, *status) == (of, at));
                let count = count.map(|(_, _, count)| count).sum();
                let labels = [("kind", kind(of)), ("status", status(at))];
                self.0.queue.in_flight.get_or_create(&labels).set(count);
            }
        }
        self.0.queue.age.set(queue.age.as_secs_f64());
    }

    /// The connections to the database now.
    pub fn pools(&self, pools: &[Pool]) {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for pool in pools {
            let used = pool.open.saturating_sub(pool.idle);
            for (state, connections) in [("idle", pool.idle), ("used", used)] {
                let labels = [("pool", pool.name), ("state", state)];
                self.0
                    .connections
                    .get_or_create(&labels)
                    .set(count(connections));
            }
        }
    }

    /// All of it as Prometheus reads it.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tidemark");
        let all = &mut registry;
        let statement_seconds = figure(
            all,
            "statement_seconds",
            "How long statements of the database took, by what they do",
            Family::new_with_constructor(Times),
        );
        let figures = Figures {
            requests: figure(
                all,
                "requests",
                "Root fields that were answered, by the code of their error or OK",
                Family::default(),
            ),
            request_seconds: figure(
                all,
                "request_seconds",
                "How long operations took from the document to the answer",
                Family::new_with_constructor(Times),
            ),
            streams: figure(
                all,
                "streams",
                "Subscriptions that are open",
                Gauge::default(),
            ),
            executions: figure(
                all,
                "stream_executions",
                "Subscriptions that are carried out, one for all who ask the same with the same rights",
                Gauge::default(),
            ),
            stream_messages: figure(
                all,
                "stream_messages",
                "Answers that subscriptions have sent",
                Counter::default(),
            ),
            wake_ups: figure(
                all,
                "wake_ups",
                "Topics whose watchers were woken by a commit",
                Counter::default(),
            ),
            statements: Statements::new(&statement_seconds),
            statements_failed: figure(
                all,
                "statements_failed",
                "Statements of the database that failed",
                Counter::default(),
            ),
            connections: figure(
                all,
                "connections",
                "Connections to the database, by what they are for and whether they are used",
                Family::default(),
            ),
            queue: QueueFigures::new(all),
            tasks: TaskFigures::new(all),
            registry,
        };
        Self(Arc::new(figures))
    }
}

impl QueueFigures {
    fn new(all: &mut Registry) -> Self {
        Self {
            transitions: figure(
                all,
                "transitions",
                "Events of operations that this gateway has recorded",
                Family::default(),
            ),
            in_flight: figure(
                all,
                "operations",
                "Operations in flight, of all gateways",
                Family::default(),
            ),
            age: figure(
                all,
                "queue_age_seconds",
                "For how long the operation has waited that has waited for the longest",
                Gauge::default(),
            ),
            leases_lost: figure(
                all,
                "leases_lost",
                "Operations whose agent was lost, as this gateway's cleanup found",
                Counter::default(),
            ),
            bytes_moved: figure(
                all,
                "moved_bytes",
                "Bytes that operations had moved when they ended, as this gateway recorded",
                Family::default(),
            ),
        }
    }
}

impl TaskFigures {
    fn new(all: &mut Registry) -> Self {
        Self {
            runs: figure(
                all,
                "task_runs",
                "Runs of tasks, by how they ended",
                Family::default(),
            ),
            seconds: figure(
                all,
                "task_seconds",
                "How long runs of tasks took",
                Family::new_with_constructor(Times),
            ),
            leads: figure(
                all,
                "task_leads",
                "Whether this gateway leads a task",
                Family::default(),
            ),
        }
    }
}

/// A figure that is told from now on.
fn figure<M: Metric + Clone>(all: &mut Registry, name: &str, help: &str, metric: M) -> M {
    all.register(name, help, metric.clone());
    metric
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
