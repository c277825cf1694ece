//! Reading snapshots.

use async_graphql::{Context, ID, Object};
use entity::{
    SnapshotId,
    snapshot::{Column, Entity},
};

use crate::graphql::{
    at_once::AtOnce,
    connection::Connection,
    context::{loaders, scope},
    error::Result,
    id,
    page::{PageArguments, Sort},
    types::{Snapshot, snapshot::SnapshotFilter},
    visible,
};

/// Reading snapshots.
#[derive(Debug, Default)]
pub struct SnapshotQuery;

#[Object]
impl SnapshotQuery {
    /// The snapshot with this id; null when there is none that the caller may see.
    #[graphql(visible = "visible::to_users")]
    async fn snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Snapshot>> {
        scope(ctx)?;
        let Some(id) = id::lookup::<SnapshotId>(&id) else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Snapshot))
    }

    /// The snapshots that the caller may see, the newest first.
    #[graphql(visible = "visible::to_users")]
    async fn snapshots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all of them unless said otherwise.")] filter: Option<
            SnapshotFilter,
        >,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Snapshot>>> {
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
