//! The agent's heartbeat: renews its leases, and tells it which of them it still has.

use entity::{hypervisor, operation, operation::OperationStatus};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany, sea_query::Expr};

use super::{
    damage::contain_report,
    lease::{Agent, Lease, LeaseState, state},
};
use crate::{app::App, domain::Result};

/// Renews one lease. One of a damaged operation is lost.
pub async fn renew(app: &App, hypervisor: &hypervisor::Model, lease: Lease) -> Result<LeaseState> {
    let work = renew_whole(app, hypervisor, lease);
    let state = contain_report(app, hypervisor, lease, Agent::MayWrite, work).await?;
    Ok(state.unwrap_or(LeaseState::Lost))
}

async fn renew_whole(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
) -> Result<LeaseState> {
    let db = app.database.writes();
    let renewed = renewal(app, hypervisor, lease)
        .exec_with_returning(db)
        .await?;
    Ok(renewed.first().map_or(LeaseState::Lost, state))
}

/// The statement that renews a lease, if it is held.
pub(super) fn renewal(
    app: &App,
    hypervisor: &hypervisor::Model,
    lease: Lease,
) -> UpdateMany<operation::Entity> {
    let expires_at = app.clock.sql(app.database.backend(), app.settings.lease);
    // By its first word of an epoch the agent acknowledges it: from then on it is an attempt.
    let begun = Expr::case(
        Expr::col(operation::Column::Offers).gt(0),
        Expr::col(operation::Column::Attempts).add(1),
    )
    .finally(Expr::col(operation::Column::Attempts));
    operation::Entity::update_many()
        .col_expr(operation::Column::LeaseExpiresAt, Expr::cust(expires_at))
        .col_expr(operation::Column::Attempts, begun.into())
        .col_expr(operation::Column::Offers, Expr::value(0))
        .filter(operation::Column::Id.eq(lease.operation))
        .filter(operation::Column::HypervisorId.eq(hypervisor.id))
        .filter(operation::Column::Epoch.eq(lease.epoch))
        .filter(operation::Column::Status.eq(OperationStatus::Started))
}
