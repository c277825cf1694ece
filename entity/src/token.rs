//! Bearer tokens: of sessions, of automation and of agents. Only a hash is kept.

use sea_orm::entity::prelude::*;

use crate::{HypervisorId, TokenId, UserId};

/// What a token was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum TokenKind {
    /// A sign-in.
    #[sea_orm(string_value = "session")]
    Session,
    /// Automation, made by its user.
    #[sea_orm(string_value = "api")]
    Api,
    /// An agent of one hypervisor.
    #[sea_orm(string_value = "agent")]
    Agent,
}

/// How much of what its bearer may do a token lets it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum TokenScope {
    /// It reads, and changes nothing.
    #[sea_orm(string_value = "read_only")]
    ReadOnly,
    /// All of it.
    #[sea_orm(string_value = "full")]
    Full,
}

/// A row of `tokens`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// What it was made for.
    pub kind: TokenKind,
    /// The user it speaks for; of session and API tokens.
    pub user_id: Option<UserId>,
    /// The hypervisor it speaks for; of agent tokens.
    pub hypervisor_id: Option<HypervisorId>,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal; unique.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends; null for never.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
    /// How much it may do.
    pub scope: TokenScope,
    /// The API token that made it, and ends no sooner than it; null where a session did.
    pub parent_id: Option<TokenId>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}
