//! Volume plans: size, storage type, caps and prices of volumes.

use sea_orm::{Select, entity::prelude::*};

use crate::{Credit, VolumePlanId, row::kept_by_name};

/// What kind of storage a volume lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum StorageType {
    /// A qcow2 file in a directory.
    #[sea_orm(string_value = "qcow2_file")]
    Qcow2File,
    /// An image in a Ceph RBD pool.
    #[sea_orm(string_value = "ceph_rbd")]
    CephRbd,
}

/// A row of `volume_plans`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volume_plans")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VolumePlanId,
    /// What it is called.
    pub name: String,
    /// Of its volumes.
    pub size_bytes: i64,
    /// What its volumes lie on.
    pub storage_type: StorageType,
    /// Whether new volumes may have it.
    pub enabled: bool,
    /// The cap on a volume's snapshots; 0 allows none.
    pub max_snapshots: i32,
    /// The cap on a volume's backups; 0 allows none.
    pub max_backups: i32,
    /// Credits for each GB of retained snapshots and month.
    pub snapshot_credit_value: Credit,
    /// Credits for each GB of retained backups and month.
    pub backup_credit_value: Credit,
    /// How long an operation on its volumes may take; as long as the settings say if null.
    pub operation_deadline_seconds: Option<i32>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted. What is history goes on to name it; nothing new does.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

kept_by_name!(StorageType: Qcow2File);

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}

impl Entity {
    /// The rows that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }
}
