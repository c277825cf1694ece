//! What has happened to an operation, as its timeline tells: with and without a number.

use entity::{OperationId, operation_event, operation_event::OperationEventKind, unnumbered_event};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::domain::{Result, transaction::Transaction};

/// Whether one of `kinds` has happened to the operation.
pub(super) async fn has(
    tx: &Transaction<'_>,
    operation: OperationId,
    kinds: &[OperationEventKind],
) -> Result<bool> {
    // First those without: meanwhile one may get its number.
    let unnumbered = unnumbered_event::Entity::find()
        .filter(unnumbered_event::Column::OperationId.eq(operation))
        .filter(unnumbered_event::Column::Kind.is_in(kinds.iter().copied()))
        .count(tx.db())
        .await?;
    if unnumbered > 0 {
        return Ok(true);
    }
    let numbered = operation_event::Entity::find()
        .filter(operation_event::Column::OperationId.eq(operation))
        .filter(operation_event::Column::Kind.is_in(kinds.iter().copied()))
        .count(tx.db())
        .await?;
    Ok(numbered > 0)
}
