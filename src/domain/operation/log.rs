//! What agents write while they work.

use entity::{hypervisor, operation, operation::OperationStatus};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

pub use super::entry::Entry;
use super::{
    entry::append_of,
    lease::{Lease, LeaseState},
    renew::renew,
};
use crate::{
    app::App,
    domain::{Error, Result},
};

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
