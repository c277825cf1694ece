//! Sequences: counters that hand out numbers in the order of the commits.

use sea_orm::entity::prelude::*;

/// A row of `sequences`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequences")]
pub struct Model {
    /// What it counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The number handed out last.
    pub value: i64,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
