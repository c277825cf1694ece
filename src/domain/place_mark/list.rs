//! What administrators are told of all places at once.

use entity::{
    BackupStorageId, StoragePoolId, backup_storage, hypervisor, place_mark, storage_pool,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::Result;

/// The places at which something was wrong when they were last looked at: what each is called, and what was wrong.
pub async fn list_problems(db: &impl ConnectionTrait) -> Result<Vec<(String, String)>> {
    let marks = place_mark::Entity::find()
        .filter(place_mark::Column::ProblemAt.is_not_null())
        .order_by_asc(place_mark::Column::PlaceId)
        .all(db)
        .await?;
    let mut problems = Vec::with_capacity(marks.len());
    for mark in marks {
        let id = mark.place_id.as_uuid();
        let pool = storage_pool::Entity::find_by_id(StoragePoolId::from_uuid(id));
        let name = if let Some(pool) = pool.one(db).await? {
            format!("storage pool \"{}\"", pool.name)
        } else {
            let storage = backup_storage::Entity::find_by_id(BackupStorageId::from_uuid(id));
            let storage = storage.one(db).await?;
            let name = storage.map_or_else(|| id.to_string(), |storage| storage.name);
            format!("backup storage \"{name}\"")
        };
        let host = hypervisor::Entity::find_by_id(mark.hypervisor_id);
        let on = match host.one(db).await? {
            Some(host) => format!(" on {}", host.name),
            None => String::new(),
        };
        problems.push((format!("{name}{on}"), mark.problem.unwrap_or_default()));
    }
    Ok(problems)
}

/// How far each storage pool reaches, which says where its marker is looked for.
pub async fn list_reaches(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let pools = storage_pool::Entity::present()
        .order_by_asc(storage_pool::Column::Id)
        .all(db)
        .await?;
    let mut reaches = Vec::with_capacity(pools.len());
    for pool in pools {
        let host = match pool.hypervisor_id {
            Some(id) => hypervisor::Entity::find_by_id(id).one(db).await?,
            None => None,
        };
        let reach = match host {
            Some(host) => format!("is local to hypervisor \"{}\"", host.name),
            None => "is shared by all hypervisors of its group".to_owned(),
        };
        reaches.push(format!("storage pool \"{}\" {reach}", pool.name));
    }
    Ok(reaches)
}
