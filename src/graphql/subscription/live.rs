//! The one way in which streams stay true: they read their state from the database, at first, when
//! the hub wakes them, and every few seconds in case nothing did; and they send it when it differs
//! from what they sent last.
//!
//! A slow reader gets the newest state, because a state is read only when the last one was taken.
//! Before each reading the requester is looked up again: a token that ended ends the stream. What cannot be read
//! because it is damaged ends none: it is told of again once it is mended.

use std::{future::Future, time::Duration};

use async_stream::try_stream;
use futures_util::{Stream, future::select_all};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    app::App,
    domain::{Requester, token},
    events::{Topic, Watch},
    graphql::error::{Failure, Result},
};

/// The shortest time between two reports of progress: at most 4 a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// How soon a stream that could not read its state tries again. It outlives a database that is away.
pub const RETRY: Duration = Duration::from_secs(1);

/// What a stream sends.
pub trait State: Clone + PartialEq {
    /// Whether it differs from `sent` by progress only, which need not be told at once.
    fn is_progress_of(&self, _sent: &Self) -> bool {
        false
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
    requester: Requester,
    topics: &[Topic],
    mut read: R,
) -> impl Stream<Item = Result<S>> + use<S, R, F>
where
    S: State,
    R: FnMut(Requester) -> F,
    F: Future<Output = Result<Reading<S>>>,
{
    // Watched before the first reading, so that no change falls between the two.
    let mut alarm = Alarm::new(&app, &requester, topics);
    let of = format!("stream of {topics:?}");
    try_stream! {
        let mut sent: Option<(S, Instant)> = None;
        loop {
            let known = token::reauthenticate(&app, &requester).await.map_err(Failure::from);
            let reading = match known {
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
            let reading = reading?;
            let soonest = sent.as_ref().and_then(|(last, at)| {
                reading.state.is_progress_of(last).then(|| *at + PROGRESS_INTERVAL)
            });
            if let Some(soonest) = soonest.filter(|soonest| *soonest > Instant::now()) {
                sleep_until(soonest).await;
                continue;
            }
            if sent.as_ref().is_none_or(|(last, _)| *last != reading.state) {
                sent = Some((reading.state.clone(), Instant::now()));
                yield reading.state;
            }
            if reading.is_last {
                return;
            }
            alarm.wait(reading.changes_in).await;
        }
    }
}

/// What wakes a stream.
#[derive(Debug)]
pub struct Alarm {
    watches: Vec<Watch>,
    refresh: Duration,
}

impl Alarm {
    /// One that rings for `topics`, when a token of `requester` ends, and every few seconds.
    pub fn new(app: &App, requester: &Requester, topics: &[Topic]) -> Self {
        let topics = topics.iter().copied().chain(requester.topic());
        Self {
            watches: topics.map(|topic| app.hub.watch(topic)).collect(),
            refresh: app.settings.stream_refresh,
        }
    }

    /// Waits until it rings, `within` at the latest.
    pub async fn wait(&mut self, within: Option<Duration>) {
        let patience = within.map_or(self.refresh, |within| within.min(self.refresh));
        let deadline = Instant::now() + patience;
        let changed = select_all(
            self.watches
                .iter_mut()
                .map(|watch| Box::pin(watch.changed())),
        );
        tokio::select! {
            _ = changed => {}
            () = sleep_until(deadline) => {}
        }
    }
}
