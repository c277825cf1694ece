//! What throttles of sign-in have counted. Each row is for all that is hashed to it.

use sea_orm::entity::prelude::*;

/// A row of `sign_in_counters`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_counters")]
pub struct Model {
    /// The hash of what is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// When all that was counted will be forgotten, in milliseconds since 1970. Each failure puts it off.
    pub until_ms: i64,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
