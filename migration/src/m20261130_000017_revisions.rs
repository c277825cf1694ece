//! How often an operation changed its status, and the name of what it was about, which may be gone one day.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, count, drop_columns, text};

const TABLE: &str = "operations";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revision = count("revision").default(1).to_owned();
        let subject = text("subject_name").default("").to_owned();
        add_columns(manager, TABLE, vec![revision, subject]).await?;
        let named = "UPDATE operations SET subject_name = COALESCE( \
            (SELECT name FROM snapshots WHERE snapshots.id = operations.snapshot_id), \
            (SELECT name FROM backups WHERE backups.id = operations.backup_id), \
            (SELECT name FROM volumes WHERE volumes.id = \
                COALESCE(operations.target_volume_id, operations.volume_id)), '')";
        manager.get_connection().execute_unprepared(named).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &["revision", "subject_name"]).await
    }
}
