//! What deletions go back to when they are refused, and of what there is nothing to delete.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, flag};

const OF_OPERATIONS: &str = "was_failed";
const OF_ITEMS: &str = "on_storage";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let was_failed = flag(OF_OPERATIONS).default(false).to_owned();
        add_columns(manager, "operations", vec![was_failed]).await?;
        // Deletions that are under way remember what they go back to.
        for known in [
            "UPDATE operations SET was_failed = TRUE \
             WHERE kind = 'delete_snapshot' AND status IN ('pending', 'started') AND EXISTS ( \
                SELECT 1 FROM snapshots \
                WHERE snapshots.id = operations.snapshot_id AND snapshots.failure IS NOT NULL)",
            "UPDATE operations SET was_failed = TRUE \
             WHERE kind = 'delete_backup' AND status IN ('pending', 'started') AND EXISTS ( \
                SELECT 1 FROM backups \
                WHERE backups.id = operations.backup_id AND backups.failure IS NOT NULL)",
            "UPDATE operations SET was_failed = TRUE \
             WHERE kind = 'delete_volume' AND status IN ('pending', 'started') AND EXISTS ( \
                SELECT 1 FROM operations AS earlier \
                WHERE earlier.status IN ('failed', 'cancelled') AND ( \
                    earlier.target_volume_id = operations.volume_id \
                    OR earlier.kind = 'create_volume' AND earlier.volume_id = operations.volume_id \
                    OR earlier.kind = 'delete_volume' AND earlier.volume_id = operations.volume_id \
                        AND earlier.epoch > 0))",
        ] {
            manager.get_connection().execute_unprepared(known).await?;
        }
        // Of what is there already nobody knows.
        for table in ["snapshots", "backups"] {
            let on_storage = flag(OF_ITEMS).default(true).to_owned();
            add_columns(manager, table, vec![on_storage]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["backups", "snapshots"] {
            drop_columns(manager, table, &[OF_ITEMS]).await?;
        }
        drop_columns(manager, "operations", &[OF_OPERATIONS]).await
    }
}
