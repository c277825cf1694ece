//! When what snapshots retain was measured. An hour is billed by the size that was measured last; where that is older than two
//! hours, it is *estimated*.
//!
//! ```text
//!  measured        two hours later                     measured again
//!  ────┼──────────────────┼──────────────────────────────────┼────────
//!                         └──── a gap: hours that begin in ───┘
//! ```
//!
//! A gap is written when it ends; one that has not ended yet follows from the last measurement. Both tell the same of an hour
//! that is closed, because no measurement is written before the watermark.

use std::collections::HashMap;

use entity::{VolumeId, billing_gap, billing_measurement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder};

use super::{
    HOUR_MS,
    line::Hours,
    moment::{moment, run},
};
use crate::domain::Result;

/// How old a measurement may be.
const FRESH_MS: i64 = 2 * HOUR_MS;

/// Writes that a volume was measured at the moment of the transaction's facts, and the gap that ends by it.
pub(super) async fn write(db: &impl ConnectionTrait, at_ms: i64, volume: VolumeId) -> Result<()> {
    let moment = moment();
    let first = first_stale("last.measured_ms");
    let gap = format!(
        "INSERT INTO billing_gaps (volume_id, from_hour, to_hour) \
         SELECT gap.id, gap.first, gap.last FROM ( \
            SELECT v.id, COALESCE({first}, 0) AS first, (moment.ms + {HOUR_MS} - 1) / {HOUR_MS} AS last \
            FROM volumes v CROSS JOIN {moment} AS moment \
            LEFT JOIN billing_measurements AS last ON last.volume_id = v.id WHERE v.id = $2) AS gap \
         WHERE gap.first < gap.last ON CONFLICT (volume_id, from_hour) DO NOTHING"
    );
    let measured = format!(
        "INSERT INTO billing_measurements (volume_id, measured_ms) \
         SELECT v.id, moment.ms FROM volumes v CROSS JOIN {moment} AS moment WHERE v.id = $2 \
         ON CONFLICT (volume_id) DO UPDATE SET measured_ms = excluded.measured_ms \
            WHERE excluded.measured_ms > billing_measurements.measured_ms"
    );
    let id = volume.to_string();
    if db.get_database_backend() == DbBackend::Sqlite {
        run(db, &gap, at_ms, &[&id]).await?;
        return run(db, &measured, at_ms, &[&id]).await;
    }
    // Both see what was there before.
    let both = format!("WITH gap AS ({gap} RETURNING volume_id) {measured}");
    run(db, &both, at_ms, &[&id]).await
}

/// The first hour at whose first instant a measurement of `measured_ms` is too old, in SQL.
fn first_stale(measured_ms: &str) -> String {
    format!("({measured_ms} + {FRESH_MS}) / {HOUR_MS} + 1")
}

/// The gaps of volumes, each with those that touch `hours`, in order. The last one may not have ended.
pub(super) async fn gaps(
    db: &impl ConnectionTrait,
    volumes: &[VolumeId],
    hours: Hours,
) -> Result<HashMap<VolumeId, Vec<Hours>>> {
    let mut gaps: HashMap<VolumeId, Vec<Hours>> = HashMap::new();
    if volumes.is_empty() {
        return Ok(gaps);
    }
    // First, so that a gap that ends meanwhile is met below: it is the same one.
    let last: HashMap<VolumeId, i64> = billing_measurement::Entity::find()
        .filter(billing_measurement::Column::VolumeId.is_in(volumes.iter().copied()))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.volume_id, row.measured_ms))
        .collect();
    let ended = billing_gap::Entity::find()
        .filter(billing_gap::Column::VolumeId.is_in(volumes.iter().copied()))
        .filter(billing_gap::Column::FromHour.lt(hours.to))
        .filter(billing_gap::Column::ToHour.gt(hours.from))
        .order_by_asc(billing_gap::Column::VolumeId)
        .order_by_asc(billing_gap::Column::FromHour)
        .all(db)
        .await?;
    for gap in ended {
        gaps.entry(gap.volume_id).or_default().push(Hours {
            from: gap.from_hour,
            to: gap.to_hour,
        });
    }
    for volume in volumes {
        let from = last
            .get(volume)
            .map_or(0, |ms| (ms + FRESH_MS) / HOUR_MS + 1);
        let of_it = gaps.entry(*volume).or_default();
        if from < hours.to && of_it.iter().all(|gap| gap.from != from) {
            of_it.push(Hours { from, to: hours.to });
        }
    }
    Ok(gaps)
}
