//! The installation: what a gateway's database is one of. There is one row.

use sea_orm::entity::prelude::*;

use crate::InstallationId;

/// The row of `installation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    /// Its id, which tells its backups and places from those of others.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InstallationId,
    /// Always true: there is no second row.
    #[sea_orm(unique)]
    pub singleton: bool,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
