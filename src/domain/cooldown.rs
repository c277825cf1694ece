//! The cooldown: a volume rests after each completed snapshot, backup or restore.

use chrono::{DateTime, Utc};

/// Whole seconds from `now` to `ends_at`, rounded up, never less than 1: a volume that still rests
/// must not be told to come back in 0 seconds.
pub fn whole_seconds(ends_at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    let millis = (ends_at - now).num_milliseconds();
    (millis.saturating_add(999) / 1000).max(1)
}

/// When the cooldown ends, if it is under way at `now`.
pub fn under_way(ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    ends_at.filter(|ends_at| *ends_at > now)
}
