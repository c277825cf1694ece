//! Leases: an agent's hold on an operation.

use entity::{OperationId, operation};

/// An agent's hold on an operation, as it reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The operation.
    pub operation: OperationId,
    /// The epoch of the claim.
    pub epoch: i32,
}

/// What has become of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// The agent's; go on.
    Held,
    /// The agent's; stop, clean up and say so.
    Cancel,
    /// No longer the agent's; stop writing and say so.
    Lost,
}

/// Whether an agent may be writing for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// As long as its lease lasts: until then its volumes are not freed.
    MayWrite,
    /// It said that it has stopped.
    HasStopped,
}

/// What the holder of a started operation's lease should do.
pub(super) fn state(operation: &operation::Model) -> LeaseState {
    if operation.cancel_requested_at.is_some() {
        LeaseState::Cancel
    } else {
        LeaseState::Held
    }
}
