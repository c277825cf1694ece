//! What can be watched: each stream sends the state now, then every change.

mod agent;
mod hypervisor;
mod live;
mod operation;
mod operation_event;
mod volume;

use async_graphql::MergedSubscription;

/// What can be watched.
#[derive(Debug, Default, MergedSubscription)]
pub struct Subscription(
    operation::OperationSubscription,
    operation_event::OperationEventSubscription,
    volume::VolumeSubscription,
    hypervisor::HypervisorSubscription,
    agent::AgentSubscription,
);
