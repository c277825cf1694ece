//! Watching one operation.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use entity::{OperationId, Scope, operation};
use futures_util::{Stream, StreamExt};
use sea_orm::{ColumnTrait, QueryFilter};

use super::{
    joint::Reader,
    live::{Reading, State, live},
};
use crate::{
    app::App,
    domain::{Error, Requester, operation::state::is_ended},
    events::{Shared, Topic},
    graphql::{
        context::app,
        error::{Failure, Result},
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
        let (app, reader) = (app(ctx)?.clone(), Reader::of(ctx)?);
        let id: OperationId = id::find(&operation_id, "operation")?;
        let shared = app.hub.share(Topic::Operation(id));
        // One that is not there is an error at once, not the first event of a stream.
        find(&app, &shared, reader.requester(), id).await?;
        let read = {
            let app = app.clone();
            move |requester: Requester| {
                let (app, shared) = (app.clone(), Arc::clone(&shared));
                async move {
                    let operation = find(&app, &shared, &requester, id).await?;
                    let is_last =
                        is_ended(operation.status) && operation.lease_expires_at.is_none();
                    let state = Watched(operation);
                    Ok(Reading {
                        state,
                        is_last,
                        changes_in: None,
                    })
                }
            }
        };
        let states = live(app, reader, &[Topic::Operation(id)], read);
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

/// The operation as it is now. It is read once for all who watch it; each sees it by rights of their own.
async fn find(
    app: &App,
    shared: &Shared<Arc<operation::Model>>,
    requester: &Requester,
    id: OperationId,
) -> Result<Arc<operation::Model>> {
    let read = || async {
        let operation = operation::Entity::visible_to(Scope::Everything)
            .filter(operation::Column::Id.eq(id))
            .one(app.database.reads())
            .await?;
        let operation = operation.ok_or(Error::NotFound("operation"))?;
        Ok::<_, Failure>(Arc::new(operation))
    };
    let operation = shared.read(read).await?;
    if requester.scope()?.covers(operation.account_id) {
        Ok(operation)
    } else {
        Err(Error::NotFound("operation").into())
    }
}
