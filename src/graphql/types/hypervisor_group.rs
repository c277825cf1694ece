//! Hypervisor groups as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::{BackupStorage, Hypervisor, VolumePlan, wraps};
use crate::graphql::{
    context::{loaders, requester},
    error::Result,
    loader::{HypervisorsOfGroup, PlansOfGroup},
    visible,
};

/// Hypervisors that share storage.
#[derive(Clone, Debug)]
pub struct HypervisorGroup(pub Arc<entity::hypervisor_group::Model>);

wraps!(HypervisorGroup, hypervisor_group);

/// Hypervisors that share storage pools, and a backup storage where they have none of their own.
#[Object]
impl HypervisorGroup {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where its hypervisors write backups, unless they have their own. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn backup_storage(&self, ctx: &Context<'_>) -> Result<Option<BackupStorage>> {
        requester(ctx).admin()?;
        let Some(id) = self.0.backup_storage_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(BackupStorage))
    }

    /// The plans that new volumes of this group may have, by name.
    async fn plans(&self, ctx: &Context<'_>) -> Result<Vec<VolumePlan>> {
        let plans = loaders(ctx)?.find(PlansOfGroup(self.0.id)).await?;
        Ok(plans.iter().cloned().map(VolumePlan).collect())
    }

    /// Its hypervisors, by name. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisors(&self, ctx: &Context<'_>) -> Result<Vec<Hypervisor>> {
        requester(ctx).admin()?;
        let rows = loaders(ctx)?.find(HypervisorsOfGroup(self.0.id)).await?;
        Ok(rows.iter().cloned().map(Hypervisor).collect())
    }
}
