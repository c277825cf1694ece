//! Users: people who sign in, each of one account.

use sea_orm::entity::prelude::*;

use crate::{AccountId, UserId};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    /// Its own account only.
    #[sea_orm(string_value = "user")]
    User,
    /// All accounts, and the platform.
    #[sea_orm(string_value = "admin")]
    Admin,
}

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// What it signs in with: lower case, unique.
    pub email: String,
    /// Argon2id, in the PHC string format.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// Since when it is kept out; null while it may sign in.
    pub disabled_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}
