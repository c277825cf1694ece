//! Waking agents.

use async_graphql::{Context, Subscription};
use async_stream::try_stream;
use entity::{operation, operation::OperationStatus};
use futures_util::Stream;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::live::Alarm;
use crate::{
    domain::token,
    events::Topic,
    graphql::{
        context::{app, requester},
        error::{Failure, Result},
        types::agent::AgentWork,
        visible,
    },
};

/// Waking agents.
#[derive(Debug, Default)]
pub struct AgentSubscription;

#[Subscription]
impl AgentSubscription {
    /// Fires at once and whenever there may be something to claim, cancel or stop: claim and renew
    /// then.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_work(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<AgentWork>>> {
        let (app, requester) = (app(ctx)?.clone(), requester(ctx).clone());
        let hypervisor = requester.agent()?.id;
        let mut alarm = Alarm::new(&app, &requester, &[Topic::Work(hypervisor)]);
        Ok(try_stream! {
            loop {
                token::reauthenticate(&app, &requester).await.map_err(Failure::from)?;
                let waiting = operation::Entity::find()
                    .filter(operation::Column::HypervisorId.eq(hypervisor))
                    .filter(operation::Column::Status.eq(OperationStatus::Pending))
                    .count(app.database.reads())
                    .await
                    .map_err(Failure::from)?;
                yield AgentWork { claimable: i32::try_from(waiting).unwrap_or(i32::MAX) };
                alarm.wait(None).await;
            }
        })
    }
}
