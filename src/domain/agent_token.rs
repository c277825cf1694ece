//! The tokens of agents: an enrolment makes one, and administrators revoke them.

use entity::{HypervisorId, hypervisor, token, token::TokenKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{
    Error, Requester, Result,
    token::{Bearer, issue, live},
    transaction::{ROW_LOCK, Transaction},
};
use crate::{app::App, events::Topic};

/// Makes a token for the agent of a hypervisor that is there, which is shown once. Earlier ones stay.
pub async fn create(
    app: &App,
    requester: &Requester,
    id: HypervisorId,
) -> Result<(hypervisor::Model, String)> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let hypervisor = lock(&tx, id).await?;
    let secret = enrol(&tx, id).await?;
    tx.commit().await?;
    Ok((hypervisor, secret))
}

/// Revokes all tokens of the agent of a hypervisor: it is refused from now on, and its streams end.
pub async fn revoke_all(
    app: &App,
    requester: &Requester,
    id: HypervisorId,
) -> Result<hypervisor::Model> {
    requester.admin()?;
    let mut tx = Transaction::begin(app).await?;
    let hypervisor = lock(&tx, id).await?;
    revoke(&mut tx, id).await?;
    tx.commit().await?;
    Ok(hypervisor)
}

/// Revokes all tokens of the agent of a hypervisor that is locked.
pub(super) async fn revoke(tx: &mut Transaction<'_>, id: HypervisorId) -> Result<()> {
    token::Entity::update_many()
        .col_expr(token::Column::RevokedAt, Expr::value(tx.now()))
        .filter(token::Column::HypervisorId.eq(id))
        .filter(token::Column::Kind.eq(TokenKind::Agent))
        .filter(live(tx.now()))
        .exec(tx.db())
        .await?;
    tx.wake(Topic::Agent(id));
    Ok(())
}

/// What the agent of a hypervisor enrols with.
pub(super) async fn enrol(tx: &Transaction<'_>, id: HypervisorId) -> Result<String> {
    let bearer = Bearer::Agent(id);
    let issued = issue(tx.app(), tx.db(), bearer, "Agent", tx.now(), None).await?;
    Ok(issued.secret)
}

/// The hypervisor, whose tokens nobody else makes or revokes before the commit.
async fn lock(tx: &Transaction<'_>, id: HypervisorId) -> Result<hypervisor::Model> {
    let hypervisor = hypervisor::Entity::present()
        .filter(hypervisor::Column::Id.eq(id))
        .lock(ROW_LOCK);
    let hypervisor = hypervisor.one(tx.db()).await?;
    hypervisor.ok_or(Error::NotFound("hypervisor"))
}
