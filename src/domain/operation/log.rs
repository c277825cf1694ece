//! What agents write while they work.

use chrono::{DateTime, Utc};
use entity::{
    OperationId, hypervisor, operation, operation::OperationStatus, operation_log,
    operation_log::LogLevel,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
};

use super::renew::{Lease, LeaseState, renew};
use crate::{
    app::App,
    domain::{Error, Result, text::printable},
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
}

/// The most entries of one report.
const MAX_ENTRIES: usize = 2000;
/// The most characters of a line; what is longer is cut.
const MAX_CHARS: usize = 4000;

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
    append(app.database.writes(), lease.operation, entries).await?;
    renew(app, hypervisor, lease).await
}

/// Adds lines to an operation's log.
pub(super) async fn append(
    db: &impl ConnectionTrait,
    operation: OperationId,
    entries: Vec<Entry>,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = entries.into_iter().map(|entry| operation_log::ActiveModel {
        operation_id: Set(operation),
        at: Set(entry.at),
        level: Set(entry.level),
        message: Set(printable(&entry.message, MAX_CHARS)),
        public: Set(entry.public),
        ..Default::default()
    });
    operation_log::Entity::insert_many(rows).exec(db).await?;
    Ok(())
}
