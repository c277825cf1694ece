//! Lines of an operation's log, by its agent and by the gateway.

use chrono::{DateTime, Utc};
use entity::{
    OperationId, operation, operation_log,
    operation_log::{Column, LogLevel},
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ConnectionTrait, EntityTrait,
    sea_query::{InsertStatement, OnConflict, Query},
};

use crate::{
    domain::{Error, Result, text::printable},
    limits::MAX_LOG_CHARS,
};

/// A line of an operation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// What was written.
    pub message: String,
    /// Safe for the customer to read.
    pub public: bool,
    /// Its number among the agent's lines of this epoch, by which one that is sent again is known.
    pub number: Option<i64>,
}

/// Adds lines of the gateway's own to an operation's log.
pub(super) async fn append(
    db: &impl ConnectionTrait,
    operation: OperationId,
    entries: Vec<Entry>,
) -> Result<()> {
    append_of(db, operation, None, entries).await
}

/// Adds lines that an agent wrote in an `epoch`, or the gateway.
pub(super) async fn append_of(
    db: &impl ConnectionTrait,
    operation: OperationId,
    epoch: Option<i32>,
    entries: Vec<Entry>,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = entries.into_iter().map(|entry| operation_log::ActiveModel {
        operation_id: Set(operation),
        at: Set(entry.at),
        level: Set(entry.level),
        message: Set(printable(&entry.message, MAX_LOG_CHARS)),
        public: Set(entry.public),
        epoch: Set(epoch.filter(|_| entry.number.is_some())),
        number: Set(entry.number),
        ..Default::default()
    });
    operation_log::Entity::insert_many(rows)
        .on_conflict(once())
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// A line that comes again is the same line.
fn once() -> OnConflict {
    let number = [Column::OperationId, Column::Epoch, Column::Number];
    OnConflict::columns(number).do_nothing().to_owned()
}

/// What PostgreSQL calls the values of a line.
const PARTS: [&str; 6] = [
    "column1", "column2", "column3", "column4", "column5", "column6",
];

/// The part of a statement of PostgreSQL's that adds lines which an agent wrote in an `epoch` to the operation that another
/// part of it calls `held`, if there is one.
pub(super) fn lines_of_held(
    held: &'static str,
    epoch: i32,
    entries: Vec<Entry>,
) -> Result<InsertStatement> {
    let lines = entries.into_iter().map(|entry| {
        (
            entry.at,
            entry.level.to_value(),
            printable(&entry.message, MAX_LOG_CHARS),
            entry.public,
            entry.number.map(|_| epoch),
            entry.number,
        )
    });
    let lines = Query::select()
        .column((held, operation::Column::Id))
        .columns(PARTS.map(|part| ("line", part)))
        .from(held)
        .from_values(lines, "line")
        .to_owned();
    let mut add = Query::insert();
    add.into_table(operation_log::Entity).columns([
        Column::OperationId,
        Column::At,
        Column::Level,
        Column::Message,
        Column::Public,
        Column::Epoch,
        Column::Number,
    ]);
    add.select_from(lines)
        .map_err(|error| Error::Broken(error.to_string()))?;
    Ok(add.on_conflict(once()).to_owned())
}
