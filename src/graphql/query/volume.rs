//! Reading volumes.

use async_graphql::{Context, ID, Object};
use entity::{VolumeId, volume::Entity};

use crate::graphql::{
    at_once::AtOnce,
    connection::Connection,
    context::{loaders, scope},
    error::Result,
    id,
    page::PageArguments,
    types::{
        Volume,
        volume_filter::{VolumeFilter, VolumeOrder, sort},
    },
    visible,
};

/// Reading volumes.
#[derive(Debug, Default)]
pub struct VolumeQuery;

#[Object]
impl VolumeQuery {
    /// The volume with this id; null when there is none that the caller may see.
    #[graphql(visible = "visible::to_users")]
    async fn volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Volume>> {
        scope(ctx)?;
        let Some(id) = id::lookup::<VolumeId>(&id) else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Volume))
    }

    /// The volumes that the caller may see.
    #[graphql(visible = "visible::to_users")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn volumes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all of them unless said otherwise.")] filter: Option<VolumeFilter>,
        #[graphql(desc = "In which order; the newest first unless said otherwise.")]
        order_by: Option<VolumeOrder>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Volume>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let rows = Entity::visible_to(scope(ctx)?);
        let rows = filter.unwrap_or_default().narrow(rows);
        Connection::of(ctx, rows, sort(order_by), page).await
    }
}
