//! Volume plans as the API shows them.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object};

use super::wraps;
use crate::graphql::scalar::{ByteCount, Decimal};

/// What a volume lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::volume_plan::StorageType")]
pub enum StorageType {
    /// A qcow2 file in a directory, local or shared.
    #[graphql(name = "QCOW2_FILE")]
    Qcow2File,
    /// An image in a Ceph RBD pool.
    CephRbd,
}

/// Size, storage type, caps and prices of volumes.
#[derive(Clone, Debug)]
pub struct VolumePlan(pub Arc<entity::volume_plan::Model>);

wraps!(VolumePlan, volume_plan);

/// Size, storage type, caps and prices of volumes.
#[Object]
impl VolumePlan {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How large its volumes are.
    async fn size_bytes(&self) -> ByteCount {
        ByteCount(self.0.size_bytes)
    }

    /// What its volumes lie on.
    async fn storage_type(&self) -> StorageType {
        self.0.storage_type.into()
    }

    /// Whether new volumes may have it.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// How many snapshots a volume may have; 0 allows none.
    async fn max_snapshots(&self) -> i32 {
        self.0.max_snapshots
    }

    /// How many backups a volume may have; 0 allows none.
    async fn max_backups(&self) -> i32 {
        self.0.max_backups
    }

    /// Credits for each GB of retained snapshots and month.
    async fn snapshot_credit_value(&self) -> Decimal {
        self.0.snapshot_credit_value.into()
    }

    /// Credits for each GB of retained backups and month.
    async fn backup_credit_value(&self) -> Decimal {
        self.0.backup_credit_value.into()
    }
}
