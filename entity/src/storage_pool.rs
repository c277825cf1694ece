//! Storage pools: where the volumes of a hypervisor group lie.

use sea_orm::{Select, entity::prelude::*};

use crate::{HypervisorGroupId, HypervisorId, Sealed, StoragePoolId, volume_plan::StorageType};

/// A row of `storage_pools`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "storage_pools")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StoragePoolId,
    /// The group whose volumes it holds.
    pub group_id: HypervisorGroupId,
    /// What it is called.
    pub name: String,
    /// What kind of storage it is.
    pub storage_type: StorageType,
    /// The hypervisor that it is local to; null if every hypervisor of its group reaches it.
    pub hypervisor_id: Option<HypervisorId>,
    /// Of a qcow2 pool: its directory.
    pub path: Option<String>,
    /// Of a Ceph pool: its name in the cluster.
    pub rbd_pool: Option<String>,
    /// Of a Ceph pool: the user that agents are.
    pub rbd_user: Option<String>,
    /// Of a Ceph pool: the cluster's configuration file on the hypervisors.
    pub rbd_config_path: Option<String>,
    /// Of a Ceph pool: that user's key; the hypervisors have it if null.
    pub rbd_keyring: Option<Sealed>,
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
