//! Watching the timeline of all operations, from any place in it.

use async_graphql::{Context, Subscription};
use entity::{operation, operation::OperationStatus};
use futures_util::{Stream, StreamExt};
use sea_orm::EntityTrait;

use crate::{
    events::{
        feed::{self, Filter},
        numbering,
    },
    graphql::{
        context::{app, user},
        error::{Failure, Result},
        page::Cursor,
        types::{OperationEvent, OperationFilter},
        visible,
    },
};

/// Watching the timeline.
#[derive(Debug, Default)]
pub struct OperationEventSubscription;

#[Subscription]
impl OperationEventSubscription {
    /// Every transition that the viewer may see: a user's own, an administrator's all. `after`
    /// resumes where a stream broke off: what was missed first, in order, none lost or doubled,
    /// then live. Without it the stream begins now.
    #[graphql(visible = "visible::to_users")]
    async fn operation_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which. `status` is the one that the transition led to, not today's.")]
        filter: Option<OperationFilter>,
        #[graphql(desc = "The cursor of the last event that was received.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<OperationEvent>>> {
        let (app, requester) = (app(ctx)?.clone(), user(ctx)?.clone());
        let after = after.as_deref().map(Cursor::event).transpose()?;
        let filter = filter.map(|mut filter| {
            // Of the operation now; of the event it is told by its kind.
            let status = filter.status.take().map(OperationStatus::from);
            let operations = filter.narrow(&requester, operation::Entity::find())?;
            Ok::<_, Failure>(Filter {
                operations: Some(operations),
                status,
            })
        });
        let filter = filter.transpose()?;
        if after.is_none() {
            // What has happened before has its number then.
            numbering::settle(&app).await?;
        }
        let events = feed::follow(app, requester, filter.unwrap_or_default(), after).await?;
        Ok(events.map(|event| event.map(OperationEvent::from).map_err(Failure::from)))
    }
}
