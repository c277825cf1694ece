//! The function that numbers events is not compiled: it reads by indexes only, which it says by making everything else
//! look dear, and PostgreSQL compiled that at each call, for 14 ms where the work takes one.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

const FUNCTION: &str = "number_events(text, bigint, integer)";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, "SET jit = off").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, "RESET jit").await
    }
}

async fn alter(manager: &SchemaManager<'_>, how: &str) -> Result<(), DbErr> {
    let db = manager.get_connection();
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(&format!("ALTER FUNCTION {FUNCTION} {how}"))
            .await?;
    }
    Ok(())
}
