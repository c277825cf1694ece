//! Short lists under their parents, which are never paged.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entity::{AccountId, BackupStorageId, HypervisorGroupId, InstanceId, PlaceId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Query};

use super::Reader;
use crate::graphql::error::{Failure, Result};

/// The volumes that are attached to an instance, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumesOfInstance(pub InstanceId);

/// The users of an account, by email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UsersOfAccount(pub AccountId);

/// The hypervisors of a group, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HypervisorsOfGroup(pub HypervisorGroupId);

/// The enabled plans whose storage type one of the group's pools has, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlansOfGroup(pub HypervisorGroupId);

/// The newest test of a backup storage that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastTestOf(pub BackupStorageId);

/// What is known of a place, on each hypervisor where it is local.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MarksOf(pub PlaceId);

impl Loader<VolumesOfInstance> for Reader {
    type Value = Arc<Vec<Arc<entity::volume::Model>>>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[VolumesOfInstance],
    ) -> Result<HashMap<VolumesOfInstance, Self::Value>> {
        use entity::volume::{Column, Entity};
        let rows = Entity::visible_to(self.scope()?)
            .filter(Column::InstanceId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(self.db())
            .await?;
        let rows = rows.into_iter().filter_map(|row| {
            let instance = row.instance_id?;
            Some((VolumesOfInstance(instance), row))
        });
        Ok(gather(keys, rows))
    }
}

impl Loader<UsersOfAccount> for Reader {
    type Value = Arc<Vec<Arc<entity::user::Model>>>;
    type Error = Failure;

    async fn load(&self, keys: &[UsersOfAccount]) -> Result<HashMap<UsersOfAccount, Self::Value>> {
        use entity::user::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::AccountId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Column::Email)
            .all(self.db())
            .await?;
        let rows = rows
            .into_iter()
            .map(|row| (UsersOfAccount(row.account_id), row));
        Ok(gather(keys, rows))
    }
}

impl Loader<HypervisorsOfGroup> for Reader {
    type Value = Arc<Vec<Arc<entity::hypervisor::Model>>>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[HypervisorsOfGroup],
    ) -> Result<HashMap<HypervisorsOfGroup, Self::Value>> {
        use entity::hypervisor::{Column, Entity};
        let rows = Entity::present()
            .filter(Column::GroupId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .all(self.db())
            .await?;
        let rows = rows
            .into_iter()
            .map(|row| (HypervisorsOfGroup(row.group_id), row));
        Ok(gather(keys, rows))
    }
}

impl Loader<PlansOfGroup> for Reader {
    type Value = Arc<Vec<Arc<entity::volume_plan::Model>>>;
    type Error = Failure;

    async fn load(&self, keys: &[PlansOfGroup]) -> Result<HashMap<PlansOfGroup, Self::Value>> {
        use entity::{storage_pool, volume_plan};
        let pools = storage_pool::Entity::present()
            .filter(storage_pool::Column::GroupId.is_in(keys.iter().map(|key| key.0)))
            .all(self.db())
            .await?;
        let plans = volume_plan::Entity::present()
            .filter(volume_plan::Column::Enabled.eq(true))
            .order_by_asc(volume_plan::Column::Name)
            .order_by_asc(volume_plan::Column::Id)
            .all(self.db())
            .await?;
        let plans: Vec<_> = plans.into_iter().map(Arc::new).collect();
        let of_group = |key: &PlansOfGroup| {
            let serves = |plan: &&Arc<volume_plan::Model>| {
                pools
                    .iter()
                    .any(|pool| pool.group_id == key.0 && pool.storage_type == plan.storage_type)
            };
            (
                *key,
                Arc::new(plans.iter().filter(serves).cloned().collect()),
            )
        };
        Ok(keys.iter().map(of_group).collect())
    }
}

impl Loader<LastTestOf> for Reader {
    type Value = Arc<entity::backup_storage_test::Model>;
    type Error = Failure;

    async fn load(&self, keys: &[LastTestOf]) -> Result<HashMap<LastTestOf, Self::Value>> {
        use entity::backup_storage_test::{Column, Entity};
        let newest = Query::select()
            .expr(Column::Id.max())
            .from(Entity)
            .and_where(Column::FinishedAt.is_not_null())
            .and_where(Column::BackupStorageId.is_in(keys.iter().map(|key| key.0)))
            .group_by_col(Column::BackupStorageId)
            .to_owned();
        let rows = Entity::find()
            .filter(Column::Id.in_subquery(newest))
            .all(self.db())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (LastTestOf(row.backup_storage_id), Arc::new(row)))
            .collect())
    }
}

impl Loader<MarksOf> for Reader {
    type Value = Arc<Vec<Arc<entity::place_mark::Model>>>;
    type Error = Failure;

    async fn load(&self, keys: &[MarksOf]) -> Result<HashMap<MarksOf, Self::Value>> {
        use entity::place_mark::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::PlaceId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Column::HypervisorId)
            .all(self.db())
            .await?;
        let rows = rows.into_iter().map(|row| (MarksOf(row.place_id), row));
        Ok(gather(keys, rows))
    }
}

/// Each key with its rows, in their order; keys without rows have none.
pub fn gather<K, M>(
    keys: &[K],
    rows: impl IntoIterator<Item = (K, M)>,
) -> HashMap<K, Arc<Vec<Arc<M>>>>
where
    K: Copy + Eq + std::hash::Hash,
{
    let mut lists: HashMap<K, Vec<Arc<M>>> = keys.iter().map(|key| (*key, Vec::new())).collect();
    for (key, row) in rows {
        lists.entry(key).or_default().push(Arc::new(row));
    }
    lists
        .into_iter()
        .map(|(key, rows)| (key, Arc::new(rows)))
        .collect()
}
