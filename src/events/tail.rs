//! The newest events, which many feeds follow: the database is asked for them once, not once for each feed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use entity::operation_event;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    app::App,
    domain::{Result, readable},
};

/// How many events are kept. A feed that is further behind reads the database by itself.
const MAX_KEPT: usize = 1_000;
/// How old what was read may be where nothing was told since: a wake-up may have been lost.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The newest events of a gateway.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<Kept>);

/// Some events without a gap between them.
#[derive(Debug, Default)]
struct Kept {
    /// The numbers before the first and of the last of them.
    start: i64,
    end: i64,
    events: VecDeque<Arc<operation_event::Model>>,
    /// When they were read, and what had been told then.
    read: Option<(Instant, u64)>,
}

/// What follows some place, up to another.
#[derive(Debug)]
pub(super) struct Following {
    /// Oldest first.
    pub(super) events: Vec<Arc<operation_event::Model>>,
    /// The number of the newest event.
    pub(super) end: i64,
}

impl Tail {
    /// All events behind `last`; `None` where some of them are no longer kept here.
    pub(super) async fn behind(&self, app: &App, last: i64) -> Result<Option<Following>> {
        let mut kept = self.0.lock().await;
        let told = app.hub.told_events();
        let is_fresh = kept
            .read
            .is_some_and(|(at, knew)| knew == told && at.elapsed() < MAX_AGE);
        if !is_fresh {
            // Whoever comes meanwhile waits, and finds it read.
            let at = Instant::now();
            kept.catch_up(app).await?;
            kept.read = Some((at, told));
        }
        if last < kept.start {
            return Ok(None);
        }
        let is_behind = |event: &&Arc<operation_event::Model>| event.seq > last;
        let newest_first = kept.events.iter().rev().take_while(is_behind);
        let mut events: Vec<_> = newest_first.cloned().collect();
        events.reverse();
        let end = kept.end;
        Ok(Some(Following { events, end }))
    }
}

impl Kept {
    /// Reads what is new.
    async fn catch_up(&mut self, app: &App) -> Result<()> {
        let newest = super::feed::newest(app).await?;
        let most = i64::try_from(MAX_KEPT).unwrap_or(i64::MAX);
        if self.read.is_none() || newest - self.end > most {
            // Whoever wants what lies before reads it by itself.
            *self = Self {
                start: newest,
                end: newest,
                ..Self::default()
            };
            return Ok(());
        }
        if newest <= self.end {
            return Ok(());
        }
        let new = operation_event::Entity::find()
            .filter(operation_event::Column::Seq.gt(self.end))
            .filter(operation_event::Column::Seq.lte(newest))
            .order_by_asc(operation_event::Column::Seq);
        let new = readable::rows(app, new).await?;
        self.events.extend(new.into_iter().flatten().map(Arc::new));
        self.end = newest;
        while self.events.len() > MAX_KEPT {
            if let Some(oldest) = self.events.pop_front() {
                self.start = oldest.seq;
            }
        }
        Ok(())
    }
}
