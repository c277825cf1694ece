//! Reading hypervisor groups.

use async_graphql::{Context, Object};
use entity::hypervisor_group::{Column, Entity};
use sea_orm::QueryOrder;

use crate::graphql::{
    context::{app, requester},
    error::Result,
    types::HypervisorGroup,
    visible,
};

/// Reading hypervisor groups.
#[derive(Debug, Default)]
pub struct HypervisorGroupQuery;

#[Object]
impl HypervisorGroupQuery {
    /// The groups that volumes can be made in, by name.
    #[graphql(visible = "visible::to_users")]
    async fn hypervisor_groups(&self, ctx: &Context<'_>) -> Result<Vec<HypervisorGroup>> {
        requester(ctx).user()?;
        let groups = Entity::present()
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(groups.into_iter().map(HypervisorGroup::from).collect())
    }
}
