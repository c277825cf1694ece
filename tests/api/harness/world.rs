//! The world of one test: the gateway's shared parts, its schema, and a platform to work on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_graphql::{Request, Variables};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DbBackend, Statement};
use serde_json::{Value, json};
use tidemark::{
    app::App,
    database::Database,
    domain::{
        Clock, Permits, Requester, Settings, clock::ManualClock, operation::progress::Reports,
    },
    events::{Hub, bus::Bus, numbering},
    graphql::{
        self, Limits, Schema,
        text::{self, InText},
    },
    task::{Task, sequencer},
};

use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::factory::Platform;

/// The gateway of one test.
pub struct World {
    /// Its shared parts.
    pub app: App,
    /// Its clock, which stands still.
    pub clock: ManualClock,
    /// What volumes are made on, unless the test makes its own.
    pub platform: Platform,
    schema: Schema,
    statements: Arc<AtomicUsize>,
    noted: Noted,
    /// The same database, of which no statements are counted.
    unobserved: Database,
    /// Gives events their numbers on PostgreSQL, for as long as it is kept.
    sequencer: Option<Arc<Doing>>,
}

/// The statements that the database has run since they are noted: of each text the slowest.
type Noted = Arc<Mutex<Option<BTreeMap<String, (Statement, Duration)>>>>;

impl World {
    /// A world on an empty database.
    pub async fn on(mut database: Database) -> Self {
        let unobserved = database.clone();
        let statements = Arc::new(AtomicUsize::new(0));
        let counter = statements.clone();
        let noted = Noted::default();
        let kept = noted.clone();
        database.observe(move |info| {
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(known) = &mut *kept.lock().unwrap() {
                let note = (info.statement.clone(), info.elapsed);
                let slowest = known.entry(info.statement.sql.clone()).or_insert(note);
                if slowest.1 < info.elapsed {
                    *slowest = (info.statement.clone(), info.elapsed);
                }
            }
        });
        let clock = ManualClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        // No stream reads again by itself while a test runs: a wake-up that was forgotten fails it.
        let settings = Settings {
            stream_refresh: Duration::from_hours(1),
            ..Settings::default()
        };
        let mut app = App::new(database, settings);
        app.clock = Clock::Manual(clock.clone());
        let platform = Platform::new(&app, clock.now()).await;
        let mut world = Self {
            schema: graphql::builder(app.clone()).finish(),
            app,
            clock,
            platform,
            statements,
            noted,
            unobserved,
            sequencer: None,
        };
        if world.app.database.backend() == DbBackend::Postgres {
            let sequencer = do_task(sequencer::task(&world.app), world.unobserved());
            world.sequencer = Some(Arc::new(sequencer));
        }
        world
    }

    /// The same without who gives events their numbers.
    pub async fn without_sequencer(mut self) -> Self {
        if let Some(sequencer) = self.sequencer.take() {
            sequencer.end().await;
        }
        self
    }

    /// Waits until all events that are committed have their numbers.
    pub async fn settle(&self) {
        numbering::settle(&self.unobserved()).await.unwrap();
    }

    fn unobserved(&self) -> App {
        App {
            database: self.unobserved.clone(),
            ..self.app.clone()
        }
    }

    /// Notes all statements from now on.
    pub fn note_statements(&self) {
        *self.noted.lock().unwrap() = Some(BTreeMap::new());
    }

    /// The statements of different texts that were noted, and what the slowest of each took.
    pub fn noted_statements(&self) -> Vec<(Statement, Duration)> {
        let noted = self.noted.lock().unwrap().take();
        noted.unwrap_or_default().into_values().collect()
    }

    /// The same world with other limits on documents.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.schema = graphql::builder(self.app.clone()).limits(limits).finish();
        self
    }

    /// Another gateway on the same database. What is done at one wakes nobody at the other, unless both are on the
    /// bus.
    pub fn other_gateway(&self) -> Self {
        let mut app = self.app.clone();
        app.hub = Hub::default();
        app.permits = Permits::default();
        app.reports = Reports::default();
        Self {
            schema: graphql::builder(app.clone()).finish(),
            app,
            clock: self.clock.clone(),
            platform: self.platform.clone(),
            statements: self.statements.clone(),
            noted: self.noted.clone(),
            unobserved: self.unobserved.clone(),
            sequencer: self.sequencer.clone(),
        }
    }

    /// Puts the gateway on the bus until what is given is dropped.
    pub fn on_bus(&self) -> DropGuard {
        put_on(Bus::of(&self.app))
    }

    /// Waits until so many gateways of this test are on the bus.
    pub async fn are_on_bus(&self, gateways: usize) {
        let listening = "SELECT count(*)::text FROM pg_stat_activity \
                         WHERE application_name = current_schema() || ' bus' AND query <> '' \
                         AND query NOT LIKE 'SET %' AND query NOT LIKE '%to_regnamespace%'";
        let are_there = async || {
            let there = self.text(listening).await;
            (there == Some(gateways.to_string())).then_some(())
        };
        testbed::until("the gateways are on the bus", are_there).await;
    }

    /// Replaces the schema.
    pub(super) fn set_schema(&mut self, schema: Schema) {
        self.schema = schema;
    }

    /// The schema, for what `answer` cannot do.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What the clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn wait_seconds(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// The whole answer to `document`: its data and its errors.
    pub async fn answer(&self, requester: &Requester, document: &str, variables: Value) -> Value {
        // As the transports have it.
        let json = self.json(requester, document, variables, true).await;
        serde_json::from_slice(&json).unwrap()
    }

    /// The same as it is written, with lists that may be text or not.
    pub async fn json(
        &self,
        requester: &Requester,
        document: &str,
        variables: Value,
        in_text: bool,
    ) -> Vec<u8> {
        let request = Request::new(document)
            .variables(Variables::from_json(variables))
            .data(requester.clone())
            .data(InText(in_text));
        let response = self.schema.execute(request).await;
        text::response(&response, false).unwrap()
    }

    /// The data of an answer that has no errors.
    pub async fn data(&self, requester: &Requester, document: &str) -> Value {
        self.data_with(requester, document, json!({})).await
    }

    /// The data of an answer with variables that has no errors.
    pub async fn data_with(
        &self,
        requester: &Requester,
        document: &str,
        variables: Value,
    ) -> Value {
        let mut answer = self.answer(requester, document, variables).await;
        assert!(answer.get("errors").is_none(), "{document}\n{answer:#}");
        answer["data"].take()
    }

    /// The first error of an answer: its `message` and its `extensions`.
    pub async fn error(&self, requester: &Requester, document: &str) -> Value {
        self.error_with(requester, document, json!({})).await
    }

    /// The first error of an answer to a document with variables.
    pub async fn error_with(
        &self,
        requester: &Requester,
        document: &str,
        variables: Value,
    ) -> Value {
        let mut answer = self.answer(requester, document, variables).await;
        assert!(answer["errors"][0].is_object(), "{document}\n{answer:#}");
        answer["errors"][0].take()
    }

    /// The code of the first error of an answer.
    pub async fn code(&self, requester: &Requester, document: &str) -> String {
        let error = self.error(requester, document).await;
        error["extensions"]["code"].as_str().unwrap().to_owned()
    }

    /// How many statements the database has run since this was last asked.
    pub fn statements(&self) -> usize {
        self.statements.swap(0, Ordering::Relaxed)
    }
}

/// Has `bus` run until what is given is dropped.
pub fn put_on(bus: Bus) -> DropGuard {
    let stopping = CancellationToken::new();
    tokio::spawn(bus.run(stopping.clone()));
    stopping.drop_guard()
}

/// A task that is done until this is dropped.
pub struct Doing {
    stopping: CancellationToken,
    running: TaskTracker,
}

impl Doing {
    /// Ends it, and waits until its last run has ended.
    pub async fn end(&self) {
        self.stopping.cancel();
        self.running.close();
        self.running.wait().await;
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Has `app` do `task`.
pub fn do_task(task: Task, app: App) -> Doing {
    let (stopping, running) = (CancellationToken::new(), TaskTracker::new());
    running.spawn(task.run(app, stopping.clone()));
    Doing { stopping, running }
}
