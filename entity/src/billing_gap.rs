//! Hours in which what the snapshots of a volume retain had not been measured for too long.

use sea_orm::entity::prelude::*;

use crate::VolumeId;

/// A row of `billing_gaps`. It is written when a measurement comes, late, and never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_gaps")]
pub struct Model {
    /// The volume.
    #[sea_orm(primary_key, auto_increment = false)]
    pub volume_id: VolumeId,
    /// The first such hour, counted from the epoch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_hour: i64,
    /// The one behind the last.
    pub to_hour: i64,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
