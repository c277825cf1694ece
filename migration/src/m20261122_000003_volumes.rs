//! Instances, volumes and what protects them.

use sea_orm_migration::prelude::*;

use crate::table::{
    bytes, bytes_null, drop_all, id, index, instant, instant_null, table, text, text_null,
};

const TABLES: &[&str] = &["instances", "volumes", "snapshots", "backups"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "instances",
                vec![
                    id(),
                    text("account_id"),
                    text("hypervisor_id"),
                    text("name"),
                    text("status"),
                    text("credits_per_hour"),
                    text_null("qmp_socket"),
                    instant("created_at"),
                ],
                &[("account_id", "accounts"), ("hypervisor_id", "hypervisors")],
            ))
            .await?;
        manager
            .create_index(index("instances", &["account_id", "id"]))
            .await?;
        manager
            .create_table(table(
                "volumes",
                vec![
                    id(),
                    text("account_id"),
                    text("name"),
                    bytes("size_bytes"),
                    text("storage_type"),
                    text("state"),
                    text("data_state"),
                    text("plan_id"),
                    text("group_id"),
                    text("hypervisor_id"),
                    text("pool_id"),
                    text_null("instance_id"),
                    text_null("active_operation"),
                    text_null("active_operation_id"),
                    instant_null("cooldown_ends_at"),
                    instant("created_at"),
                    instant_null("deleted_at"),
                ],
                &[
                    ("account_id", "accounts"),
                    ("plan_id", "volume_plans"),
                    ("group_id", "hypervisor_groups"),
                    ("hypervisor_id", "hypervisors"),
                    ("pool_id", "storage_pools"),
                    ("instance_id", "instances"),
                ],
            ))
            .await?;
        manager
            .create_index(index("volumes", &["account_id", "id"]))
            .await?;
        manager
            .create_index(index("volumes", &["instance_id"]))
            .await?;
        manager
            .create_index(index("volumes", &["active_operation_id"]))
            .await?;
        manager
            .create_index(index("volumes", &["name", "id"]))
            .await?;
        manager
            .create_index(index("volumes", &["size_bytes", "id"]))
            .await?;
        manager
            .create_table(table(
                "snapshots",
                vec![
                    id(),
                    text("account_id"),
                    text("volume_id"),
                    text("name"),
                    text("status"),
                    bytes("volume_size_bytes"),
                    bytes("retained_bytes"),
                    text("operation_id"),
                    instant("created_at"),
                    instant_null("available_at"),
                    text_null("failure"),
                    instant_null("deleted_at"),
                ],
                &[("account_id", "accounts"), ("volume_id", "volumes")],
            ))
            .await?;
        manager
            .create_index(index("snapshots", &["volume_id", "id"]))
            .await?;
        manager
            .create_index(index("snapshots", &["account_id", "id"]))
            .await?;
        manager
            .create_table(table(
                "backups",
                vec![
                    id(),
                    text("account_id"),
                    text("volume_id"),
                    text("volume_name"),
                    text("plan_id"),
                    text("group_id"),
                    text("storage_type"),
                    text("backup_storage_id"),
                    text("hypervisor_id"),
                    text("name"),
                    text("status"),
                    bytes("volume_size_bytes"),
                    bytes_null("stored_bytes"),
                    text_null("checksum"),
                    text("operation_id"),
                    instant("created_at"),
                    instant_null("available_at"),
                    text_null("failure"),
                    instant_null("deleted_at"),
                ],
                &[
                    ("account_id", "accounts"),
                    ("volume_id", "volumes"),
                    ("plan_id", "volume_plans"),
                    ("group_id", "hypervisor_groups"),
                    ("backup_storage_id", "backup_storages"),
                    ("hypervisor_id", "hypervisors"),
                ],
            ))
            .await?;
        manager
            .create_index(index("backups", &["volume_id", "id"]))
            .await?;
        manager
            .create_index(index("backups", &["account_id", "id"]))
            .await?;
        manager
            .create_index(index("backups", &["backup_storage_id"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, TABLES).await
    }
}
