//! The feed: follows the outbox from any place in it. What was missed first, then live.
//!
//! The numbers of events have no gaps and grow in the order in which they can be read, so "all above
//! the last one" is exact: nothing is lost and nothing comes twice, whatever wakes or fails to wake the
//! reader. The newest are read once for all feeds of a gateway (`events/tail.rs`).

use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use entity::{
    Scope, operation, operation::OperationStatus, operation_event,
    operation_event::OperationEventKind, sequence,
};
use futures_util::Stream;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use tokio::time::{sleep, timeout};

use super::Topic;
use crate::{
    app::App,
    domain::{
        Error, Requester, Result, Standing, damage::is_damage, readable, transaction::EVENTS,
    },
};

/// How soon a feed that could not be read is tried again. It outlives a database that is away.
const RETRY: Duration = Duration::from_secs(1);
/// How many events are read at once.
const BATCH: u64 = 100;

/// Which events are followed; nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of these operations.
    pub operations: Option<Select<operation::Entity>>,
    /// Those that led to this status.
    pub status: Option<OperationStatus>,
}

/// The events behind `after` that `requester` may see; those that have no number yet if it is left out. A
/// token that ends ends the feed.
pub async fn follow(
    app: App,
    requester: Requester,
    filter: Filter,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<operation_event::Model>>> {
    let mut written = timeline(&requester)?;
    let mut commits = app.hub.watch(written);
    let own = requester.topic().ok_or(Error::Unauthenticated)?;
    let mut tokens = app.hub.watch(own);
    let mut last = match after {
        Some(seq) => known(&app, seq).await?,
        None => newest(&app).await?,
    };
    Ok(try_stream! {
        let mut standing: Option<Standing> = None;
        loop {
            let age = app.settings.stream_refresh;
            let known = standing.take().filter(|standing| standing.holds(age));
            let batch = match read(&app, &requester, known, &filter, last).await {
                Err(error @ Error::Database(_)) if !is_damage(&error) => {
                    tracing::debug!(%error, "a feed cannot be read now");
                    sleep(RETRY).await;
                    continue;
                }
                batch => batch?,
            };
            for event in batch.events {
                yield Arc::unwrap_or_clone(event);
            }
            last = last.max(batch.end);
            let timeline = timeline(batch.standing.requester())?;
            if timeline != written {
                // It may see more than before: what was written until this is watched has to be read, too.
                written = timeline;
                commits = app.hub.watch(written);
            } else if batch.is_all {
                let woken = async {
                    tokio::select! {
                        biased;
                        () = tokens.changed() => None,
                        () = commits.changed() => Some(batch.standing),
                    }
                };
                // A wake-up that was lost costs this much time at most.
                standing = timeout(age, woken).await.ok().flatten();
            } else if !tokens.has_changed() {
                standing = Some(batch.standing);
            }
        }
    })
}

/// Some of the events that follow.
struct Batch {
    events: Vec<Arc<operation_event::Model>>,
    /// The place behind them.
    end: i64,
    /// No more were there when it was read.
    is_all: bool,
    /// The reader, as it was known then.
    standing: Standing,
}

/// The timeline that `requester` sees.
fn timeline(requester: &Requester) -> Result<Topic> {
    Ok(match requester.scope()? {
        Scope::Everything => Topic::Events,
        Scope::Account(account) => Topic::EventsOf(account),
    })
}

/// Reads what came behind `last`, for a requester that is still known.
async fn read(
    app: &App,
    requester: &Requester,
    known: Option<Standing>,
    filter: &Filter,
    last: i64,
) -> Result<Batch> {
    let standing = match known {
        Some(standing) => standing,
        None => Standing::of(app, requester).await?,
    };
    let requester = standing.requester();
    // Which operations are meant is for the database to say.
    if filter.operations.is_none()
        && let Some(following) = app.hub.tail().behind(app, last).await?
    {
        let scope = requester.scope()?;
        let kinds = filter.status.map(leading_to);
        let is_wanted = |event: &Arc<operation_event::Model>| {
            scope.covers(event.account_id) && kinds.is_none_or(|kinds| kinds.contains(&event.kind))
        };
        let mut events = following.events;
        events.retain(is_wanted);
        return Ok(Batch {
            events,
            end: following.end,
            is_all: true,
            standing,
        });
    }
    let newest = newest(app).await?;
    let following = matching(requester, filter)?
        .filter(operation_event::Column::Seq.gt(last))
        .filter(operation_event::Column::Seq.lte(newest))
        .order_by_asc(operation_event::Column::Seq)
        .limit(BATCH);
    let events = readable::rows(app, following).await?;
    let events: Vec<_> = events.into_iter().flatten().map(Arc::new).collect();
    let end = events.last().map(|event| event.seq);
    Ok(Batch {
        standing,
        is_all: end.is_none(),
        // Without any, all up to the newest is none of the reader's.
        end: end.unwrap_or(newest),
        events,
    })
}

/// The place `seq`, if all that came behind it is still there.
async fn known(app: &App, seq: i64) -> Result<i64> {
    let db = app.database.reads();
    let last: Option<i64> = sequence::Entity::find_by_id(EVENTS.to_owned())
        .select_only()
        .column(sequence::Column::Value)
        .into_tuple()
        .one(db)
        .await?;
    let last = last.unwrap_or_default();
    let oldest: Option<i64> = operation_event::Entity::find()
        .select_only()
        .column(operation_event::Column::Seq)
        .order_by_asc(operation_event::Column::Seq)
        .into_tuple()
        .one(db)
        .await?;
    let first = oldest.unwrap_or(last + 1);
    if (first - 1..=last).contains(&seq) {
        Ok(seq)
    } else {
        Err(Error::CursorGone)
    }
}

/// The number of the newest event.
pub(super) async fn newest(app: &App) -> Result<i64> {
    let newest: Option<i64> = operation_event::Entity::find()
        .select_only()
        .column(operation_event::Column::Seq)
        .order_by_desc(operation_event::Column::Seq)
        .into_tuple()
        .one(app.database.reads())
        .await?;
    Ok(newest.unwrap_or_default())
}

fn matching(requester: &Requester, filter: &Filter) -> Result<Select<operation_event::Entity>> {
    let mut events = operation_event::Entity::visible_to(requester.scope()?);
    if let Some(status) = filter.status {
        events =
            events.filter(operation_event::Column::Kind.is_in(leading_to(status).iter().copied()));
    }
    if let Some(operations) = filter.operations.clone() {
        let ids = operations
            .select_only()
            .column(operation::Column::Id)
            .into_query();
        events = events.filter(operation_event::Column::OperationId.in_subquery(ids));
    }
    Ok(events)
}

/// The transitions that lead to a status.
fn leading_to(status: OperationStatus) -> &'static [OperationEventKind] {
    match status {
        OperationStatus::Pending => &[OperationEventKind::Accepted, OperationEventKind::Requeued],
        OperationStatus::Started => &[OperationEventKind::Started, OperationEventKind::Progressed],
        OperationStatus::Completed => &[OperationEventKind::Completed],
        OperationStatus::Failed => &[OperationEventKind::Failed],
        OperationStatus::Cancelled => &[OperationEventKind::Cancelled],
    }
}
