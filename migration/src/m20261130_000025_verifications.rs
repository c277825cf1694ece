//! What the last restore of a backup found of it.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, flag_null, instant_null, text_null};

const TABLE: &str = "backups";
const AT: &str = "verified_at";
const OK: &str = "verified_ok";
const MESSAGE: &str = "verification_message";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![instant_null(AT), flag_null(OK), text_null(MESSAGE)];
        add_columns(manager, TABLE, columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[AT, OK, MESSAGE]).await
    }
}
