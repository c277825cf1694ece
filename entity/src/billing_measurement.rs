//! When what the snapshots of a volume retain was measured last.

use sea_orm::entity::prelude::*;

use crate::VolumeId;

/// A row of `billing_measurements`. A volume that has none was never measured.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_measurements")]
pub struct Model {
    /// The volume.
    #[sea_orm(primary_key, auto_increment = false)]
    pub volume_id: VolumeId,
    /// The instant, in milliseconds from the epoch.
    pub measured_ms: i64,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
