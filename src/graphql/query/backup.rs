//! Reading backups.

use async_graphql::{Context, ID, Object};
use entity::{
    BackupId,
    backup::{Column, Entity},
};

use crate::graphql::{
    at_once::AtOnce,
    connection::Connection,
    context::{loaders, scope},
    error::Result,
    id,
    page::{PageArguments, Sort},
    types::{Backup, backup::BackupFilter},
    visible,
};

/// Reading backups.
#[derive(Debug, Default)]
pub struct BackupQuery;

#[Object]
impl BackupQuery {
    /// The backup with this id; null when there is none that the caller may see.
    #[graphql(visible = "visible::to_users")]
    async fn backup(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Backup>> {
        scope(ctx)?;
        let Some(id) = id::lookup::<BackupId>(&id) else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Backup))
    }

    /// The backups that the caller may see, the newest first.
    #[graphql(visible = "visible::to_users")]
    async fn backups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all of them unless said otherwise.")] filter: Option<BackupFilter>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<Backup>>> {
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
