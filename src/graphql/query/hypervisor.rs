//! Reading hypervisors: administrators only.

use async_graphql::{Context, ID, Object};
use entity::{
    HypervisorId,
    hypervisor::{Column, Entity},
};
use sea_orm::QueryOrder;

use crate::graphql::{
    context::{app, loaders, requester},
    error::Result,
    id,
    types::Hypervisor,
    visible,
};

/// Reading hypervisors.
#[derive(Debug, Default)]
pub struct HypervisorQuery;

#[Object]
impl HypervisorQuery {
    /// The hypervisor with this id; null when there is none. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Hypervisor>> {
        requester(ctx).admin()?;
        let Some(id) = id::lookup::<HypervisorId>(&id) else {
            return Ok(None);
        };
        let hypervisor = loaders(ctx)?.lookup(id).await?;
        let there = hypervisor.filter(|hypervisor| hypervisor.deleted_at.is_none());
        Ok(there.map(Hypervisor))
    }

    /// All hypervisors, by name. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisors(&self, ctx: &Context<'_>) -> Result<Vec<Hypervisor>> {
        requester(ctx).admin()?;
        let rows = Entity::present()
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(rows.into_iter().map(Hypervisor::from).collect())
    }
}
