//! The bus on PostgreSQL: one connection of its own for each gateway, which listens, tells, and looks for what nobody
//! told of.
//!
//! Telling is no part of the domain's transactions, so that no commit waits for PostgreSQL's lock of its
//! notifications. The connection is used twice a second at least, with a time-out: one that is dead without saying so
//! is noticed by that.

use std::{future::Future, ops::RangeInclusive, time::Duration};

use sea_orm::sqlx::{
    self, Executor,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{ledger::Ledger, message};
use crate::{
    app::App,
    domain::transaction::EVENTS,
    events::{Hub, News, Topic, topic::short, watched::TOLD_EVERY},
};

/// The shortest time between two times of telling. What happens within it is told at once at its end.
const PAUSE: Duration = Duration::from_millis(10);
/// How often it is looked for events that nobody told of, and whether the line is alive.
const LOOK: Duration = Duration::from_millis(500);
/// How long the database may take to answer on it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon a line that was cut is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// The most events that are looked up one by one.
const MAX_LOOKED_UP: i64 = 1_000;

/// A gateway's line to the others.
#[derive(Debug)]
pub struct Line {
    hub: Hub,
    options: PgConnectOptions,
    /// What this gateway is called on it.
    name: String,
}

/// Why a line was cut.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the database did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the database closed the connection")]
    Closed,
}

/// Whom an event concerns: its operation and account, and the operation's volume, target and hypervisor.
type Concerned = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Line {
    /// The line of `app`, which connects by `options`.
    pub fn new(app: &App, options: PgConnectOptions) -> Self {
        let program = options.get_application_name().unwrap_or("tidemark");
        let program = format!("{program} bus");
        Self {
            hub: app.hub.clone(),
            options: options.application_name(&program),
            name: app.hub.name(|| app.ids.next(short)).to_owned(),
        }
    }

    /// Keeps from now on what is told.
    pub(super) fn open(&self) {
        self.hub.outbox().open();
    }

    /// Tells once what is kept.
    pub(super) async fn tell_once(self) {
        let told = async {
            let (mut listener, channel) = self.connect().await?;
            self.tell(&mut listener, &channel).await
        };
        if let Err(cut) = told.await {
            tracing::warn!(%cut, "the gateways could not be told");
        }
    }

    /// Tells and hears until `stopping`, however often the line is cut.
    pub(super) async fn run(self, stopping: CancellationToken) {
        self.open();
        self.hub.elsewhere().is_cut();
        let mut is_cut = false;
        loop {
            let cut = match self.connect().await {
                Ok((listener, channel)) => {
                    if std::mem::take(&mut is_cut) {
                        tracing::info!("the line to other gateways is there again");
                    }
                    match self.stay(listener, &channel, &stopping).await {
                        Ok(()) => return,
                        Err(cut) => cut,
                    }
                }
                Err(cut) => cut,
            };
            self.hub.elsewhere().is_cut();
            if !std::mem::replace(&mut is_cut, true) {
                tracing::warn!(%cut, "the line to other gateways is cut");
            }
            if stopping.run_until_cancelled(sleep(RETRY)).await.is_none() {
                return;
            }
        }
    }

    /// Listens on the channel of this database's schema.
    async fn connect(&self) -> Result<(PgListener, String), Cut> {
        let connect = async {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .connect_with(self.options.clone())
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.ignore_pool_close_event(true);
            listener.eager_reconnect(false);
            // What is told has been committed: telling need not wait for the disk.
            listener.execute("SET synchronous_commit = off").await?;
            let schema = "SELECT coalesce(to_regnamespace(current_schema()::text)::oid, 0)::text";
            let schema: String = sqlx::query_scalar(schema).fetch_one(&mut listener).await?;
            let channel = format!("tidemark_{schema}");
            listener.listen(&channel).await?;
            Ok((listener, channel))
        };
        within(connect).await
    }

    /// Tells and hears on a line that is there.
    async fn stay(
        &self,
        mut listener: PgListener,
        channel: &str,
        stopping: &CancellationToken,
    ) -> Result<(), Cut> {
        let mut ledger = Ledger::new(newest(&mut listener).await?);
        // Whatever happened before it was heard here.
        self.hub.hear(&News::everything());
        self.hub.elsewhere().is_heard();
        let mut watched = interval(TOLD_EVERY);
        watched.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut soonest = Instant::now();
        loop {
            let due = async {
                self.hub.outbox().wait().await;
                sleep_until(soonest).await;
            };
            tokio::select! {
                () = stopping.cancelled() => return self.tell(&mut listener, channel).await,
                heard = listener.try_recv() => {
                    let heard = heard?.ok_or(Cut::Closed)?;
                    self.hear(heard.payload(), &mut ledger);
                }
                () = due => {
                    self.tell(&mut listener, channel).await?;
                    soonest = Instant::now() + PAUSE;
                }
                _ = watched.tick() => self.hub.tell_watched(),
                _ = looks.tick() => {
                    let newest = newest(&mut listener).await?;
                    if let Some(untold) = ledger.look(newest) {
                        self.look_up(&mut listener, untold).await?;
                    }
                }
            }
        }
    }

    fn hear(&self, message: &str, ledger: &mut Ledger) {
        let (sender, news) = message::read(message);
        ledger.hear(&news);
        if sender != self.name {
            self.hub.hear(&news);
        }
    }

    /// Tells what waits. What could not be told waits on.
    async fn tell(&self, listener: &mut PgListener, channel: &str) -> Result<(), Cut> {
        let news = self.hub.outbox().take();
        let messages = message::write(&self.name, &news);
        if messages.is_empty() {
            return Ok(());
        }
        let tell = sqlx::query("SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message")
            .bind(channel)
            .bind(messages)
            .execute(listener);
        let told = within(async { Ok(tell.await?) }).await;
        if told.is_err() {
            self.hub.outbox().add(news);
        }
        told.map(|_| ())
    }

    /// Wakes whom events concern of which nobody told: a gateway ended between its commit and telling of it.
    async fn look_up(
        &self,
        listener: &mut PgListener,
        numbers: RangeInclusive<i64>,
    ) -> Result<(), Cut> {
        if numbers.end() - numbers.start() > MAX_LOOKED_UP {
            self.hub.hear(&News::everything());
            return Ok(());
        }
        let concerned = sqlx::query_as::<_, Concerned>(
            "SELECT DISTINCT e.operation_id::text, e.account_id::text, o.volume_id::text, \
             o.target_volume_id::text, o.hypervisor_id::text \
             FROM operation_events e LEFT JOIN operations o ON o.id = e.operation_id \
             WHERE e.seq BETWEEN $1 AND $2",
        )
        .bind(numbers.start())
        .bind(numbers.end())
        .fetch_all(listener);
        let concerned = within(async { Ok(concerned.await?) }).await?;
        tracing::debug!(events = concerned.len(), "events that no gateway told of");
        self.hub.hear(&News::of(concerned.iter().flat_map(topics)));
        Ok(())
    }
}

fn topics(concerned: &Concerned) -> impl Iterator<Item = Topic> + use<> {
    let (operation, account, volume_id, target, hypervisor) = concerned;
    let volume = |id: Option<&String>| Some(Topic::Volume(id?.parse().ok()?));
    let topics = [
        Some(Topic::Events),
        account.parse().ok().map(Topic::EventsOf),
        operation.parse().ok().map(Topic::Operation),
        hypervisor
            .as_ref()
            .and_then(|id| Some(Topic::Work(id.parse().ok()?))),
        volume(volume_id.as_ref()),
        volume(target.as_ref()),
    ];
    topics.into_iter().flatten()
}

/// The number of the newest event.
async fn newest(listener: &mut PgListener) -> Result<i64, Cut> {
    let newest = sqlx::query_scalar("SELECT value FROM sequences WHERE name = $1")
        .bind(EVENTS)
        .fetch_optional(listener);
    let newest: Option<i64> = within(async { Ok(newest.await?) }).await?;
    Ok(newest.unwrap_or_default())
}

/// The database's answer, if it comes soon.
async fn within<T>(answer: impl Future<Output = Result<T, Cut>>) -> Result<T, Cut> {
    timeout(PATIENCE, answer).await.map_err(|_| Cut::Silent)?
}
