//! Reading accounts.

use async_graphql::{Context, Object};
use entity::account::{Column, Entity};

use crate::graphql::{
    at_once::AtOnce,
    connection::Connection,
    context::{requester, scope},
    error::Result,
    page::{PageArguments, Sort},
    types::Account,
    visible,
};

/// Reading accounts.
#[derive(Debug, Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// All accounts, the newest first. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Account>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        requester(ctx).admin()?;
        let rows = Entity::visible_to(scope(ctx)?);
        Connection::of(ctx, rows, Sort::descending(Column::Id), page).await
    }
}
