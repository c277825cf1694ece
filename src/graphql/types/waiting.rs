//! What an operation waits for, as long as no agent has taken it.

use async_graphql::{Context, Enum, SimpleObject};
use entity::operation::OperationStatus;

use super::hypervisor::HypervisorStatus;
use crate::{
    domain::operation::place::Waiting,
    graphql::{
        context::{app, loaders, now},
        error::Result,
        loader::PlaceOf,
        scalar::DateTime,
    },
};

/// What an operation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OperationWaitingReason {
    /// Its agent is not there.
    AgentOffline,
    /// Its agent works on something else.
    AgentBusy,
    /// Nothing: its agent takes it next.
    Next,
}

/// What an operation waits for, and since when.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct OperationWaiting {
    /// What it waits for.
    pub reason: OperationWaitingReason,
    /// Since when: of an agent that is not there, when it was last heard of; else when the operation was accepted.
    pub since: DateTime,
    /// Its place among what this agent takes next, which takes from the accounts in turn; 1 is the next.
    pub position: Option<i32>,
}

impl OperationWaiting {
    /// What `operation` waits for; none once an agent has taken it, or it has ended.
    pub async fn of(
        ctx: &Context<'_>,
        operation: &entity::operation::Model,
    ) -> Result<Option<Self>> {
        if operation.status != OperationStatus::Pending {
            return Ok(None);
        }
        let (loaders, now) = (loaders(ctx)?, now(ctx).await?);
        let place = loaders.lookup(PlaceOf(Waiting {
            operation: operation.id,
            hypervisor: operation.hypervisor_id,
            account: operation.account_id,
        }));
        let place = place.await?;
        let hypervisor = loaders.find(operation.hypervisor_id).await?;
        let is_online =
            HypervisorStatus::of(&hypervisor, &app(ctx)?.settings, now) == HypervisorStatus::Online;
        let accepted = operation.created_at;
        let (reason, since) = match place {
            _ if !is_online => {
                let since = hypervisor.last_seen_at.unwrap_or(accepted);
                (OperationWaitingReason::AgentOffline, since)
            }
            Some(place) if place.is_busy || place.position > 1 => {
                (OperationWaitingReason::AgentBusy, accepted)
            }
            _ => (OperationWaitingReason::Next, accepted),
        };
        let position = place.map(|place| i32::try_from(place.position).unwrap_or(i32::MAX));
        Ok(Some(Self {
            reason,
            since: since.into(),
            position,
        }))
    }
}
