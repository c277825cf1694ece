//! Reading operations.

use async_graphql::{Context, ID, Object};
use entity::{
    OperationId,
    operation::{Column, Entity},
};
use sea_orm::QueryFilter;

use crate::{
    domain::attention,
    graphql::{
        at_once::AtOnce,
        connection::Connection,
        context::{admin, app, loaders, now, requester, scope},
        error::Result,
        id,
        page::{PageArguments, Sort},
        types::{Operation, operation::OperationFilter},
        visible,
    },
};

/// Reading operations.
#[derive(Debug, Default)]
pub struct OperationQuery;

#[Object]
impl OperationQuery {
    /// The operation with this id; null when there is none that the caller may see.
    #[graphql(visible = "visible::to_users")]
    async fn operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Operation>> {
        scope(ctx)?;
        let Some(id) = id::lookup::<OperationId>(&id) else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Operation))
    }

    /// The operations that the caller may see, the newest first.
    #[graphql(visible = "visible::to_users")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all of them unless said otherwise.")] filter: Option<
            OperationFilter,
        >,
        #[graphql(
            desc = "Only those that stand still (`Attention.stuckOperations`), or only others. For administrators.",
            visible = "visible::to_admins"
        )]
        stuck: Option<bool>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Operation>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let rows = Entity::visible_to(scope(ctx)?);
        let filter = filter.unwrap_or_default();
        let mut rows = filter.find(app(ctx)?, requester(ctx), rows).await?;
        if let Some(stuck) = stuck {
            admin(ctx)?;
            let stands_still = attention::is_stuck(now(ctx).await?);
            rows = rows.filter(if stuck {
                stands_still
            } else {
                stands_still.not()
            });
        }
        Connection::of(ctx, rows, Sort::descending(Column::Id), page).await
    }
}
