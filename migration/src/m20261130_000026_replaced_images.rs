//! Restores in place that may put a new image in the place of a damaged one.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, flag};

const TABLE: &str = "operations";
const COLUMN: &str = "replace_image";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let replace_image = flag(COLUMN).default(false).to_owned();
        add_columns(manager, TABLE, vec![replace_image]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
