//! Why something was done, where whoever did it had to say.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, text_null};

const TABLE: &str = "audit_events";
const COLUMN: &str = "reason";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, TABLE, vec![text_null(COLUMN)]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
