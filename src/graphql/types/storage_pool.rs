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

    /// Where it is, in a line, without secrets: `qcow2: /srv/volumes`, `ceph: rbd as tidemark`.
    async fn summary(&self) -> String {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        match self.0.storage_type {
            entity::volume_plan::StorageType::Qcow2File => format!("qcow2: {}", text(&self.0.path)),
            entity::volume_plan::StorageType::CephRbd => {
                let (pool, user) = (text(&self.0.rbd_pool), text(&self.0.rbd_user));
                format!("ceph: {pool} as {user}")
            }
        }
    }

    /// The group whose volumes it holds.
    async fn hypervisor_group(&self, ctx: &Context<'_>) -> Result<HypervisorGroup> {
        Ok(loaders(ctx)?.find(self.0.group_id).await?.into())
    }
}
