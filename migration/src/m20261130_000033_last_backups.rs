//! When the newest backup was made of each volume that it could be restored from; the epoch where there is none.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, index, instant};

const TABLE: &str = "volumes";
const COLUMN: &str = "last_backup_at";
/// As instants are written. None is older.
const NEVER: &str = "1970-01-01T00:00:00+00:00";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = instant(COLUMN).default(NEVER).to_owned();
        add_columns(manager, TABLE, vec![column]).await?;
        let newest = "UPDATE volumes SET last_backup_at = made.at FROM ( \
                SELECT volume_id, MAX(created_at) AS at FROM backups \
                WHERE status IN ('available', 'restoring', 'deleting') AND deleted_at IS NULL \
                GROUP BY volume_id \
            ) AS made WHERE made.volume_id = volumes.id";
        manager.get_connection().execute_unprepared(newest).await?;
        let mut index = index(TABLE, &[COLUMN, "id"]);
        let present = index
            .and_where(Expr::col("deleted_at").is_null())
            .to_owned();
        manager.create_index(present).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop()
            .name(format!("{TABLE}_{COLUMN}_id"))
            .table(TABLE)
            .to_owned();
        manager.drop_index(index).await?;
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
