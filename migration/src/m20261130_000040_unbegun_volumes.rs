//! Of which volumes nothing is on storage, so that no agent is needed to delete them. What no agent was ever given has left nothing
//! behind: that is known of what failed before this was kept, too, and of snapshots and backups alike.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, flag};

const TABLE: &str = "volumes";
const COLUMN: &str = "on_storage";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on_storage = flag(COLUMN).default(true).to_owned();
        add_columns(manager, TABLE, vec![on_storage]).await?;
        // An operation whose epoch is 0 was never claimed.
        for known in [
            "UPDATE volumes SET on_storage = FALSE WHERE state IN ('creating', 'failed') AND EXISTS ( \
                SELECT 1 FROM operations \
                WHERE operations.epoch = 0 AND operations.status <> 'completed' AND ( \
                    operations.kind = 'create_volume' AND operations.volume_id = volumes.id \
                    OR operations.target_volume_id = volumes.id))",
            "UPDATE snapshots SET on_storage = FALSE WHERE status IN ('pending', 'failed') AND EXISTS ( \
                SELECT 1 FROM operations \
                WHERE operations.epoch = 0 AND operations.status <> 'completed' \
                    AND operations.kind = 'create_snapshot' AND operations.snapshot_id = snapshots.id)",
            "UPDATE backups SET on_storage = FALSE WHERE status IN ('pending', 'failed') AND EXISTS ( \
                SELECT 1 FROM operations \
                WHERE operations.epoch = 0 AND operations.status <> 'completed' \
                    AND operations.kind = 'create_backup' AND operations.backup_id = backups.id)",
        ] {
            manager.get_connection().execute_unprepared(known).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
