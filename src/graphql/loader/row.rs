//! Rows by their ids: the edges that lead to one row.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entity::{
    AccountId, BackupId, BackupStorageId, HypervisorGroupId, HypervisorId, InstanceId, OperationId,
    SnapshotId, UserId, VolumeId, VolumePlanId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Reader;
use crate::{
    domain::readable,
    graphql::error::{Failure, Result},
};

/// Of tenants' tables only what the requester may see; of the platform's and of users, which are
/// reached only from rows that the requester may see, all.
macro_rules! by_id {
    ($($noun:ident $id:ident $select:expr;)+) => {$(
        impl Loader<$id> for Reader {
            type Value = Arc<entity::$noun::Model>;
            type Error = Failure;

            async fn load(&self, ids: &[$id]) -> Result<HashMap<$id, Self::Value>> {
                let select: fn(&Self) -> Result<_> = $select;
                let named = entity::$noun::Column::Id.is_in(ids.iter().copied());
                let rows = readable::rows(&self.app, select(self)?.filter(named)).await?;
                let rows = rows.into_iter().flatten();
                Ok(rows.map(|row| (row.id, Arc::new(row))).collect())
            }
        }
    )+};
}

by_id! {
    account AccountId |reader| Ok(entity::account::Entity::once_visible_to(reader.scope()?));
    volume VolumeId |reader| Ok(entity::volume::Entity::visible_to(reader.scope()?));
    snapshot SnapshotId |reader| Ok(entity::snapshot::Entity::visible_to(reader.scope()?));
    backup BackupId |reader| Ok(entity::backup::Entity::visible_to(reader.scope()?));
    operation OperationId |reader| Ok(entity::operation::Entity::visible_to(reader.scope()?));
    instance InstanceId |reader| Ok(entity::instance::Entity::visible_to(reader.scope()?));
    user UserId |_| Ok(entity::user::Entity::find());
    volume_plan VolumePlanId |_| Ok(entity::volume_plan::Entity::find());
    hypervisor_group HypervisorGroupId |_| Ok(entity::hypervisor_group::Entity::find());
    hypervisor HypervisorId |_| Ok(entity::hypervisor::Entity::find());
    backup_storage BackupStorageId |_| Ok(entity::backup_storage::Entity::find());
}

/// A volume, deleted or not: a repeated answer may be about a snapshot that went with its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeletedToo(pub VolumeId);

impl Loader<DeletedToo> for Reader {
    type Value = Arc<entity::volume::Model>;
    type Error = Failure;

    async fn load(&self, ids: &[DeletedToo]) -> Result<HashMap<DeletedToo, Self::Value>> {
        let rows = entity::volume::Entity::once_visible_to(self.scope()?)
            .filter(entity::volume::Column::Id.is_in(ids.iter().map(|DeletedToo(id)| *id)))
            .all(self.db())
            .await?;
        let keyed = |row: entity::volume::Model| (DeletedToo(row.id), Arc::new(row));
        Ok(rows.into_iter().map(keyed).collect())
    }
}
