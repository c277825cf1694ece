//! Operation events: the immutable timeline of every operation, and the outbox that streams are fed from.

use sea_orm::{Select, entity::prelude::*};

use crate::{AccountId, OperationId, Scope};

/// What happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OperationEventKind {
    /// It was asked for and passed the guards.
    #[sea_orm(string_value = "accepted")]
    Accepted,
    /// An agent claimed it.
    #[sea_orm(string_value = "started")]
    Started,
    /// It entered another phase.
    #[sea_orm(string_value = "progressed")]
    Progressed,
    /// Its agent was lost; it waits for another attempt.
    #[sea_orm(string_value = "requeued")]
    Requeued,
    /// It is done.
    #[sea_orm(string_value = "completed")]
    Completed,
    /// It ended by an error.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// It was cancelled.
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
}

/// A row of `operation_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operation_events")]
pub struct Model {
    /// Its place in the one order of all events: no gaps, in the order of the commits.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
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

impl crate::row::Row for Model {}

impl Entity {
    /// The rows that `scope` covers.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope.narrow(Self::find(), Column::AccountId)
    }
}
