//! Watching a volume: what holds it, how far that is, and how long it rests.

use std::{sync::Arc, time::Duration};

use async_graphql::{Context, ID, SimpleObject, Subscription};
use chrono::Utc;
use entity::{OperationId, Scope, VolumeId, backup, instance, operation, snapshot, volume};
use futures_util::{Stream, StreamExt};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};
use tokio::time::Instant;

use super::{
    joint::Reader,
    live::{Reading, State, live},
    operation::is_progress,
};
use crate::{
    app::App,
    domain::{
        Clock, Error, Requester, cooldown,
        operation::state::is_ended,
        readable,
        volume::{facts::active, find},
    },
    events::{Shared, Topic},
    graphql::{
        context::app,
        error::{Failure, Result},
        id,
        scalar::DateTime,
        types::{Cooldown, Operation, Volume},
        visible,
    },
};

/// What a volume is about, for the banner of its page.
#[derive(Clone, Debug, SimpleObject)]
pub struct VolumeActivity {
    /// The volume.
    pub volume: Volume,
    /// The operation that holds its lock. One that has just ended is told once more, as it ended.
    pub operation: Option<Operation>,
    /// How long it rests yet; null when the next operation may start now.
    pub cooldown: Option<Cooldown>,
    /// The database's clock.
    pub server_time: DateTime,
}

/// How long a volume rests yet.
#[derive(Clone, Debug, SimpleObject)]
pub struct CooldownTick {
    /// The volume.
    pub volume_id: ID,
    /// Null when the next operation may start now.
    pub cooldown: Option<Cooldown>,
    /// The database's clock.
    pub server_time: DateTime,
}

/// Watching volumes.
#[derive(Debug, Default)]
pub struct VolumeSubscription;

#[Subscription]
impl VolumeSubscription {
    /// The banner of a volume: what holds it, how far that is, and the cooldown. Any change to the
    /// volume, its snapshots, its backups or the instance that it is attached to.
    #[graphql(visible = "visible::to_users")]
    async fn volume_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The volume.")] volume_id: ID,
    ) -> Result<impl Stream<Item = Result<VolumeActivity>>> {
        let (app, reader) = (app(ctx)?.clone(), Reader::of(ctx)?);
        let id: VolumeId = id::find(&volume_id, "volume")?;
        find_visible(&app, reader.requester(), id).await?;
        let held: Arc<std::sync::Mutex<Option<Held>>> = Arc::default();
        let shared = app.hub.share(Topic::Volume(id));
        let read = {
            let app = app.clone();
            move |requester: Requester| {
                let (app, held, shared) = (app.clone(), Arc::clone(&held), Arc::clone(&shared));
                async move {
                    let before = lock(&held).take();
                    let state = shared.read(|| Activity::read(&app, id)).await?;
                    let state = state.seen_by(&app, &requester, before).await?;
                    *lock(&held) = active(&state.volume).map(|active| Held {
                        by: active.id,
                        shared: app.hub.share(Topic::Operation(active.id)),
                    });
                    let changes_in = state.cooldown_ends_at.map(|at| until(at, state.now));
                    Ok(Reading {
                        state,
                        is_last: false,
                        changes_in,
                    })
                }
            }
        };
        let clock = app.clock.clone();
        let states = live(app, reader, &[Topic::Volume(id)], read);
        Ok(states.map(move |state| state.map(|activity| activity.told(&clock))))
    }

    /// A tick every `everySeconds` while the volume cools down, one with null when it is free, and
    /// again at the next cooldown.
    #[graphql(visible = "visible::to_users")]
    async fn cooldown(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The volume.")] volume_id: ID,
        #[graphql(desc = "How often: 1 to 60.", default_with = "Some(1)")] every_seconds: Option<
            i32,
        >,
    ) -> Result<impl Stream<Item = Result<CooldownTick>>> {
        let (app, reader) = (app(ctx)?.clone(), Reader::of(ctx)?);
        let id: VolumeId = id::find(&volume_id, "volume")?;
        let every = u64::try_from(every_seconds.unwrap_or(1))
            .ok()
            .filter(|every| (1..=60).contains(every));
        let every = every.ok_or_else(|| Error::invalid("`everySeconds` is 1 to 60."))?;
        find_visible(&app, reader.requester(), id).await?;
        let beat = Beat {
            every: Duration::from_secs(every),
            since: Instant::now(),
        };
        let read = {
            let app = app.clone();
            move |requester: Requester| {
                let app = app.clone();
                async move { Tick::read(&app, &requester, id, beat).await }
            }
        };
        let states = live(app, reader, &[Topic::Volume(id)], read);
        Ok(states.map(move |state| state.map(CooldownTick::from)))
    }
}

async fn find_visible(app: &App, requester: &Requester, id: VolumeId) -> Result<volume::Model> {
    let volumes = volume::Entity::visible_to(requester.scope()?);
    Ok(find(app.database.reads(), volumes, id).await?)
}

/// The rows of `select` that can be read.
async fn known<E: EntityTrait<Model: entity::row::Row>>(
    app: &App,
    select: Select<E>,
) -> Result<Vec<E::Model>> {
    let rows = readable::rows(app, select).await?;
    Ok(rows.into_iter().flatten().collect())
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn until(at: chrono::DateTime<Utc>, now: chrono::DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

/// What held a volume at the last reading.
struct Held {
    by: OperationId,
    /// How it ended, for all who watch the volume.
    shared: Arc<Shared<Option<Arc<operation::Model>>>>,
}

/// All that a banner shows, and the items below it.
#[derive(Clone, Debug)]
struct Activity {
    volume: Arc<volume::Model>,
    operation: Option<Arc<operation::Model>>,
    snapshots: Arc<Vec<snapshot::Model>>,
    backups: Arc<Vec<backup::Model>>,
    attached_to: Option<Arc<instance::Model>>,
    cooldown_ends_at: Option<chrono::DateTime<Utc>>,
    /// When it was read, by the database's clock and by this process's.
    now: chrono::DateTime<Utc>,
    read: Instant,
}

impl Activity {
    /// The volume now, whoever sees it.
    async fn read(app: &App, id: VolumeId) -> Result<Self> {
        let db = app.database.reads();
        let volume = find(db, volume::Entity::visible_to(Scope::Everything), id).await?;
        let operation = match active(&volume) {
            Some(active) => known(app, operation::Entity::find_by_id(active.id))
                .await?
                .pop(),
            None => None,
        };
        let owner = Scope::Account(volume.account_id);
        let snapshots = snapshot::Entity::visible_to(owner)
            .filter(snapshot::Column::VolumeId.eq(id))
            .order_by_asc(snapshot::Column::Id);
        let backups = backup::Entity::visible_to(owner)
            .filter(backup::Column::VolumeId.eq(id))
            .order_by_asc(backup::Column::Id);
        let attached_to = match volume.instance_id {
            Some(id) => known(app, instance::Entity::find_by_id(id)).await?.pop(),
            None => None,
        };
        let snapshots = known(app, snapshots).await?;
        let backups = known(app, backups).await?;
        let now = app.clock.now(db).await?;
        Ok(Self {
            attached_to: attached_to.map(Arc::new),
            cooldown_ends_at: None,
            volume: Arc::new(volume),
            operation: operation.map(Arc::new),
            snapshots: Arc::new(snapshots),
            backups: Arc::new(backups),
            now,
            read: Instant::now(),
        })
    }

    /// The same for one who may see it. The operation that held it at the last reading, `before`, is told once more if
    /// it has ended since.
    async fn seen_by(
        mut self,
        app: &App,
        requester: &Requester,
        before: Option<Held>,
    ) -> Result<Self> {
        if !requester.scope()?.covers(self.volume.account_id) {
            return Err(Error::NotFound("volume").into());
        }
        if active(&self.volume).is_none()
            && let Some(Held { by, shared }) = before
        {
            let read = || async {
                let operation = known(app, operation::Entity::find_by_id(by)).await?.pop();
                Ok::<_, Failure>(operation.map(Arc::new))
            };
            self.operation = shared.read(read).await?;
        }
        // It may have been read for another one a moment ago.
        self.now = app.clock.later(self.now, self.read.elapsed());
        self.read = Instant::now();
        self.cooldown_ends_at = cooldown::under_way(self.volume.cooldown_ends_at, self.now);
        Ok(self)
    }

    /// As it is told now.
    fn told(self, clock: &Clock) -> VolumeActivity {
        let now = clock.later(self.now, self.read.elapsed());
        VolumeActivity {
            cooldown: Cooldown::of(&self.volume, now),
            volume: Volume(self.volume),
            operation: self.operation.map(Operation),
            server_time: now.into(),
        }
    }
}

/// Equal but for the time of the reading.
impl PartialEq for Activity {
    fn eq(&self, other: &Self) -> bool {
        self.volume == other.volume
            && self.operation == other.operation
            && self.snapshots == other.snapshots
            && self.backups == other.backups
            && self.attached_to == other.attached_to
            && self.cooldown_ends_at == other.cooldown_ends_at
    }
}

impl State for Activity {
    fn is_progress_of(&self, sent: &Self) -> bool {
        let (Some(now), Some(before)) = (&self.operation, &sent.operation) else {
            return false;
        };
        self != sent
            && !is_ended(now.status)
            && is_progress(now, before)
            && self.volume == sent.volume
    }

    fn operation(&mut self) -> Option<&mut Arc<operation::Model>> {
        self.operation.as_mut()
    }
}

/// When ticks are due.
#[derive(Clone, Copy, Debug)]
struct Beat {
    every: Duration,
    since: Instant,
}

impl Beat {
    /// How many were due until now, and how long it is to the next one.
    fn position(self) -> (u128, Duration) {
        let elapsed = self.since.elapsed();
        let count = elapsed.as_millis() / self.every.as_millis();
        let into = elapsed.as_millis() % self.every.as_millis();
        let left = self.every.as_millis() - into;
        (
            count,
            Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX)),
        )
    }
}

/// A volume's cooldown at a beat.
#[derive(Clone, Debug)]
struct Tick {
    volume: volume::Model,
    ends_at: Option<chrono::DateTime<Utc>>,
    beat: u128,
    now: chrono::DateTime<Utc>,
}

impl Tick {
    async fn read(
        app: &App,
        requester: &Requester,
        id: VolumeId,
        beat: Beat,
    ) -> Result<Reading<Self>> {
        let volume = find_visible(app, requester, id).await?;
        let now = app.clock.now(app.database.reads()).await?;
        let (count, to_next) = beat.position();
        let ends_at = cooldown::under_way(volume.cooldown_ends_at, now);
        let changes_in = ends_at.map(|at| until(at, now).min(to_next));
        let beat = if ends_at.is_some() { count } else { 0 };
        Ok(Reading {
            state: Self {
                volume,
                ends_at,
                beat,
                now,
            },
            is_last: false,
            changes_in,
        })
    }
}

/// Equal within a beat, and while the volume is free.
impl PartialEq for Tick {
    fn eq(&self, other: &Self) -> bool {
        self.ends_at == other.ends_at && self.beat == other.beat
    }
}

impl State for Tick {
    fn replaces(&self, sent: &Self) -> bool {
        self.ends_at == sent.ends_at
    }
}

impl From<Tick> for CooldownTick {
    fn from(tick: Tick) -> Self {
        Self {
            volume_id: tick.volume.id.into(),
            cooldown: Cooldown::of(&tick.volume, tick.now),
            server_time: tick.now.into(),
        }
    }
}
