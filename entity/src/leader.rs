//! Leaders: which gateway does a task that one of them does.

use sea_orm::entity::prelude::*;

/// A row of `leaders`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leaders")]
pub struct Model {
    /// The task's name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task: String,
    /// The gateway's process, by an id of its own.
    pub holder: String,
    /// Rises each time that another takes over.
    pub term: i64,
    /// When another may take over, by the database's clock.
    pub expires_at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
