//! Marks of places: whether a pool or a backup storage has ever said whose it is, and what was found there last.

use sea_orm::entity::prelude::*;

use crate::{HypervisorId, PlaceId};

/// A row of `place_marks`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "place_marks")]
pub struct Model {
    /// The storage pool or the backup storage.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place_id: PlaceId,
    /// The hypervisor whose own it is; nil where several share it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hypervisor_id: HypervisorId,
    /// Rises each time that an administrator accepts another disk in its stead.
    pub generation: i32,
    /// When it was first seen to be marked with this generation; null while it was not.
    pub marked_at: Option<DateTimeUtc>,
    /// What was wrong with it when it was last looked at; null if nothing was.
    pub problem: Option<String>,
    /// When that was found.
    pub problem_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
