//! When what snapshots retain was measured last, and when it was not for too long: such hours are billed by an old size.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::table::{bytes, drop_all, table, text};

const TABLES: [&str; 2] = ["billing_measurements", "billing_gaps"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let volume = text("volume_id").primary_key().to_owned();
        let measurements = vec![volume, bytes("measured_ms")];
        manager
            .create_table(table(TABLES[0], measurements, &[]))
            .await?;
        let gaps = vec![text("volume_id"), bytes("from_hour"), bytes("to_hour")];
        let mut gaps = table(TABLES[1], gaps, &[]);
        let key = Index::create().col("volume_id").col("from_hour").to_owned();
        manager
            .create_table(gaps.primary_key(&mut key.clone()).to_owned())
            .await?;
        // Nobody knows when what is there was measured: the next measurement is due within half an hour.
        let now = match manager.get_database_backend() {
            DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            _ => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        };
        let fill = format!(
            "INSERT INTO billing_measurements (volume_id, measured_ms) \
             SELECT id, {now} FROM volumes"
        );
        manager.get_connection().execute_unprepared(&fill).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}
