//! Accounts: the tenants.

use sea_orm::{Select, entity::prelude::*};

use crate::{AccountId, Scope};

/// A row of `accounts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// What it is called.
    pub name: String,
    /// How many volumes it may have; as many as the settings say if null.
    pub volume_limit: Option<i32>,
    /// How many bytes its volumes may have in all; as many as the settings say if null.
    pub volume_bytes_limit: Option<i64>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted. What is history goes on to name it; nothing new does.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}

impl Entity {
    /// The accounts that `scope` covers, the deleted ones left out.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        Self::once_visible_to(scope).filter(Column::DeletedAt.is_null())
    }

    /// The accounts that `scope` covers, the deleted ones too.
    pub fn once_visible_to(scope: Scope) -> Select<Self> {
        scope.narrow(Self::find(), Column::Id)
    }
}
