//! Audit events: who changed what, when, from where, and how it ended.

use sea_orm::entity::prelude::*;

use crate::{AccountId, AuditEventId};

/// A row of `audit_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEventId,
    /// When.
    pub at: DateTimeUtc,
    /// The requester's account.
    pub account_id: Option<AccountId>,
    /// The user's email, `agent NAME`, or `anonymous`.
    pub actor: String,
    /// The mutation's name.
    pub mutation: String,
    /// The ids that its input named, separated by spaces.
    pub resource_ids: String,
    /// Why, where its input says so.
    pub reason: Option<String>,
    /// The address that the request came from.
    pub remote: Option<String>,
    /// The request's id, as in the logs.
    pub request_id: Option<String>,
    /// `OK`, or the code of the error.
    pub outcome: String,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
