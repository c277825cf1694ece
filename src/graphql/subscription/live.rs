//! The one way in which streams stay true: they read their state from the database, at first, when
//! the hub wakes them, and every few seconds in case nothing did; and they send it when it differs
//! from what they sent last.
//!
//! Between readings the progress of an operation reaches them from memory, and asks the database nothing. A slow
//! reader gets the newest state, because a state is read only when the last one was taken.
//! Before each reading the requester is looked up again, and before each progress it is seen that nothing has
//! become of its rights since: a token that ended ends the stream. Of a stream that is carried out once for many, each
//! of them sees to that (`graphql/gate/watch.rs`), and whoever joins it has the state read and told once more. What
//! cannot be read because it is damaged ends no stream: it is told of again once it is mended.

use std::{future::Future, sync::Arc, time::Duration};

use async_stream::try_stream;
use entity::{OperationId, operation};
use futures_util::{Stream, future::select_all};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::joint::{Mark, Reader};
use crate::{
    app::App,
    domain::{Requester, Standing},
    events::{Progress, Topic, Watch},
    graphql::error::Result,
};

/// The shortest time between two reports of progress: at most 4 a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// By how much less two may lie apart where the first came late: it makes none of those behind it late.
const JITTER: Duration = Duration::from_millis(50);

/// How soon a stream that could not read its state tries again. It outlives a database that is away.
pub const RETRY: Duration = Duration::from_secs(1);

/// What a stream sends.
pub trait State: Clone + PartialEq {
    /// Whether it differs from `sent` by progress only, which need not be told at once.
    fn is_progress_of(&self, _sent: &Self) -> bool {
        false
    }

    /// Whether who has not been told of `sent` need not be, once it is told of this.
    fn replaces(&self, sent: &Self) -> bool {
        self.is_progress_of(sent)
    }

    /// The operation whose progress it tells of, if it does.
    fn operation(&mut self) -> Option<&mut Arc<operation::Model>> {
        None
    }
}

/// What a reading found.
#[derive(Debug)]
pub struct Reading<S> {
    /// The state now.
    pub state: S,
    /// No other state will follow.
    pub is_last: bool,
    /// When the state changes by itself, if it will.
    pub changes_in: Option<Duration>,
}

/// The states that `read` finds whenever one of `topics` may have changed.
pub fn live<S, R, F>(
    app: App,
    reader: Reader,
    topics: &[Topic],
    mut read: R,
) -> impl Stream<Item = Result<S>> + use<S, R, F>
where
    S: State,
    R: FnMut(Requester) -> F,
    F: Future<Output = Result<Reading<S>>>,
{
    // Watched before the first reading, so that no change falls between the two.
    let mut alarm = Alarm::new(&app, &reader, topics);
    let of = format!("stream of {topics:?}");
    try_stream! {
        let mut sent: Option<(S, Instant)> = None;
        let mut answered = 0;
        'read: loop {
            let asked = alarm.asked();
            let reading = match reader.known(&app).await {
                Ok(requester) => read(requester).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = &reading && failure.passes() {
                tracing::debug!(%failure, "a stream cannot read its state now");
                sleep(RETRY).await;
                continue;
            }
            if let Err(failure) = &reading && failure.is_damage() {
                if app.damage.is_news(&of) {
                    tracing::error!(of, %failure, "a row is damaged: its stream is silent");
                }
                alarm.wait(None).await;
                continue;
            }
            let Reading { mut state, is_last, changes_in } = reading?;
            let due = alarm.due(changes_in);
            alarm.follow(&app, state.operation().map(|operation| operation.id));
            let mut standing: Option<Standing> = None;
            loop {
                bring_up_to_date(&app, &mut state, sent.as_mut().map(|(sent, _)| sent));
                let soonest = sent.as_ref().and_then(|(last, at)| {
                    state.is_progress_of(last).then(|| *at + PROGRESS_INTERVAL)
                });
                let soonest = soonest.filter(|soonest| *soonest > Instant::now());
                let is_awaited = asked > answered;
                if let Some(soonest) = soonest && !is_awaited {
                    // What is no progress does not wait for it.
                    if alarm.ring_before(soonest).await {
                        continue 'read;
                    }
                    continue;
                }
                let is_news = sent.as_ref().is_none_or(|(last, _)| *last != state);
                if is_news || is_awaited {
                    // What comes too soon is for those alone who wait for it.
                    let is_repeat = !is_news || soonest.is_some();
                    if let Some(joint) = &reader.joint {
                        joint.mark(Mark {
                            answers: asked,
                            is_repeat,
                            replaces: sent.as_ref().is_some_and(|(last, _)| state.replaces(last)),
                        });
                    }
                    if !is_repeat {
                        let before = sent.take().map(|(_, at)| at);
                        sent = Some((state.clone(), beat(before)));
                    }
                    answered = asked;
                    yield state.clone();
                }
                if is_last {
                    return;
                }
                if alarm.progress_before(due).await {
                    if reader.joint.is_some() {
                        continue;
                    }
                    if standing.is_none() {
                        standing = Standing::of(&app, reader.requester()).await.ok();
                    }
                    let age = app.settings.stream_refresh;
                    if standing.as_ref().is_some_and(|standing| standing.holds(age)) {
                        continue;
                    }
                }
                continue 'read;
            }
        }
    }
}

/// From when the time to the next progress counts, where the last one's counted from `before`.
fn beat(before: Option<Instant>) -> Instant {
    let now = Instant::now();
    let due = before.map_or(now, |before| before + PROGRESS_INTERVAL);
    due.max(now - JITTER).min(now)
}

/// What was told since of how far the operation in `state` is; and no less than what was `sent`.
fn bring_up_to_date<S: State>(app: &App, state: &mut S, sent: Option<&mut S>) {
    let Some(operation) = state.operation() else {
        return;
    };
    app.hub.bring_up_to_date(operation);
    if let Some(sent) = sent.and_then(S::operation)
        && sent.id == operation.id
    {
        Progress::of(sent).update(operation);
    }
}

/// What wakes a stream.
#[derive(Debug)]
pub struct Alarm {
    watches: Vec<Watch>,
    /// Of a stream that many share: who joins it.
    joins: Option<watch::Receiver<u64>>,
    /// How far the operation is that the stream tells of.
    progress: Option<(OperationId, Watch)>,
    refresh: Duration,
}

impl Alarm {
    /// One that rings for `topics`, when a token of `reader` ends or somebody joins it, and every few seconds.
    pub fn new(app: &App, reader: &Reader, topics: &[Topic]) -> Self {
        let topics = topics.iter().copied().chain(reader.topic());
        Self {
            watches: topics.map(|topic| app.hub.watch(topic)).collect(),
            joins: reader.joint.as_ref().map(|joint| joint.asked()),
            progress: None,
            refresh: app.settings.stream_refresh,
        }
    }

    /// Waits until it rings, `within` at the latest.
    pub async fn wait(&mut self, within: Option<Duration>) {
        let due = self.due(within);
        self.ring_before(due).await;
    }

    /// How many have joined, for whom it does not ring any more.
    fn asked(&mut self) -> u64 {
        let joins = self.joins.as_mut();
        joins.map_or(0, |joins| *joins.borrow_and_update())
    }

    /// When it rings at the latest.
    fn due(&self, within: Option<Duration>) -> Instant {
        Instant::now() + within.map_or(self.refresh, |within| within.min(self.refresh))
    }

    /// From now on it also tells of the progress of `operation`.
    fn follow(&mut self, app: &App, operation: Option<OperationId>) {
        if self.progress.as_ref().map(|(followed, _)| *followed) != operation {
            self.progress = operation.map(|id| (id, app.hub.watch(Topic::Progress(id))));
        }
    }

    /// Waits until it rings; false where that would be later than `due`.
    async fn ring_before(&mut self, due: Instant) -> bool {
        tokio::select! {
            biased;
            () = rung(&mut self.watches, &mut self.joins) => true,
            () = sleep_until(due) => false,
        }
    }

    /// Waits until there is progress; false where it rings for something else first, at `due` at the latest.
    async fn progress_before(&mut self, due: Instant) -> bool {
        let Self {
            watches,
            joins,
            progress,
            ..
        } = self;
        let progressed = async {
            match progress {
                Some((_, watch)) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = rung(watches, joins) => false,
            () = progressed => true,
            () = sleep_until(due) => false,
        }
    }
}

async fn rung(watches: &mut [Watch], joins: &mut Option<watch::Receiver<u64>>) {
    let joined = async {
        if let Some(joins) = joins
            && joins.changed().await.is_ok()
        {
            return;
        }
        // Those who join and the stream itself end together.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        _ = select_all(watches.iter_mut().map(|watch| Box::pin(watch.changed()))) => {}
        () = joined => {}
    }
}
