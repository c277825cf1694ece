//! When what the snapshots of a volume keep is measured.

use entity::{VolumeId, volume};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::domain::{Result, transaction::Transaction};

/// What the snapshots of a volume keep may have changed: whatever is being measured is out of date.
pub async fn ask(tx: &Transaction<'_>, id: VolumeId) -> Result<()> {
    volume::Entity::update_many()
        .col_expr(volume::Column::MeasureAt, Expr::value(tx.now()))
        .filter(volume::Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}
