//! Instances as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    AccountId,
    instance::{Column, Entity},
};
use sea_orm::{QueryFilter, QueryTrait, Select};

use super::{Account, Hypervisor, Volume, search::is, wraps};
use crate::graphql::{
    context::{admin, loaders},
    error::Result,
    id,
    loader::VolumesOfInstance,
    plain::Plain,
    scalar::Decimal,
    visible,
};

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::instance::InstanceStatus")]
pub enum InstanceStatus {
    /// It runs.
    Running,
    /// It is off.
    Stopped,
}

/// Which instances: those that fit all of it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct InstanceFilter {
    /// Of this account.
    pub account_id: Option<ID>,
}

impl InstanceFilter {
    /// Narrows `query` to what fits.
    pub fn narrow(self, query: Select<Entity>) -> Select<Entity> {
        query.apply_if(self.account_id, |query, id| {
            query.filter(is(Column::AccountId, id::lookup::<AccountId>(&id)))
        })
    }
}

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Instance(pub Arc<entity::instance::Model>);

wraps!(Instance, instance, listed);

impl Plain for Instance {}

/// A virtual machine, to which volumes are attached.
#[Object]
impl Instance {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it runs.
    async fn status(&self) -> InstanceStatus {
        self.0.status.into()
    }

    /// Its owner.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        Ok(loaders(ctx)?.find(self.0.account_id).await?.into())
    }

    /// Where it runs. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Hypervisor> {
        admin(ctx)?;
        Ok(loaders(ctx)?.find(self.0.hypervisor_id).await?.into())
    }

    /// The volumes that are attached to it, by name.
    async fn volumes(&self, ctx: &Context<'_>) -> Result<Vec<Volume>> {
        let volumes = loaders(ctx)?.find(VolumesOfInstance(self.0.id)).await?;
        Ok(volumes.iter().cloned().map(Volume).collect())
    }

    /// What an hour of running costs.
    async fn credits_per_hour(&self) -> Decimal {
        self.0.credits_per_hour.into()
    }
}
