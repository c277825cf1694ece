//! Which snapshots may be gone with an image that may have been replaced: an agent is asked.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, flag};

const TABLE: &str = "snapshots";
const COLUMN: &str = "in_doubt";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let in_doubt = flag(COLUMN).default(false).to_owned();
        add_columns(manager, TABLE, vec![in_doubt]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
