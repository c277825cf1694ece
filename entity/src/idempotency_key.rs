//! Idempotency keys: which operation answered which request.

use sea_orm::entity::prelude::*;

use crate::{AccountId, OperationId};

/// A row of `idempotency_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// The requester's account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// As the requester gave it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Of the mutation's name and its input.
    pub input_hash: String,
    /// What the first request started.
    pub operation_id: OperationId,
    /// When it was first used.
    pub created_at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
