//! What can be watched: each stream sends the state now, then every change.

mod agent;
mod hypervisor;
pub mod joint;
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

/// Those that are carried out once for all who ask the same with the same rights: each state that they tell is whole, so that
/// who joins needs nothing that was told before. Timelines go on from a place of their reader's own, and a list of what
/// changed begins with all that there is.
const SHARED: [&str; 3] = ["operationProgress", "volumeActivity", "cooldown"];

/// Whether the subscription `field` is carried out once for all who ask the same.
pub fn is_shared(field: &str) -> bool {
    SHARED.contains(&field)
}
