//! What agents write while they work.

use chrono::{DateTime, Utc};
use entity::{
    OperationId, hypervisor, operation, operation::OperationStatus, operation_log,
    operation_log::LogLevel,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::OnConflict,
};

use super::renew::{Lease, LeaseState, renew};
use crate::{
    app::App,
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

/// The most entries of one report.
const MAX_ENTRIES: usize = 2000;

/// Keeps what the agent wrote under a lease that is still held, and tells what has become of it.
pub async fn record(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    entries: Vec<Entry>,
) -> Result<LeaseState> {
    if entries.len() > MAX_ENTRIES {
        return Err(Error::invalid(format!(
            "At most {MAX_ENTRIES} log entries a report."
        )));
    }
    // Nothing else of it is read: what is damaged there does not lose what the agent wrote.
    let known = operation::Entity::find_by_id(lease.operation)
        .filter(operation::Column::HypervisorId.eq(hypervisor.id))
        .filter(operation::Column::Epoch.eq(lease.epoch))
        .filter(operation::Column::Status.eq(OperationStatus::Started))
        .count(app.database.reads())
        .await?;
    if known == 0 {
        return Ok(LeaseState::Lost);
    }
    let epoch = Some(lease.epoch);
    append_of(app.database.writes(), lease.operation, epoch, entries).await?;
    renew(app, hypervisor, lease).await
}

/// Adds lines of the gateway's own to an operation's log.
pub(super) async fn append(
    db: &impl ConnectionTrait,
    operation: OperationId,
    entries: Vec<Entry>,
) -> Result<()> {
    append_of(db, operation, None, entries).await
}

async fn append_of(
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
