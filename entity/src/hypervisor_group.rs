//! Hypervisor groups: hypervisors that share storage pools and a backup storage.

use sea_orm::{Select, entity::prelude::*};

use crate::{BackupStorageId, HypervisorGroupId};

/// A row of `hypervisor_groups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hypervisor_groups")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HypervisorGroupId,
    /// What it is called.
    pub name: String,
    /// Where its hypervisors write backups, unless they have their own.
    pub backup_storage_id: Option<BackupStorageId>,
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
