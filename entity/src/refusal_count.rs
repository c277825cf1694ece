//! How often callers whom nobody knows were refused.

use sea_orm::entity::prelude::*;

/// A row of `refusal_counts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refusal_counts")]
pub struct Model {
    /// The mutation and the code: `signIn UNAUTHENTICATED`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// How often.
    pub count: i64,
    /// When this was last added to.
    pub last_at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
