//! Watching one operation.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use entity::{OperationId, operation};
use futures_util::{Stream, StreamExt};
use sea_orm::{ColumnTrait, QueryFilter};

use super::live::{Reading, State, live};
use crate::{
    app::App,
    domain::{Error, Requester, operation::state::is_ended},
    events::Topic,
    graphql::{
        context::{app, user},
        error::Result,
        id,
        types::Operation,
        visible,
    },
};

/// Watching operations.
#[derive(Debug, Default)]
pub struct OperationSubscription;

#[Subscription]
impl OperationSubscription {
    /// One operation, from its state now to its end. Progress comes at most 4 times a second. The
    /// stream completes after COMPLETED, FAILED or CANCELLED, once what it works on is no longer held
    /// (`Operation.heldUntil`).
    #[graphql(visible = "visible::to_users")]
    async fn operation_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The operation.")] operation_id: ID,
    ) -> Result<impl Stream<Item = Result<Operation>>> {
        let (app, requester) = (app(ctx)?.clone(), user(ctx)?.clone());
        let id: OperationId = id::find(&operation_id, "operation")?;
        // One that is not there is an error at once, not the first event of a stream.
        find(&app, &requester, id).await?;
        let read = {
            let app = app.clone();
            move |requester: Requester| {
                let app = app.clone();
                async move {
                    let operation = find(&app, &requester, id).await?;
                    let is_last =
                        is_ended(operation.status) && operation.lease_expires_at.is_none();
                    let state = Watched(Arc::new(operation));
                    Ok(Reading {
                        state,
                        is_last,
                        changes_in: None,
                    })
                }
            }
        };
        let states = live(app, requester, &[Topic::Operation(id)], read);
        Ok(states.map(|state| state.map(|Watched(operation)| Operation(operation))))
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Watched(Arc<operation::Model>);

impl State for Watched {
    fn is_progress_of(&self, sent: &Self) -> bool {
        self != sent && is_progress(&self.0, &sent.0)
    }

    fn operation(&mut self) -> Option<&mut Arc<operation::Model>> {
        Some(&mut self.0)
    }
}

/// Whether `now` differs from `before` by progress only.
pub(super) fn is_progress(now: &operation::Model, before: &operation::Model) -> bool {
    now.id == before.id && now.revision == before.revision && now.phase == before.phase
}

async fn find(app: &App, requester: &Requester, id: OperationId) -> Result<operation::Model> {
    let operation = operation::Entity::visible_to(requester.scope()?)
        .filter(operation::Column::Id.eq(id))
        .one(app.database.reads())
        .await?;
    Ok(operation.ok_or(Error::NotFound("operation"))?)
}
