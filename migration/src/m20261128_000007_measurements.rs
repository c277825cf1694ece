//! When what a volume's snapshots keep is to be measured.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, index, instant_null};

const TABLE: &str = "volumes";
const COLUMN: &str = "measure_at";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, TABLE, vec![instant_null(COLUMN)]).await?;
        manager.create_index(index(TABLE, &[COLUMN])).await?;
        // Long ago: whatever has snapshots is due.
        let due = "UPDATE volumes SET measure_at = created_at WHERE id IN \
                   (SELECT volume_id FROM snapshots WHERE deleted_at IS NULL)";
        manager.get_connection().execute_unprepared(due).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("volumes_measure_at")
                    .table(TABLE)
                    .to_owned(),
            )
            .await?;
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
