//! Storage pools as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::{HypervisorGroup, StorageType, wraps};
use crate::graphql::{context::loaders, error::Result, visible};

/// Where volumes lie.
#[derive(Clone, Debug)]
pub struct StoragePool(pub Arc<entity::storage_pool::Model>);

wraps!(StoragePool, storage_pool);

/// Where the volumes of a hypervisor group lie.
#[Object(visible = "visible::to_admins")]
impl StoragePool {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What kind of storage it is.
    async fn storage_type(&self) -> StorageType {
        self.0.storage_type.into()
    }

    /// The group whose volumes it holds.
    async fn hypervisor_group(&self, ctx: &Context<'_>) -> Result<HypervisorGroup> {
        Ok(loaders(ctx)?.find(self.0.group_id).await?.into())
    }
}
