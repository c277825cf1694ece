//! Reading instances.

use async_graphql::{Context, Object};
use entity::instance::{Column, Entity};

use crate::graphql::{
    at_once::AtOnce,
    connection::Connection,
    context::scope,
    error::Result,
    page::{PageArguments, Sort},
    types::{Instance, InstanceFilter},
    visible,
};

/// Reading instances.
#[derive(Debug, Default)]
pub struct InstanceQuery;

#[Object]
impl InstanceQuery {
    /// The instances that the caller may see, the newest first.
    #[graphql(visible = "visible::to_users")]
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all of them unless said otherwise.")] filter: Option<
            InstanceFilter,
        >,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Instance>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let rows = Entity::visible_to(scope(ctx)?);
        let rows = filter.unwrap_or_default().narrow(rows);
        Connection::of(ctx, rows, Sort::descending(Column::Id), page).await
    }
}
