//! Room in lists that have no pages: they hold only so many rows.

use sea_orm::{EntityTrait, PaginatorTrait, Select};

use super::{Error, Result, transaction::Transaction};

/// Refuses one more of `rows` where there are `most` of them. `what` they are is told.
pub(super) async fn ensure_room<E>(
    tx: &Transaction<'_>,
    rows: Select<E>,
    most: u64,
    what: &str,
) -> Result<()>
where
    E: EntityTrait,
    E::Model: Send + Sync,
{
    let held = rows.count(tx.db()).await?;
    if held < most {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "There are {held} {what}, and no more are possible."
    )))
}
