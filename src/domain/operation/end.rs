//! How operations end or go back to wait, with all that follows for their items and volumes.

use std::sync::Arc;

use entity::{
    operation,
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::{
    effect::{self, image},
    state::{Transition, advance},
};
use crate::domain::{ErrorCode, Result, transaction::Transaction};

/// The most characters of the reason of a failure; what is longer is cut.
pub(super) const MAX_MESSAGE_CHARS: usize = 1000;

/// The operation, whose volume is no longer what it was if its agent says so.
pub(super) fn touched(mut operation: operation::Model, volume_touched: bool) -> operation::Model {
    operation.volume_touched |= volume_touched && operation.kind == OperationKind::RestoreInPlace;
    operation
}

/// The operation as a row to write: nothing of it but what its lease came to. What it refers to is
/// not written again, as it may be gone.
pub(super) fn changed(operation: operation::Model) -> operation::ActiveModel {
    let (touched, offers) = (operation.volume_touched, operation.offers);
    let attempts = operation.attempts;
    let mut row = operation.into_active_model();
    row.volume_touched = Set(touched);
    row.offers = Set(offers);
    row.attempts = Set(attempts);
    row
}

/// How an operation ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Completed,
    Failed {
        code: ErrorCode,
        message: String,
        /// Until when an agent may still be writing.
        lease: Option<chrono::DateTime<chrono::Utc>>,
    },
    Cancelled,
}

impl Ending {
    /// A failure. A deletion that an agent may have begun is said to be asked for again: that completes whatever is
    /// gone.
    pub(super) fn failed(
        operation: &operation::Model,
        code: ErrorCode,
        mut message: String,
        lease: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Self {
        if OperationKind::DELETING.contains(&operation.kind) && operation.epoch > 0 {
            let in_damaged_image =
                operation.kind == OperationKind::DeleteSnapshot && code == ErrorCode::ImageDamaged;
            let way_out = if in_damaged_image {
                "It goes with its volume: delete that, or restore a backup with replaceImage."
            } else {
                "Some of it may be gone: delete it again."
            };
            message = followed(&message, way_out);
        }
        Self::Failed {
            code,
            message,
            lease,
        }
    }

    /// A deletion that removed nothing.
    pub(super) fn refused(why: &str) -> Self {
        Self::Failed {
            code: ErrorCode::DeleteRefused,
            message: followed(why, "Nothing was deleted."),
            lease: None,
        }
    }
}

/// A sentence behind what somebody else has worded.
fn followed(words: &str, sentence: &str) -> String {
    let words = words.trim_end();
    let stop = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{words}{stop} {sentence}")
}

/// Ends an operation without its agent's word, with all that follows for its item and its volumes.
pub(super) async fn end(
    tx: &mut Transaction<'_>,
    operation: operation::Model,
    ending: Ending,
    actor: &str,
) -> Result<operation::Model> {
    let operation = end_as_told(tx, operation, ending, actor).await?;
    image::in_doubt(tx, &operation).await?;
    Ok(operation)
}

/// The same by its agent's word, which also says what has become of the volume's image.
pub(super) async fn end_as_told(
    tx: &mut Transaction<'_>,
    operation: operation::Model,
    ending: Ending,
    actor: &str,
) -> Result<operation::Model> {
    let transition = match ending {
        Ending::Completed => Transition::Complete,
        Ending::Failed { .. } => Transition::Fail,
        Ending::Cancelled => Transition::Cancel,
    };
    let status = advance(operation.status, transition)?;
    settle(tx, operation, status, ending, actor).await
}

/// Completes an operation for which no agent is needed.
pub(super) async fn complete_at_once(
    tx: &mut Transaction<'_>,
    mut operation: operation::Model,
) -> Result<operation::Model> {
    operation.status = advance(operation.status, Transition::Claim)?;
    end(tx, operation, Ending::Completed, "tidemark").await
}

/// The same for a row whose status somebody has already set by hand.
pub(super) async fn settle(
    tx: &mut Transaction<'_>,
    operation: operation::Model,
    status: OperationStatus,
    ending: Ending,
    actor: &str,
) -> Result<operation::Model> {
    // What was reported since the row was last written counts, too: nothing goes back.
    let mut latest = Arc::new(operation);
    tx.app().hub.bring_up_to_date(&mut latest);
    let operation = Arc::unwrap_or_clone(latest);
    let (done, whole) = (operation.bytes_done, operation.bytes_total);
    let revision = operation.revision + 1;
    let mut ended = changed(operation);
    ended.bytes_done = Set(done);
    ended.bytes_total = Set(whole);
    ended.status = Set(status);
    ended.revision = Set(revision);
    ended.finished_at = Set(Some(tx.now()));
    ended.bytes_per_second = Set(None);
    ended.lease_expires_at = Set(None);
    let (kind, phase) = match ending {
        Ending::Completed => {
            ended.bytes_done = Set(whole);
            (OperationEventKind::Completed, "Completed")
        }
        Ending::Cancelled => (OperationEventKind::Cancelled, "Cancelled"),
        Ending::Failed {
            code,
            message,
            lease,
        } => {
            ended.lease_expires_at = Set(lease);
            ended.error_code = Set(Some(code.as_str().to_owned()));
            ended.error_message = Set(Some(message));
            (OperationEventKind::Failed, "Failed")
        }
    };
    ended.phase = Set(phase.to_owned());
    let ended = ended.update(tx.db()).await?;
    effect::ended(tx, &ended).await?;
    tx.record(&ended, kind, actor, ended.error_message.clone());
    Ok(ended)
}

/// Sends a started operation back to wait for its next attempt.
pub(super) async fn requeue(
    tx: &mut Transaction<'_>,
    operation: operation::Model,
    actor: &str,
    why: &str,
) -> Result<operation::Model> {
    let status = advance(operation.status, Transition::Requeue)?;
    let revision = operation.revision + 1;
    let mut waiting = changed(operation);
    waiting.status = Set(status);
    waiting.revision = Set(revision);
    waiting.lease_expires_at = Set(None);
    waiting.phase = Set("Waiting for the agent".to_owned());
    waiting.bytes_done = Set(0);
    waiting.bytes_per_second = Set(None);
    waiting.progressed_at = Set(None);
    let operation = waiting.update(tx.db()).await?;
    effect::requeued(tx, &operation).await?;
    tx.record(
        &operation,
        OperationEventKind::Requeued,
        actor,
        Some(why.to_owned()),
    );
    tx.wake_agent(operation.hypervisor_id);
    Ok(operation)
}
