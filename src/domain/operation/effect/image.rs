//! What becomes of a volume's snapshots, which lie in its image, when that is replaced or may have been.
//!
//! ```text
//!               nobody can tell            its agent finds it
//!  AVAILABLE ────────────────────► in doubt ─────────────────► AVAILABLE
//!      │                              │
//!      │ replaced                     │ its agent does not find it, or it is replaced
//!      └──────────────────────────────┴─────────────────────────────────────────────► FAILED
//! ```
//!
//! What is in doubt has failed for everybody else: it is not offered, and can be deleted. But it is not lost: its volume is
//! not deleted before it, and the agent's next look into the image settles it.

use entity::{
    SnapshotId, VolumeId, operation,
    operation::{OperationKind, OperationStatus},
    snapshot,
    snapshot::{Column, ItemStatus},
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    domain::{
        Result,
        billing::Change,
        transaction::Transaction,
        volume::{billed::bill_snapshots, measure},
    },
    events::Topic,
};

/// What becomes of the image of a volume that is restored, as its agent tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Image {
    /// It is still the one that it was.
    #[default]
    Kept,
    /// A new one has taken its place.
    Replaced,
    /// Nobody can tell.
    Unknown,
}

/// What follows for the snapshots of the volume that `operation` restores of what its agent tells of the image.
pub async fn settle(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    image: Image,
) -> Result<()> {
    match image {
        Image::Kept => Ok(()),
        Image::Replaced => replaced(tx, operation.volume_id).await,
        Image::Unknown => in_doubt(tx, operation).await,
    }
}

/// A new image has taken the place of a volume's: the snapshots that lay in that one are gone.
async fn replaced(tx: &mut Transaction<'_>, volume: VolumeId) -> Result<()> {
    let failure = format!(
        "The snapshot lay in the image that was replaced on {}.",
        tx.now().format("%Y-%m-%d")
    );
    let of_volume = Condition::all().add(Column::VolumeId.eq(volume));
    let sound = Condition::any()
        .add(Column::Status.ne(ItemStatus::Failed))
        .add(Column::InDoubt.eq(true));
    snapshot::Entity::update_many()
        .col_expr(Column::Status, Expr::value(ItemStatus::Failed))
        .col_expr(Column::Failure, Expr::value(failure))
        .col_expr(Column::InDoubt, Expr::value(false))
        .filter(of_volume.clone())
        .filter(sound)
        .filter(Column::DeletedAt.is_null())
        .exec(tx.db())
        .await?;
    bill_snapshots(tx, of_volume, Change::Ends).await?;
    tx.wake(Topic::Volume(volume));
    Ok(())
}

/// A restore has ended of which nobody can tell whether it has replaced its volume's image, if `operation` is one: no agent
/// holds it any more, and it may have written. Its volume's agent is asked.
pub async fn in_doubt(tx: &mut Transaction<'_>, operation: &operation::Model) -> Result<()> {
    let may_be_replaced = operation.kind == OperationKind::RestoreInPlace
        && operation.replace_image
        && operation.volume_touched
        && matches!(
            operation.status,
            OperationStatus::Failed | OperationStatus::Cancelled
        )
        && operation.lease_expires_at.is_none();
    if !may_be_replaced {
        return Ok(());
    }
    // Volumes before items: every transaction locks in this order.
    measure::ask(tx, operation.volume_id).await?;
    let of_volume = Condition::all().add(Column::VolumeId.eq(operation.volume_id));
    doubt(tx, of_volume).await?;
    tx.wake(Topic::Volume(operation.volume_id));
    Ok(())
}

/// Those of `snapshots` that were sound may be gone.
pub async fn doubt(tx: &mut Transaction<'_>, snapshots: Condition) -> Result<()> {
    let failure = format!(
        "On {} a restore was lost that could replace the volume's image, in which the snapshot lay. The hypervisor's \
         agent is asked whether it is still there.",
        tx.now().format("%Y-%m-%d")
    );
    snapshot::Entity::update_many()
        .col_expr(Column::Status, Expr::value(ItemStatus::Failed))
        .col_expr(Column::Failure, Expr::value(failure))
        .col_expr(Column::InDoubt, Expr::value(true))
        .filter(snapshots.clone())
        .filter(Column::Status.ne(ItemStatus::Failed))
        .filter(Column::DeletedAt.is_null())
        .exec(tx.db())
        .await?;
    bill_snapshots(tx, snapshots, Change::Ends).await
}

/// Keeps what these snapshots of the volume `id` keep, which are there.
pub async fn keep_retained(
    tx: &mut Transaction<'_>,
    id: VolumeId,
    retained: Vec<(SnapshotId, i64)>,
) -> Result<()> {
    found(tx, id, retained.iter().map(|(snapshot, _)| *snapshot)).await?;
    if !retained.is_empty() {
        tx.measured(id);
    }
    for (snapshot_id, bytes) in retained {
        let changed = snapshot::Entity::update_many()
            .col_expr(Column::RetainedBytes, Expr::value(bytes))
            .filter(Column::Id.eq(snapshot_id))
            .filter(Column::VolumeId.eq(id))
            .filter(Column::RetainedBytes.ne(bytes))
            .exec(tx.db())
            .await?;
        if changed.rows_affected > 0 {
            tx.bill(snapshot_id, Change::Differs);
        }
    }
    Ok(())
}

/// An agent has found `present` in the image of a volume: those of them that were in doubt are sound.
async fn found(
    tx: &mut Transaction<'_>,
    volume: VolumeId,
    present: impl IntoIterator<Item = SnapshotId>,
) -> Result<()> {
    let present: Vec<SnapshotId> = present.into_iter().collect();
    if present.is_empty() {
        return Ok(());
    }
    let found = snapshot::Entity::update_many()
        .col_expr(Column::Status, Expr::value(ItemStatus::Available))
        .col_expr(Column::Failure, Expr::null())
        .col_expr(Column::InDoubt, Expr::value(false))
        .filter(Column::Id.is_in(present.iter().copied()))
        .filter(doubted(volume))
        .exec(tx.db())
        .await?;
    if found.rows_affected > 0 {
        for snapshot in present {
            tx.bill(snapshot, Change::Begins);
        }
    }
    Ok(())
}

/// An agent has found all that there is in the image of a volume: what is in doubt yet is gone.
pub async fn found_all(tx: &Transaction<'_>, volume: VolumeId) -> Result<()> {
    let failure = "The snapshot lay in an image that was replaced.";
    snapshot::Entity::update_many()
        .col_expr(Column::Failure, Expr::value(failure))
        .col_expr(Column::InDoubt, Expr::value(false))
        .filter(doubted(volume))
        .exec(tx.db())
        .await?;
    Ok(())
}

fn doubted(volume: VolumeId) -> Condition {
    Condition::all()
        .add(Column::VolumeId.eq(volume))
        .add(Column::InDoubt.eq(true))
        .add(Column::Status.eq(ItemStatus::Failed))
        .add(Column::DeletedAt.is_null())
}
