//! Storage pools as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::PlaceId;

use super::{Hypervisor, HypervisorGroup, PlaceMark, StorageType, place_mark::only, wraps};
use crate::{
    domain::place_mark::SHARED,
    graphql::{context::loaders, error::Result, loader::MarksOf, visible},
};

/// Which hypervisors reach a storage pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(visible = "visible::to_admins")]
pub enum StorageReach {
    /// Every one of its group.
    Shared,
    /// One: what lies there is worked on and attached on that one only.
    Local,
}

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

    /// Which hypervisors reach it.
    async fn reach(&self) -> StorageReach {
        match self.0.hypervisor_id {
            Some(_) => StorageReach::Local,
            None => StorageReach::Shared,
        }
    }

    /// Of a local one: the hypervisor that it is local to.
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Option<Hypervisor>> {
        match self.0.hypervisor_id {
            Some(id) => Ok(loaders(ctx)?.lookup(id).await?.map(Hypervisor)),
            None => Ok(None),
        }
    }

    /// Whether it has said whose it is.
    async fn marks(&self, ctx: &Context<'_>) -> Result<Vec<PlaceMark>> {
        let id = PlaceId::from_uuid(self.0.id.as_uuid());
        let marks = loaders(ctx)?.find(MarksOf(id)).await?;
        Ok(only(&marks, self.0.hypervisor_id.unwrap_or(SHARED)))
    }

    /// The group whose volumes it holds.
    async fn hypervisor_group(&self, ctx: &Context<'_>) -> Result<HypervisorGroup> {
        Ok(loaders(ctx)?.find(self.0.group_id).await?.into())
    }
}
