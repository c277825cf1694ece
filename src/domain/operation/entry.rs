//! Lines of an operation's log, by its agent and by the gateway.

use chrono::{DateTime, Utc};
use entity::{OperationId, operation_log, operation_log::LogLevel};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};

use crate::{
    domain::{Result, text::printable},
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
    let number = [
        operation_log::Column::OperationId,
        operation_log::Column::Epoch,
        operation_log::Column::Number,
    ];
    operation_log::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(number).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(())
}
