//! What the agent says, in the words of the contract.

use super::{
    Lease, LeaseState,
    query::{self, ByteCount, Id},
};
use crate::{
    driver::{Code, Removed, Retained},
    operation::{Completed, Image, Outcome},
    report::Level,
};

pub(super) fn lease_inputs(leases: &[Lease]) -> Vec<query::AgentLeaseInput> {
    let inputs = leases.iter().map(|lease| query::AgentLeaseInput {
        operation_id: Id(lease.operation_id),
        epoch: lease.epoch,
    });
    inputs.collect()
}

pub(super) fn lease(lease: query::AgentLease) -> (Lease, LeaseState) {
    let state = match lease.state {
        query::AgentLeaseState::Held => LeaseState::Held,
        query::AgentLeaseState::Cancel => LeaseState::Cancel,
        // Whatever a newer gateway says of it, this agent does not know that it may go on.
        query::AgentLeaseState::Lost | query::AgentLeaseState::Unknown => LeaseState::Lost,
    };
    (
        Lease {
            operation_id: lease.operation_id.0,
            epoch: lease.epoch,
        },
        state,
    )
}

pub(super) fn level(level: Level) -> query::LogLevel {
    match level {
        Level::Debug => query::LogLevel::Debug,
        Level::Info => query::LogLevel::Info,
        Level::Warn => query::LogLevel::Warn,
        Level::Error => query::LogLevel::Error,
    }
}

fn code(code: Code) -> query::ErrorCode {
    match code {
        Code::StorageFailed => query::ErrorCode::StorageFailed,
        Code::BackupStorageUnreachable => query::ErrorCode::BackupStorageUnreachable,
        Code::BackupStorageFull => query::ErrorCode::BackupStorageFull,
        Code::BackupCorrupt => query::ErrorCode::BackupCorrupt,
        Code::TargetTooSmall => query::ErrorCode::TargetTooSmall,
        Code::StorageTypeMismatch => query::ErrorCode::StorageTypeMismatch,
        Code::ItemNotAvailable => query::ErrorCode::ItemNotAvailable,
        Code::VolumeAttached => query::ErrorCode::VolumeAttachedToRunningInstance,
        Code::AgentOutdated => query::ErrorCode::AgentOutdated,
        Code::ImageDamaged => query::ErrorCode::ImageDamaged,
    }
}

pub(super) fn outcome_input(outcome: &Outcome) -> query::AgentOutcomeInput<'_> {
    match outcome {
        Outcome::Completed(completed) => {
            query::AgentOutcomeInput::Completed(completed_input(completed))
        }
        Outcome::Failed {
            failure,
            volume_touched,
            image,
        } => query::AgentOutcomeInput::Failed(query::AgentFailedInput {
            code: code(failure.code),
            message: &failure.message,
            volume_touched: *volume_touched,
            removed: failure.removed.map(removed),
            begun: (!failure.begun).then_some(false),
            image_replaced: *image == Image::Replaced,
            image_in_doubt: (*image == Image::Unknown).then_some(true),
        }),
        Outcome::Stopped { volume_touched } => {
            let volume_touched = *volume_touched;
            // What came to its end is not stopped any more.
            let image_replaced = false;
            query::AgentOutcomeInput::Stopped(query::AgentStoppedInput {
                volume_touched,
                image_replaced,
            })
        }
    }
}

/// The contract's word.
fn removed(removed: Removed) -> &'static str {
    match removed {
        Removed::Nothing => "NOTHING",
        Removed::Some => "SOME",
        Removed::Unknown => "UNKNOWN",
    }
}

fn completed_input(completed: &Completed) -> query::AgentCompletedInput<'_> {
    query::AgentCompletedInput {
        stored_bytes: completed.stored_bytes.map(ByteCount),
        checksum: completed.checksum.as_deref(),
        retained: completed.retained.as_deref().map(retained_input),
        image_replaced: completed.image_replaced,
    }
}

pub(super) fn retained_input(retained: &[Retained]) -> Vec<query::AgentRetainedInput> {
    let inputs = retained.iter().map(|retained| query::AgentRetainedInput {
        snapshot_id: Id(retained.snapshot_id),
        retained_bytes: ByteCount(retained.retained_bytes),
    });
    inputs.collect()
}
