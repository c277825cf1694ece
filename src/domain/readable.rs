//! Lists in which a damaged row hides no other: what cannot be read is logged once and left out.

use entity::row::{Columns, Row};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Iterable, QueryResult, QuerySelect, QueryTrait, Select,
    Statement, Value, sea_query::Values,
};

use crate::app::App;

/// The rows of `select`, in their order; none in place of one that cannot be read.
pub async fn rows<E: EntityTrait<Model: Row>>(
    app: &App,
    select: Select<E>,
) -> Result<Vec<Option<E::Model>>, DbErr> {
    rows_in_part(app, select, Columns::ALL).await
}

/// The same of `columns` alone. Nobody may look at the others.
pub async fn rows_in_part<E: EntityTrait<Model: Row>>(
    app: &App,
    select: Select<E>,
    columns: Columns,
) -> Result<Vec<Option<E::Model>>, DbErr> {
    let db = app.database.reads();
    let select = in_part(select, columns).into_query();
    let statement = with_limit_in_text(db.get_database_backend().build(&select));
    let rows = db.query_all_raw(statement).await?;
    let rows = rows.iter().map(|row| row_of::<E>(app, row, columns));
    Ok(rows.collect())
}

/// PostgreSQL plans a statement anew each time where its limit is a value, for a plan for any limit looks dear to it. As a
/// part of the text it has the statement planned once, and planning took as long as reading.
fn with_limit_in_text(mut statement: Statement) -> Statement {
    if let Some(Values(values)) = &mut statement.values
        && let Some(Value::BigUnsigned(Some(limit))) = values.last()
        && let Some(text) = statement
            .sql
            .strip_suffix(&format!(" LIMIT ${}", values.len()))
    {
        statement.sql = format!("{text} LIMIT {limit}");
        values.pop();
    }
    statement
}

/// `select`, which selects all columns, with `columns` alone.
pub fn in_part<E: EntityTrait>(select: Select<E>, columns: Columns) -> Select<E> {
    if columns == Columns::ALL {
        return select;
    }
    let places = E::Column::iter().enumerate();
    let read = places.filter(|(place, _)| columns.have(*place));
    select.select_only().columns(read.map(|(_, column)| column))
}

/// The row of `E` that was read, if it can be. What it is read from begins with `columns`.
pub fn row_of<E: EntityTrait<Model: Row>>(
    app: &App,
    row: &QueryResult,
    columns: Columns,
) -> Option<E::Model> {
    E::Model::read(row, columns)
        .inspect_err(|error| {
            let table = E::default().table_name();
            let id: String = row.try_get("", "id").unwrap_or_default();
            if app.damage.is_news(&format!("{table} {id}")) {
                tracing::error!(table, id, %error, "a row is damaged: lists leave it out");
            }
        })
        .ok()
}
