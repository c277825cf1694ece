//! Volumes: what the guards need to know of them, who works on them, and how they come to be.

pub mod attach;
pub mod billed;
pub mod birth;
pub mod change;
pub mod facts;
pub mod last_backup;
pub mod measure;

use entity::{HypervisorId, Scope, VolumeId, instance, volume};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::{
    Error, Requester, Result,
    transaction::{ROW_LOCK, Transaction},
};
use crate::app::App;

/// The volume `id` among `volumes`.
pub async fn find(
    db: &impl ConnectionTrait,
    volumes: Select<volume::Entity>,
    id: VolumeId,
) -> Result<volume::Model> {
    let volume = volumes.filter(volume::Column::Id.eq(id)).one(db).await?;
    volume.ok_or(Error::NotFound("volume"))
}

/// The volume `id`, if `requester` may see it, in a transaction that has locked its account and it.
async fn lock<'a>(
    app: &'a App,
    requester: &Requester,
    id: VolumeId,
) -> Result<(Transaction<'a>, volume::Model)> {
    let scope = requester.scope()?;
    let account = match scope {
        Scope::Account(own) => own,
        Scope::Everything => {
            let volumes = volume::Entity::visible_to(scope);
            find(app.database.reads(), volumes, id).await?.account_id
        }
    };
    let tx = Transaction::begin_with_account(app, account).await?;
    let volume = find(
        tx.db(),
        volume::Entity::visible_to(scope).lock(ROW_LOCK),
        id,
    )
    .await?;
    Ok((tx, volume))
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
