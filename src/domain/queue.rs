//! What stands in the queue: how many operations wait and are worked on, and for how long the first has waited.

use chrono::{DateTime, Utc};
use entity::{
    operation,
    operation::{OperationKind, OperationStatus},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::Result;
use crate::{app::App, metrics::Queue};

/// Looks at the queue: at what is in flight, however much has ended.
pub async fn look(app: &App) -> Result<Queue> {
    use operation::{Column, Entity};
    let db = app.database.reads();
    let counts: Vec<(OperationKind, OperationStatus, i64, DateTime<Utc>)> = Entity::find()
        .select_only()
        .columns([Column::Kind, Column::Status])
        .column_as(Column::Id.count(), "count")
        .column_as(Column::CreatedAt.min(), "oldest")
        .filter(Column::Status.is_in(OperationStatus::IN_FLIGHT))
        .group_by(Column::Kind)
        .group_by(Column::Status)
        .into_tuple()
        .all(db)
        .await?;
    let waits = |status: &OperationStatus| *status == OperationStatus::Pending;
    let waiting = counts.iter().filter(|(_, status, ..)| waits(status));
    let oldest = waiting.map(|(.., oldest)| *oldest).min();
    let now = app.clock.now(db).await?;
    let age = oldest.map_or_else(Default::default, |oldest| now - oldest);
    Ok(Queue {
        in_flight: counts
            .into_iter()
            .map(|(kind, status, count, _)| (kind, status, count))
            .collect(),
        age: age.to_std().unwrap_or_default(),
    })
}
