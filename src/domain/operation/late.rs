//! What an agent says of an operation that was ended from outside while it held it.
//!
//! How the operation ended stays as it is. But its volumes are free now that its agent has stopped, and what that has
//! seen of the storage is so: what it removed is gone, and a backup that it found corrupt is corrupt. Nobody else can
//! have begun anything there meanwhile, because the lease was still held. Once that is dead nothing is believed any
//! more: whoever deletes again is told then.

use entity::{operation, operation::OperationKind, operation_log::LogLevel};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

use super::{
    effect::{self, Remainder},
    finish::{MAX_MESSAGE_CHARS, Outcome, Removed, changed, touched},
    log,
    state::DELETING,
};
use crate::domain::{
    ErrorCode, Result, text::printable, transaction::Transaction, volume::last_backup,
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
    let replaced = outcome.has_replaced_image(&operation);
    let mut operation = changed(touched(operation, wrote));
    operation.revision = Set(revision);
    operation.lease_expires_at = Set(None);
    let operation = operation.update(tx.db()).await?;
    // Volumes before items: every transaction locks in this order.
    if let Some(backup) = operation.backup_id {
        last_backup::hold(tx, backup).await?;
    }
    if DELETING.contains(&operation.kind) {
        settle_deletion(tx, &operation, outcome).await?;
    }
    effect::stopped(tx, &operation).await?;
    if replaced {
        effect::image_replaced(tx, operation.volume_id).await?;
    }
    if let Some(backup) = operation.backup_id {
        if matches!(
            operation.kind,
            OperationKind::RestoreInPlace | OperationKind::RestoreToNewVolume
        ) && let Some(defect) = found_of_backup(outcome)
        {
            effect::verified(tx, backup, defect).await?;
        }
        last_backup::keep(tx, backup).await?;
    }
    Ok(())
}

/// What a deletion has removed after all.
async fn settle_deletion(
    tx: &Transaction<'_>,
    operation: &operation::Model,
    outcome: &Outcome,
) -> Result<()> {
    let (remainder, message) = match outcome {
        Outcome::Completed(_) => (
            Remainder::Nothing,
            "The agent has told since that everything is removed.",
        ),
        Outcome::Failed {
            removed: Removed::Nothing,
            ..
        } => (
            Remainder::All,
            "The agent has told since that nothing was removed.",
        ),
        Outcome::Failed { .. } | Outcome::Stopped { .. } => return Ok(()),
    };
    if !effect::known_after_all(tx, operation, remainder).await? {
        return Ok(());
    }
    let entry = log::Entry {
        at: tx.now(),
        level: LogLevel::Info,
        message: message.to_owned(),
        public: true,
        number: None,
    };
    log::append(tx.db(), operation.id, vec![entry]).await
}

/// What a restore has found of its backup: nothing wrong, or what is; none if it did not come so far.
fn found_of_backup(outcome: &Outcome) -> Option<Option<String>> {
    match outcome {
        Outcome::Completed(_) => Some(None),
        Outcome::Failed {
            code: ErrorCode::BackupCorrupt,
            message,
            ..
        } => Some(Some(printable(message, MAX_MESSAGE_CHARS))),
        Outcome::Failed { .. } | Outcome::Stopped { .. } => None,
    }
}
