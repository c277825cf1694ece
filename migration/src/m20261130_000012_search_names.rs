//! What searches for volumes compare: their names composed and without their case.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::table::{add_columns, drop_columns, text};

const TABLE: &str = "volumes";
const COLUMN: &str = "search_name";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text(COLUMN).default("").to_owned();
        add_columns(manager, TABLE, vec![column]).await?;
        let db = manager.get_connection();
        // The gateway writes it from now on. What is there already is found by this until it is renamed.
        let lower = Query::update()
            .table(TABLE)
            .value(COLUMN, Func::lower(Expr::col("name")))
            .to_owned();
        db.execute(&lower).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
