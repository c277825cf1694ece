//! Which hypervisor a storage pool is local to. Null where every hypervisor of its group reaches it.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, text_null};

const TABLE: &str = "storage_pools";
const COLUMN: &str = "hypervisor_id";

/// A directory of files is local where its group has one hypervisor, and was meant to be shared where it has several:
/// whichever of them works on a volume looks for its image there.
const ALONE: &str = "UPDATE storage_pools SET hypervisor_id = (
        SELECT MIN(h.id) FROM hypervisors h
        WHERE h.group_id = storage_pools.group_id AND h.deleted_at IS NULL
    )
    WHERE storage_type = 'qcow2_file' AND deleted_at IS NULL AND 1 = (
        SELECT COUNT(*) FROM hypervisors h
        WHERE h.group_id = storage_pools.group_id AND h.deleted_at IS NULL
    )";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, TABLE, vec![text_null(COLUMN)]).await?;
        manager.get_connection().execute_unprepared(ALONE).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, TABLE, &[COLUMN]).await
    }
}
