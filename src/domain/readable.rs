//! Lists in which a damaged row hides no other: what cannot be read is logged once and left out.

use entity::row::Row;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryResult, QueryTrait, Select};

use crate::app::App;

/// The rows of `select`, in their order; none in place of one that cannot be read.
pub async fn rows<E: EntityTrait<Model: Row>>(
    app: &App,
    select: Select<E>,
) -> Result<Vec<Option<E::Model>>, DbErr> {
    let rows = app.database.reads().query_all(&select.into_query()).await?;
    Ok(rows.iter().map(|row| row_of::<E>(app, row)).collect())
}

/// The row of `E` that was read, if it can be.
pub fn row_of<E: EntityTrait<Model: Row>>(app: &App, row: &QueryResult) -> Option<E::Model> {
    E::Model::read(row)
        .inspect_err(|error| {
            let table = E::default().table_name();
            let id: String = row.try_get("", "id").unwrap_or_default();
            if app.damage.is_news(&format!("{table} {id}")) {
                tracing::error!(table, id, %error, "a row is damaged: lists leave it out");
            }
        })
        .ok()
}
