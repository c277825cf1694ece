//! Volumes: what the guards need to know of them, who works on them, and how they come to be.

pub mod attach;
pub mod birth;
pub mod facts;
pub mod measure;

use entity::{HypervisorId, VolumeId, instance, volume};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Select};

use super::{Error, Result};

/// The volume `id` among `volumes`.
pub async fn find(
    db: &impl ConnectionTrait,
    volumes: Select<volume::Entity>,
    id: VolumeId,
) -> Result<volume::Model> {
    let volume = volumes.filter(volume::Column::Id.eq(id)).one(db).await?;
    volume.ok_or(Error::NotFound("volume"))
}

/// The hypervisor whose agent works on `volume`.
pub async fn find_worker(
    db: &impl ConnectionTrait,
    volume: &volume::Model,
) -> Result<HypervisorId> {
    let attached = match volume.instance_id {
        Some(id) => instance::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(facts::worker(volume, attached.as_ref()))
}
