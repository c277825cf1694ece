//! Waking agents.

use async_graphql::{Context, Subscription};
use async_stream::try_stream;
use entity::{operation, operation::OperationStatus};
use futures_util::Stream;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tokio::time::sleep;

use super::{
    joint::Reader,
    live::{Alarm, RETRY},
};
use crate::{
    app::App,
    domain::{self, Requester, token},
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
        let reader = Reader::alone(requester.clone());
        let mut alarm = Alarm::new(&app, &reader, &[Topic::Work(hypervisor)]);
        Ok(try_stream! {
            loop {
                let waiting = waiting(&app, &requester).await.map_err(Failure::from);
                if let Err(failure) = &waiting && failure.passes() {
                    tracing::debug!(%failure, "an agent's stream cannot read its state now");
                    sleep(RETRY).await;
                    continue;
                }
                let waiting = waiting?;
                yield AgentWork { claimable: i32::try_from(waiting).unwrap_or(i32::MAX) };
                alarm.wait(None).await;
            }
        })
    }
}

/// How many operations wait for an agent that is still known.
async fn waiting(app: &App, requester: &Requester) -> domain::Result<u64> {
    let hypervisor = requester.agent()?.id;
    token::reauthenticate(app, requester).await?;
    let waiting = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(hypervisor))
        .filter(operation::Column::Status.eq(OperationStatus::Pending))
        .count(app.database.reads())
        .await?;
    Ok(waiting)
}
