//! Reading volume plans.

use async_graphql::{Context, Object};
use entity::volume_plan::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QueryTrait};

use crate::graphql::{
    context::{app, requester},
    error::Result,
    types::VolumePlan,
    visible,
};

/// Reading volume plans.
#[derive(Debug, Default)]
pub struct VolumePlanQuery;

#[Object]
impl VolumePlanQuery {
    /// The plans that new volumes may have, by name. Administrators see the disabled ones too.
    #[graphql(visible = "visible::to_users")]
    async fn volume_plans(&self, ctx: &Context<'_>) -> Result<Vec<VolumePlan>> {
        requester(ctx).user()?;
        let enabled_only = (!requester(ctx).is_admin()).then_some(true);
        let plans = Entity::present()
            .apply_if(enabled_only, |plans, enabled| {
                plans.filter(Column::Enabled.eq(enabled))
            })
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(plans.into_iter().map(VolumePlan::from).collect())
    }
}
