//! Reading who is signed in.

use async_graphql::{Context, Object};

use crate::graphql::{context::requester, error::Result, types::Viewer, visible};

/// Reading who is signed in.
#[derive(Debug, Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The signed-in caller.
    #[graphql(visible = "visible::to_users")]
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Viewer::of(requester(ctx))
    }
}
