//! What an agent says of an operation that was ended from outside while it held it.
//!
//! How the operation ended stays as it is. But its volumes are free now that its agent has stopped, and what that has
//! seen of the storage is so: what it removed is gone, and a backup that it found corrupt is corrupt. Nobody else can
//! have begun anything there meanwhile, because the lease was still held. Once that is dead nothing is believed any
//! more: whoever deletes again is told then.

use entity::{
    operation, operation::OperationKind, operation_log::LogLevel, snapshot::ItemStatus, volume,
    volume::VolumeState,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};

use super::{
    effect::{self, Field, Item, change_failed, image},
    end::{MAX_MESSAGE_CHARS, changed, touched},
    entry::{self, Entry},
    outcome::Outcome,
};
use crate::domain::{
    ErrorCode, Result,
    billing::Change,
    text::printable,
    transaction::{ROW_LOCK, Transaction},
    volume::last_backup,
};

/// The agent of an operation that was ended from outside has stopped.
pub(super) async fn confirm_stopped(
    tx: &mut Transaction<'_>,
    operation: operation::Model,
    outcome: &Outcome,
) -> Result<()> {
    if operation.lease_expires_at.is_none() {
        return Ok(());
    }
    let wrote = match outcome {
        Outcome::Completed(_) => true,
        Outcome::Failed { volume_touched, .. } | Outcome::Stopped { volume_touched, .. } => {
            *volume_touched
        }
    };
    let revision = operation.revision + 1;
    let image = outcome.image(&operation);
    let mut operation = changed(touched(operation, wrote));
    operation.revision = Set(revision);
    operation.lease_expires_at = Set(None);
    let operation = operation.update(tx.db()).await?;
    // Volumes before items: every transaction locks in this order.
    volume::Entity::find_by_id(operation.volume_id)
        .select_only()
        .column(volume::Column::Id)
        .lock(ROW_LOCK)
        .into_tuple::<String>()
        .one(tx.db())
        .await?;
    if OperationKind::DELETING.contains(&operation.kind) {
        settle_deletion(tx, &operation, outcome).await?;
    }
    effect::stopped(tx, &operation).await?;
    image::settle(tx, &operation, image).await?;
    let Some(backup) = operation.backup_id else {
        return Ok(());
    };
    let is_read = matches!(
        operation.kind,
        OperationKind::RestoreInPlace | OperationKind::RestoreToNewVolume
    );
    match outcome {
        Outcome::Completed(_) if is_read => effect::verified(tx, backup, None).await?,
        Outcome::Failed {
            code: ErrorCode::BackupCorrupt,
            message,
            ..
        } if is_read => {
            let defect = printable(message, MAX_MESSAGE_CHARS);
            effect::verified(tx, backup, Some(defect)).await?;
        }
        _ => {}
    }
    last_backup::keep(tx, backup).await
}

/// What a deletion has removed after all.
async fn settle_deletion(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    outcome: &Outcome,
) -> Result<()> {
    let (remainder, message) = match outcome {
        Outcome::Completed(_) => (
            Remainder::Nothing,
            "The agent has told since that everything is removed.",
        ),
        refused if refused.is_refusal(operation) => (
            Remainder::All,
            "The agent has told since that nothing was removed.",
        ),
        Outcome::Failed { .. } | Outcome::Stopped { .. } => return Ok(()),
    };
    if !known_after_all(tx, operation, remainder).await? {
        return Ok(());
    }
    let entry = Entry {
        at: tx.now(),
        level: LogLevel::Info,
        message: message.to_owned(),
        public: true,
        number: None,
    };
    entry::append(tx.db(), operation.id, vec![entry]).await
}

/// What a deletion was about that was ended from outside, by what its agent has seen of it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remainder {
    /// All of it is removed.
    Nothing,
    /// Nothing of it was removed.
    All,
}

/// What a deletion has left comes out after it was ended from outside: what it was about is gone, or is what it was
/// before. False where something else was done with it since; then that has the last word.
async fn known_after_all(
    tx: &mut Transaction<'_>,
    operation: &operation::Model,
    remainder: Remainder,
) -> Result<bool> {
    if remainder == Remainder::All && operation.was_failed {
        return Ok(true);
    }
    if let Some(item) = Item::of(operation) {
        let changes = match remainder {
            Remainder::Nothing => vec![(Field::DeletedAt, Expr::value(tx.now()))],
            Remainder::All => vec![
                (Field::Status, Expr::value(ItemStatus::Available)),
                (Field::Failure, Expr::null()),
            ],
        };
        let is_changed = change_failed(tx, item, operation.id, &changes).await?;
        if is_changed {
            tx.bill(item, Change::Begins);
        }
        return Ok(is_changed);
    }
    let (column, value) = match remainder {
        Remainder::Nothing => (volume::Column::DeletedAt, Expr::value(tx.now())),
        Remainder::All => (volume::Column::State, Expr::value(VolumeState::Available)),
    };
    let changed = volume::Entity::update_many()
        .col_expr(column, value)
        .filter(volume::Column::Id.eq(operation.volume_id))
        .filter(volume::Column::ActiveOperationId.eq(operation.id))
        .filter(volume::Column::State.eq(VolumeState::Failed))
        .exec(tx.db())
        .await?;
    let changed = changed.rows_affected == 1;
    if changed && remainder == Remainder::Nothing {
        effect::gone_with_volume(tx, operation.volume_id).await?;
    }
    Ok(changed)
}
