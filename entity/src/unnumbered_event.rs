//! Events that are committed and have no number yet: on PostgreSQL they are numbered afterwards, and move to
//! `operation_events`.

use sea_orm::entity::prelude::*;

use crate::{AccountId, OperationId, operation_event::OperationEventKind};

/// A row of `unnumbered_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "unnumbered_events")]
pub struct Model {
    /// The order in which events were written. It has gaps, and a lower one may be committed later; but not of events of
    /// one operation, whose row is locked meanwhile.
    #[sea_orm(primary_key)]
    pub serial: i64,
    /// The operation it belongs to.
    pub operation_id: OperationId,
    /// The owner of the volume.
    pub account_id: AccountId,
    /// What happened.
    pub kind: OperationEventKind,
    /// Who did it: a user's email, `agent NAME`, or `tidemark`.
    pub actor: Option<String>,
    /// Why, for a person.
    pub message: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
