//! Connections: pages of lists in Relay's shape, for every noun that is listed.

use std::{borrow::Cow, fmt, sync::Arc};

use async_graphql::{Context, Object, TypeName, connection::PageInfo};
use entity::row::{Columns, Row};
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, Select};
use tokio::sync::OnceCell;

use super::{
    at_once::{AllAtOnce, AtOnce},
    context::{app, loaders},
    error::Result,
    loader::{CountUnder, PageUnder, Under},
    page::{PageArguments, Rows, Sort},
    plain::{Plain, asked},
};
use crate::domain::{count, readable};

/// A noun that is listed in pages.
pub trait Listed: Plain + Clone + From<Arc<<Self::Entity as EntityTrait>::Model>> {
    /// Its table.
    type Entity: EntityTrait<Model: Row + Send + Sync>;

    /// Its row.
    fn row(&self) -> &<Self::Entity as EntityTrait>::Model;
}

/// A page of a list, and how to go on from it.
pub struct Connection<N: Listed> {
    nodes: AllAtOnce<N>,
    sort: Sort<N::Entity>,
    has_previous: bool,
    has_next: bool,
    total: Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>,
}

/// A row of a list, and its place there.
pub struct Edge<N: Listed> {
    node: AtOnce<N>,
    sort: Sort<N::Entity>,
}

impl<N> Connection<N>
where
    N: Listed,
    <N::Entity as EntityTrait>::Model: 'static,
{
    /// The page of `query` that `arguments` ask for, and of its rows what is asked for where `ctx` is.
    pub async fn of(
        ctx: &Context<'_>,
        query: Select<N::Entity>,
        sort: Sort<N::Entity>,
        arguments: PageArguments,
    ) -> Result<AtOnce<Self>> {
        let app = app(ctx)?;
        let page = arguments.page(sort)?;
        let select = page.of(query.clone(), sort);
        let read = readable::rows_in_part(app, select, Self::columns(ctx, sort)).await?;
        let rows = page.rows(read.into_iter().map(|row| row.map(Arc::new)).collect());
        let database = app.database.clone();
        let counted = Arc::new(OnceCell::new());
        let total = move || -> BoxFuture<'static, Result<u64>> {
            let (query, database, counted) = (query.clone(), database.clone(), counted.clone());
            Box::pin(async move {
                // Aliases of one count share it.
                let count = counted
                    .get_or_try_init(|| count::about(database.reads(), query))
                    .await?;
                Ok(*count)
            })
        };
        Ok(Self::new(&rows, sort, Box::new(total)))
    }

    /// The page of the rows under `parent` that `arguments` ask for, read together with the same
    /// pages of its siblings.
    pub async fn under<U>(
        ctx: &Context<'_>,
        parent: U::Parent,
        arguments: PageArguments,
    ) -> Result<AtOnce<Self>>
    where
        U: Under<Entity = N::Entity>,
    {
        let sort = U::sort();
        let page = arguments.page(sort)?;
        let loaders = loaders(ctx)?.clone();
        let page = PageUnder::<U>::new(parent, page, Self::columns(ctx, sort));
        let rows = loaders.find(page).await?;
        let total = move || -> BoxFuture<'static, Result<u64>> {
            let (loaders, parent) = (loaders.clone(), parent);
            Box::pin(async move { loaders.find(CountUnder::<U>::new(parent)).await })
        };
        Ok(Self::new(&rows, sort, Box::new(total)))
    }

    fn new(
        rows: &Rows<<N::Entity as EntityTrait>::Model>,
        sort: Sort<N::Entity>,
        total: Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>,
    ) -> AtOnce<Self> {
        AtOnce(Self {
            nodes: AllAtOnce(rows.rows.iter().cloned().map(N::from).collect()),
            sort,
            has_previous: rows.has_previous,
            has_next: rows.has_next,
            total,
        })
    }

    /// The columns of the rows that are to be read: what is asked for, and what cursors are made of.
    fn columns(ctx: &Context<'_>, sort: Sort<N::Entity>) -> Columns {
        if <N::Entity as EntityTrait>::Model::IN_PART {
            asked::<N>(ctx).and(sort.places())
        } else {
            Columns::ALL
        }
    }
}

/// A page of a list, and how to go on from it.
#[Object(name_type)]
impl<N: Listed> Connection<N> {
    /// The rows of the page, each with its cursor.
    async fn edges(&self) -> Vec<Edge<N>> {
        let edge = |node: &N| Edge {
            node: AtOnce(node.clone()),
            sort: self.sort,
        };
        self.nodes.0.iter().map(edge).collect()
    }

    /// The rows of the page.
    async fn nodes(&self) -> &AllAtOnce<N> {
        &self.nodes
    }

    /// How to go on from this page.
    async fn page_info(&self) -> PageInfo {
        let cursor = |node: &N| self.sort.encode(node.row());
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.nodes.0.first().map(cursor),
            end_cursor: self.nodes.0.last().map(cursor),
        }
    }

    /// How many rows the whole list has; above 10,000 an estimate. They are counted only when it is asked for.
    async fn total_count(&self) -> Result<i32> {
        let total = (self.total)().await?;
        Ok(i32::try_from(total).unwrap_or(i32::MAX))
    }
}

/// A row of a list, and its place there.
#[Object(name_type)]
impl<N: Listed> Edge<N> {
    /// Its place in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.sort.encode(self.node.0.row())
    }

    /// The row.
    async fn node(&self) -> &AtOnce<N> {
        &self.node
    }
}

impl<N: Listed> Plain for Connection<N> {}

impl<N: Listed> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

impl<N: Listed> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

impl<N: Listed> fmt::Debug for Connection<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("type", &<Self as TypeName>::type_name())
            .field("rows", &self.nodes.0.len())
            .finish_non_exhaustive()
    }
}

impl<N: Listed> fmt::Debug for Edge<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}
