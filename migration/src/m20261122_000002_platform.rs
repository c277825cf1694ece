//! What the platform is made of: backup storages, hypervisors, pools, plans and tokens.

use sea_orm_migration::prelude::*;

use crate::table::{
    bytes, count, drop_all, flag, id, index, instant, instant_null, table, text, text_null,
};

const TABLES: &[&str] = &[
    "backup_storages",
    "hypervisor_groups",
    "hypervisors",
    "backup_storage_tests",
    "storage_pools",
    "volume_plans",
    "tokens",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "backup_storages",
                vec![
                    id(),
                    text("name"),
                    text("kind"),
                    text_null("path"),
                    instant("created_at"),
                ],
                &[],
            ))
            .await?;
        manager
            .create_table(table(
                "hypervisor_groups",
                vec![
                    id(),
                    text("name"),
                    text_null("backup_storage_id"),
                    instant("created_at"),
                ],
                &[("backup_storage_id", "backup_storages")],
            ))
            .await?;
        manager
            .create_table(table(
                "hypervisors",
                vec![
                    id(),
                    text("group_id"),
                    text("name"),
                    text_null("backup_storage_id"),
                    text_null("agent_version"),
                    text_null("agent_state_id"),
                    flag("can_snapshot"),
                    flag("can_backup"),
                    instant_null("last_seen_at"),
                    instant("created_at"),
                ],
                &[
                    ("group_id", "hypervisor_groups"),
                    ("backup_storage_id", "backup_storages"),
                ],
            ))
            .await?;
        manager
            .create_index(index("hypervisors", &["group_id"]))
            .await?;
        manager
            .create_table(table(
                "backup_storage_tests",
                vec![
                    id(),
                    text("backup_storage_id"),
                    text_null("hypervisor_id"),
                    instant("requested_at"),
                    instant_null("finished_at"),
                    flag("ok"),
                    text("message"),
                ],
                &[
                    ("backup_storage_id", "backup_storages"),
                    ("hypervisor_id", "hypervisors"),
                ],
            ))
            .await?;
        manager
            .create_index(index("backup_storage_tests", &["backup_storage_id"]))
            .await?;
        manager
            .create_index(index(
                "backup_storage_tests",
                &["hypervisor_id", "finished_at"],
            ))
            .await?;
        manager
            .create_table(table(
                "storage_pools",
                vec![
                    id(),
                    text("group_id"),
                    text("name"),
                    text("storage_type"),
                    text_null("path"),
                    text_null("rbd_pool"),
                    text_null("rbd_user"),
                    text_null("rbd_config_path"),
                    instant("created_at"),
                ],
                &[("group_id", "hypervisor_groups")],
            ))
            .await?;
        manager
            .create_index(index("storage_pools", &["group_id"]))
            .await?;
        manager
            .create_table(table(
                "volume_plans",
                vec![
                    id(),
                    text("name"),
                    bytes("size_bytes"),
                    text("storage_type"),
                    flag("enabled"),
                    count("max_snapshots"),
                    count("max_backups"),
                    text("snapshot_credit_value"),
                    text("backup_credit_value"),
                    instant("created_at"),
                ],
                &[],
            ))
            .await?;
        manager
            .create_table(table(
                "tokens",
                vec![
                    id(),
                    text("kind"),
                    text_null("user_id"),
                    text_null("hypervisor_id"),
                    text("name"),
                    text("hash").unique_key().to_owned(),
                    instant("created_at"),
                    instant_null("expires_at"),
                    instant_null("last_used_at"),
                    instant_null("revoked_at"),
                ],
                &[("user_id", "users"), ("hypervisor_id", "hypervisors")],
            ))
            .await?;
        manager.create_index(index("tokens", &["user_id"])).await?;
        manager
            .create_index(index("tokens", &["hypervisor_id"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, TABLES).await
    }
}
