//! The cooldown of a volume.

use async_graphql::SimpleObject;
use chrono::Utc;

use crate::{domain::cooldown, graphql::scalar::DateTime};

/// A volume rests after each completed snapshot, backup or restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct Cooldown {
    /// When the next operation may start, by the server's clock.
    pub ends_at: DateTime,
    /// Whole seconds until then, rounded up; never 0.
    pub remaining_seconds: i32,
}

impl Cooldown {
    /// The cooldown of `volume`, if it is under way at `now`.
    pub fn of(volume: &entity::volume::Model, now: chrono::DateTime<Utc>) -> Option<Self> {
        let ends_at = cooldown::under_way(volume.cooldown_ends_at, now)?;
        let seconds = cooldown::whole_seconds(ends_at, now);
        Some(Self {
            ends_at: ends_at.into(),
            remaining_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
        })
    }
}
