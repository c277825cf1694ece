//! What agents write while they work.

use entity::{hypervisor, operation, operation::OperationStatus};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryTrait,
    sea_query::{Asterisk, CommonTableExpression, Expr, Query},
};

pub use super::entry::Entry;
use super::{
    damage::contain_report,
    entry::{append_of, lines_of_held},
    lease::{Agent, Lease, LeaseState, state},
    renew::{renew, renewal},
};
use crate::{
    app::App,
    domain::{Error, Result, transaction::NEED_NOT_WAIT},
};

/// What the row is called of an operation whose lease was renewed.
const HELD: &str = "held";
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
    if app.database.backend() == DbBackend::Postgres && !entries.is_empty() {
        let work = record_at_once(app, hypervisor, lease, entries);
        let state = contain_report(app, hypervisor, lease, Agent::MayWrite, work).await?;
        return Ok(state.unwrap_or(LeaseState::Lost));
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

/// The same by one statement, which does not wait for the disk: no agent counts on a lease for longer because of what it
/// wrote, but only when it has renewed it.
async fn record_at_once(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
    entries: Vec<Entry>,
) -> Result<LeaseState> {
    let db = app.database.writes();
    let held = renewal(app, hypervisor, lease)
        .filter(Expr::cust(NEED_NOT_WAIT))
        .into_query()
        .returning_all()
        .to_owned();
    let kept = CommonTableExpression::new()
        .query(lines_of_held(HELD, lease.epoch, entries)?)
        .table_name("kept")
        .to_owned();
    let held = CommonTableExpression::new()
        .query(held)
        .table_name(HELD)
        .to_owned();
    let both = Query::with()
        .cte(held)
        .cte(kept)
        .to_owned()
        .query(Query::select().column(Asterisk).from(HELD).to_owned());
    // What is damaged in the operation's row does not lose what the agent wrote, which is kept by now.
    match db.query_one(&both).await? {
        Some(row) => Ok(state(&operation::Model::from_query_result(&row, "")?)),
        None => Ok(LeaseState::Lost),
    }
}
