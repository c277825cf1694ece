//! Pages of rows under their parents: one statement reads the same page of many parents.

use std::{
    collections::HashMap, fmt::Display, future::ready, hash::Hash, marker::PhantomData, sync::Arc,
};

use async_graphql::dataloader::Loader;
use entity::{
    OperationId, VolumeId,
    row::{Cell, Cells, Columns, Row},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityName, EntityTrait, Iterable, Order, QueryFilter,
    QuerySelect, QueryTrait, Select, TryGetable,
    sea_query::{
        Asterisk, Expr, ExprTrait, Func, FunctionCall, JoinType, Query, SelectStatement, UnionType,
        WindowStatement,
    },
};

use super::Reader;
use crate::{
    domain::readable,
    events::numbering,
    graphql::{
        error::{Failure, Result},
        page::{Page, Rows, Sort},
    },
};

/// An edge from a parent to the list of rows under it.
pub trait Under: Clone + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// The rows' table.
    type Entity: EntityTrait<Model: Row + Send + Sync + 'static, Column: Send + Sync>;
    /// The parent's id.
    type Parent: Copy + Eq + Hash + Display + Cell + TryGetable + Send + Sync + 'static;

    /// The rows that the requester may see.
    fn select(reader: &Reader) -> Result<Select<Self::Entity>>;

    /// The columns that name a parent. A row is under each parent that it names.
    fn parents() -> &'static [<Self::Entity as EntityTrait>::Column];

    /// The order of the rows.
    fn sort() -> Sort<Self::Entity>;

    /// How many bytes the long texts of a row have.
    fn texts(row: &<Self::Entity as EntityTrait>::Model) -> usize;

    /// What has to be done before the rows are read. Nothing, of most.
    fn before(
        _reader: &Reader,
        _parents: impl Iterator<Item = Self::Parent> + Send,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// One page of the rows under a parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageUnder<U: Under> {
    parent: U::Parent,
    page: Page,
    columns: Columns,
}

/// How many rows a parent has under it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountUnder<U: Under> {
    parent: U::Parent,
    edge: PhantomData<U>,
}

impl<U: Under> PageUnder<U> {
    /// The page `page` under `parent`, with these columns of its rows.
    pub fn new(parent: U::Parent, page: Page, columns: Columns) -> Self {
        Self {
            parent,
            page,
            columns,
        }
    }
}

impl<U: Under> CountUnder<U> {
    /// The count under `parent`.
    pub fn new(parent: U::Parent) -> Self {
        Self {
            parent,
            edge: PhantomData,
        }
    }
}

const PARENT: &str = "parent_id";
const PARENTS: &str = "parents";
const PLACE: &str = "place";
const UNDER: &str = "under";

impl<U: Under> Loader<PageUnder<U>> for Reader {
    type Value = Arc<Rows<<U::Entity as EntityTrait>::Model>>;
    type Error = Failure;

    async fn load(&self, keys: &[PageUnder<U>]) -> Result<HashMap<PageUnder<U>, Self::Value>> {
        U::before(self, keys.iter().map(|key| key.parent)).await?;
        let mut pages: HashMap<(&Page, Columns), Vec<U::Parent>> = HashMap::new();
        for key in keys {
            let page = pages.entry((&key.page, key.columns)).or_default();
            page.push(key.parent);
        }
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((page, columns), parents) in pages {
            let select = page.between_cursors(U::select(self)?, U::sort());
            let select = readable::in_part(select, columns);
            let statement = Parents::of(self, &parents).page::<U>(&select, page);
            let mut under: HashMap<U::Parent, Vec<_>> = HashMap::with_capacity(parents.len());
            let behind = <U::Entity as EntityTrait>::Column::iter().enumerate();
            let behind = behind.filter(|(place, _)| columns.have(*place)).count();
            for row in self.db().query_all(&statement).await? {
                let parent = Cells::of(&row, columns)?.cell(behind)?;
                let row = readable::row_of::<U::Entity>(&self.app, &row, columns);
                self.count(row.as_ref().map_or(0, U::texts));
                under.entry(parent).or_default().push(row.map(Arc::new));
            }
            for parent in parents {
                let rows = page.rows(under.remove(&parent).unwrap_or_default());
                let key = PageUnder::new(parent, page.clone(), columns);
                loaded.insert(key, Arc::new(rows));
            }
        }
        Ok(loaded)
    }
}

impl<U: Under> Loader<CountUnder<U>> for Reader {
    type Value = u64;
    type Error = Failure;

    async fn load(&self, keys: &[CountUnder<U>]) -> Result<HashMap<CountUnder<U>, u64>> {
        let parents: Vec<_> = keys.iter().map(|key| key.parent).collect();
        U::before(self, parents.iter().copied()).await?;
        let statement = Query::select()
            .column(PARENT)
            .expr_as(Expr::col(Asterisk).count(), "rows")
            .from_subquery(
                Parents::of(self, &parents).rows_under::<U>(&U::select(self)?),
                UNDER,
            )
            .group_by_col(PARENT)
            .to_owned();
        let mut counts: HashMap<_, u64> = keys.iter().map(|key| (key.clone(), 0)).collect();
        for row in self.db().query_all(&statement).await? {
            let count: i64 = row.try_get("", "rows")?;
            counts.insert(
                CountUnder::new(row.try_get("", PARENT)?),
                u64::try_from(count).unwrap_or_default(),
            );
        }
        Ok(counts)
    }
}

/// The parents of rows that are read together: one value of a statement, which is the same for any number of them.
struct Parents {
    backend: DbBackend,
    list: String,
}

impl Parents {
    fn of(reader: &Reader, parents: &[impl Display]) -> Self {
        // Ids: nothing in them has to be escaped.
        let ids: Vec<_> = parents.iter().map(ToString::to_string).collect();
        let backend = reader.db().get_database_backend();
        let list = match backend {
            DbBackend::Sqlite => format!(r#"["{}"]"#, ids.join(r#"",""#)),
            _ => format!("{{{}}}", ids.join(",")),
        };
        Self { backend, list }
    }

    /// The function that gives a row for each of them.
    fn rows(&self) -> FunctionCall {
        let list = Expr::val(self.list.as_str());
        match self.backend {
            DbBackend::Sqlite => Func::cust("json_each").arg(list),
            _ => Func::cust("unnest").arg(list.cast_as("text[]")),
        }
    }

    /// The rows of `select` whose `column` names one of them.
    fn named_in<U: Under>(
        &self,
        select: &Select<U::Entity>,
        column: <U::Entity as EntityTrait>::Column,
    ) -> SelectStatement {
        let id = match self.backend {
            DbBackend::Sqlite => "value",
            _ => PARENTS,
        };
        let column = Expr::col(column.as_column_ref());
        select
            .clone()
            .filter(column.clone().equals((PARENTS, id)))
            .expr_as(column, PARENT)
            .into_query()
    }

    /// The rows of `select` under each of them, once for every column that names one of them.
    ///
    /// SQLite reads what is left of a `CROSS JOIN` first: here the parents, and of each its own rows.
    fn rows_under<U: Under>(&self, select: &Select<U::Entity>) -> SelectStatement {
        united(U::parents().iter().map(|column| {
            self.named_in::<U>(select, *column)
                .from_clear()
                .from_function(self.rows(), PARENTS)
                .cross_join(U::Entity::default().table_ref())
                .take()
        }))
    }

    /// The rows of `page` under each of them, those of each in the order in which the page is read.
    fn page<U: Under>(&self, select: &Select<U::Entity>, page: &Page) -> SelectStatement {
        match self.backend {
            DbBackend::Sqlite => self.ranked::<U>(select, page),
            _ => self.one_by_one::<U>(select, page),
        }
    }

    /// All rows, of which each has its place under its parent.
    fn ranked<U: Under>(&self, select: &Select<U::Entity>, page: &Page) -> SelectStatement {
        let order = U::sort().order(page.is_backwards());
        let mut window = WindowStatement::partition_by(PARENT);
        for column in U::sort().columns() {
            window.order_by(column, order.clone());
        }
        let places = Query::select()
            .column(Asterisk)
            .expr_window_as(Func::cust("ROW_NUMBER"), window, PLACE)
            .from_subquery(self.rows_under::<U>(select), UNDER)
            .to_owned();
        Query::select()
            .column(Asterisk)
            .from_subquery(places, "places")
            .and_where(Expr::col(PLACE).lte(page.read_size()))
            .order_by(PLACE, Order::Asc)
            .to_owned()
    }

    /// Parent after parent, of each by the index no more rows than the page has.
    fn one_by_one<U: Under>(&self, select: &Select<U::Entity>, page: &Page) -> SelectStatement {
        let order = U::sort().order(page.is_backwards());
        let first = |mut rows: SelectStatement| {
            for column in U::sort().columns() {
                rows.order_by(column, order.clone());
            }
            rows.limit(page.read_size()).take()
        };
        let rows = match U::parents() {
            [column] => first(self.named_in::<U>(select, *column)),
            columns => {
                first(all_of(united(columns.iter().map(|column| {
                    all_of(first(self.named_in::<U>(select, *column)))
                }))))
            }
        };
        Query::select()
            .column((UNDER, Asterisk))
            .from_function(self.rows(), PARENTS)
            .join_lateral(JoinType::InnerJoin, rows, UNDER, Expr::cust("TRUE"))
            .to_owned()
    }
}

/// The rows of all `parts`.
fn united(mut parts: impl Iterator<Item = SelectStatement>) -> SelectStatement {
    let mut rows = parts.next().unwrap_or_default();
    rows.unions(parts.map(|part| (UnionType::All, part)));
    rows
}

/// The rows of `part`, which may have an order and an end of its own.
fn all_of(part: SelectStatement) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from_subquery(part, UNDER)
        .to_owned()
}

/// What has happened to an operation is on its timeline at once, though the numbers of events come later.
async fn number(reader: &Reader, operations: impl Iterator<Item = OperationId>) -> Result<()> {
    use entity::unnumbered_event::{Column, Entity};
    if reader.db().get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let unnumbered = Entity::find()
        .filter(Column::OperationId.is_in(operations))
        .select_only()
        .column(Column::Serial)
        .into_tuple::<i64>()
        .one(reader.db())
        .await?;
    if unnumbered.is_some() {
        numbering::settle(&reader.app).await?;
    }
    Ok(())
}

macro_rules! edges {
    ($($(#[$doc:meta])* $name:ident: $parent:ident -> $noun:ident by [$($column:ident),+],
        $direction:ident $unique:ident, $select:expr, $texts:expr $(, before $before:ident)?;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl Under for $name {
            type Entity = entity::$noun::Entity;
            type Parent = $parent;

            fn select(reader: &Reader) -> Result<Select<Self::Entity>> {
                let select: fn(&Reader) -> Result<_> = $select;
                select(reader)
            }

            fn parents() -> &'static [entity::$noun::Column] {
                &[$(entity::$noun::Column::$column),+]
            }

            fn sort() -> Sort<Self::Entity> {
                Sort::$direction(entity::$noun::Column::$unique)
            }

            fn texts(row: &entity::$noun::Model) -> usize {
                let texts: fn(&entity::$noun::Model) -> usize = $texts;
                texts(row)
            }

            $(async fn before(
                reader: &Reader,
                parents: impl Iterator<Item = Self::Parent> + Send,
            ) -> Result<()> {
                $before(reader, parents).await
            })?
        }
    )+};
}

edges! {
    /// The snapshots of a volume, the newest first.
    SnapshotsOfVolume: VolumeId -> snapshot by [VolumeId], descending Id,
        |reader| Ok(entity::snapshot::Entity::visible_to(reader.scope()?)), |_| 0;
    /// The backups of a volume, the newest first.
    BackupsOfVolume: VolumeId -> backup by [VolumeId], descending Id,
        |reader| Ok(entity::backup::Entity::visible_to(reader.scope()?)), |_| 0;
    /// The operations that work on a volume, read it or write it, the newest first.
    OperationsOfVolume: VolumeId -> operation by [VolumeId, TargetVolumeId], descending Id,
        |reader| Ok(entity::operation::Entity::visible_to(reader.scope()?)), |_| 0;
    /// The timeline of an operation, the oldest first.
    EventsOfOperation: OperationId -> operation_event by [OperationId], ascending Seq,
        |reader| Ok(entity::operation_event::Entity::visible_to(reader.scope()?)),
        |event| event.message.as_ref().map_or(0, String::len), before number;
    /// The log of an operation, the oldest line first: of customers the part that is safe for them.
    LogsOfOperation: OperationId -> operation_log by [OperationId], ascending Id,
        |reader| {
            let lines = entity::operation_log::Entity::find();
            Ok(if reader.requester.is_admin() {
                lines
            } else {
                lines.filter(entity::operation_log::Column::Public.eq(true))
            })
        }, |line| line.message.len();
}
