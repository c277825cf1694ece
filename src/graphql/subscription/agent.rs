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
    domain::{self, Requester, Standing},
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
        let mut tokens = app.hub.watch(Topic::Agent(hypervisor));
        Ok(try_stream! {
            let mut standing: Option<Standing> = None;
            loop {
                if tokens.has_changed() {
                    tokens.changed().await;
                    standing = None;
                }
                let waiting = waiting(&app, &requester, &mut standing).await.map_err(Failure::from);
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
async fn waiting(
    app: &App,
    requester: &Requester,
    standing: &mut Option<Standing>,
) -> domain::Result<u64> {
    let age = app.settings.stream_refresh;
    if standing.as_ref().is_none_or(|known| !known.holds(age)) {
        *standing = Some(Standing::of(app, requester).await?);
    }
    let waiting = operation::Entity::find()
        .filter(operation::Column::HypervisorId.eq(requester.agent()?.id))
        .filter(operation::Column::Status.eq(OperationStatus::Pending))
        .count(app.database.reads())
        .await?;
    Ok(waiting)
}
