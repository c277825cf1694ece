//! Operation logs: what agents wrote while they worked.

use sea_orm::entity::prelude::*;

use crate::OperationId;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum LogLevel {
    /// For developers.
    #[sea_orm(string_value = "debug")]
    Debug,
    /// What went as it should.
    #[sea_orm(string_value = "info")]
    Info,
    /// What went otherwise but was handled.
    #[sea_orm(string_value = "warn")]
    Warn,
    /// What failed.
    #[sea_orm(string_value = "error")]
    Error,
}

/// A row of `operation_logs`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operation_logs")]
pub struct Model {
    /// Its place in the order of arrival.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The operation it belongs to.
    pub operation_id: OperationId,
    /// When the agent wrote it, by the agent's clock.
    pub at: DateTimeUtc,
    /// How much it matters.
    pub level: LogLevel,
    /// What it wrote.
    pub message: String,
    /// Safe for the customer to read.
    pub public: bool,
    /// Of a line with a number: the epoch of the claim under which it was written.
    pub epoch: Option<i32>,
    /// Its number among the agent's lines of that epoch. One that comes again is the same line.
    pub number: Option<i64>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}
