//! Until when operations must have ended, and how long those on volumes of a plan may take.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, instant_null};

const OF_OPERATIONS: &str = "deadline_at";
const OF_PLANS: &str = "operation_deadline_seconds";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Null for operations that were accepted before: the setting holds for them.
        add_columns(manager, "operations", vec![instant_null(OF_OPERATIONS)]).await?;
        let mut seconds = ColumnDef::new(OF_PLANS);
        seconds.integer();
        add_columns(manager, "volume_plans", vec![seconds]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "volume_plans", &[OF_PLANS]).await?;
        drop_columns(manager, "operations", &[OF_OPERATIONS]).await
    }
}
