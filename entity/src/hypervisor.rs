//! Hypervisors, and what their agents said of themselves.

use sea_orm::{Select, entity::prelude::*};

use crate::{BackupStorageId, HypervisorGroupId, HypervisorId};

/// A row of `hypervisors`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hypervisors")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HypervisorId,
    /// Its group.
    pub group_id: HypervisorGroupId,
    /// What it is called.
    pub name: String,
    /// Where it writes backups; null for where its group does.
    pub backup_storage_id: Option<BackupStorageId>,
    /// Of the agent that last said hello.
    pub agent_version: Option<String>,
    /// Of the state directory that the agent's process holds.
    pub agent_state_id: Option<String>,
    /// The agent can do the work of snapshots.
    pub can_snapshot: bool,
    /// The agent can do the work of backups.
    pub can_backup: bool,
    /// The last heartbeat.
    pub last_seen_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted. What is history goes on to name it; nothing new does.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}

impl Entity {
    /// The rows that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }
}
