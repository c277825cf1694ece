//! What searches for volumes compare: their names composed and without their case.

use entity::name::search_key;
use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, FromQueryResult},
};

use crate::table::{add_columns, drop_columns, text};

const TABLE: &str = "volumes";
const COLUMN: &str = "search_name";

#[derive(FromQueryResult)]
struct Row {
    id: String,
    name: String,
}

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text(COLUMN).default("").to_owned();
        add_columns(manager, TABLE, vec![column]).await?;
        let db = manager.get_connection();
        let rows = Query::select()
            .columns(["id", "name"])
            .from(TABLE)
            .to_owned();
        for row in db.query_all(&rows).await? {
            let row = Row::from_query_result(&row, "")?;
            let update = Query::update()
                .table(TABLE)
                .value(COLUMN, search_key(&row.name))
                .and_where(Expr::col("id").eq(row.id))
                .to_owned();
            db.execute(&update).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
