//! Backup storages: where backups are written to, and how it is reached.

mod location;
mod test;

use entity::{
    BackupStorageId, HypervisorId, PlaceId, Scope, backup, backup_storage,
    backup_storage::BackupStorageKind, hypervisor, hypervisor_group,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QuerySelect, TryIntoModel,
};
use storage::{Destination, NfsExport, S3Bucket, Secret};

pub use self::{
    location::{Bucket, Export, Location, summary},
    test::{answer, list_asked_of, test},
};
use super::{
    Error, Requester, Result,
    in_use::check_unused,
    place_mark::{self, Mark, Place},
    secret::{self, Kept, Owner, seal},
    text,
    transaction::Transaction,
};
use crate::app::App;
use crate::domain::room::ensure_room;
use crate::limits::MAX_BACKUP_STORAGES;

/// Slower than this no backup of a volume of any size ends in time.
const MIN_BANDWIDTH_BYTES: i64 = 64 << 10;

/// The backup storage `id`.
pub async fn find(db: &impl ConnectionTrait, id: BackupStorageId) -> Result<backup_storage::Model> {
    let storage = backup_storage::Entity::present()
        .filter(backup_storage::Column::Id.eq(id))
        .one(db)
        .await?;
    storage.ok_or(Error::NotFound("backup storage"))
}

/// Makes a backup storage. `bandwidth_limit` is in bytes a second, for each agent.
pub async fn create(
    app: &App,
    requester: &Requester,
    name: &str,
    location: Location,
    bandwidth_limit: Option<i64>,
) -> Result<backup_storage::Model> {
    requester.admin()?;
    let id = app.ids.next(BackupStorageId::from_uuid);
    let tx = Transaction::begin(app).await?;
    let all = backup_storage::Entity::find();
    ensure_room(&tx, all, MAX_BACKUP_STORAGES, "backup storages").await?;
    let mut storage = backup_storage::ActiveModel {
        id: Set(id),
        name: Set(text::name(name)?),
        kind: Set(location.kind()),
        bandwidth_limit: Set(bandwidth_limit.map(bandwidth).transpose()?),
        created_at: Set(tx.now()),
        ..Default::default()
    };
    match location.write(&mut storage)? {
        Some(secret) => keep(app, &mut storage, id, &secret)?,
        None if storage.s3_bucket.is_set() => {
            return Err(Error::invalid(
                "Give `s3.secretAccessKey`, the access key's secret.",
            ));
        }
        None => {}
    }
    let storage = storage.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(storage)
}

/// What to change of a backup storage.
#[derive(Debug, Default)]
pub struct Update<'a> {
    /// What it is called.
    pub name: Option<&'a str>,
    /// Where it is. Its kind cannot change.
    pub location: Option<Location>,
    /// In bytes a second, for each agent; `Some(None)` clears it.
    pub bandwidth_limit: Option<Option<i64>>,
}

/// Changes a backup storage. One that holds backups cannot be pointed elsewhere; the key that it is
/// reached with can always be changed.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: BackupStorageId,
    update: Update<'_>,
) -> Result<backup_storage::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let storage = backup_storage::Entity::present()
        .filter(backup_storage::Column::Id.eq(id))
        // Stronger than other locks of rows: a backup that refers to it waits, too.
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let storage = storage.ok_or(Error::NotFound("backup storage"))?;
    let mut changed = storage.clone().into_active_model();
    if let Some(name) = update.name {
        changed.name = Set(text::name(name)?);
    }
    if let Some(limit) = update.bandwidth_limit {
        changed.bandwidth_limit = Set(limit.map(bandwidth).transpose()?);
    }
    if let Some(location) = update.location {
        point(app, &storage, &mut changed, location)?;
        let pointed = changed.clone().try_into_model()?;
        if location::address(&pointed) != location::address(&storage) {
            let backups = count_backups(tx.db(), id).await?;
            if backups > 0 {
                return Err(Error::invalid(format!(
                    "The backup storage holds {backups} backups and cannot be pointed elsewhere."
                )));
            }
            place_mark::forget(&tx, PlaceId::from_uuid(id.as_uuid())).await?;
        }
    }
    let storage = changed.update(tx.db()).await?;
    tx.commit().await?;
    Ok(storage)
}

fn point(
    app: &App,
    storage: &backup_storage::Model,
    changed: &mut backup_storage::ActiveModel,
    location: Location,
) -> Result<()> {
    if location.kind() != storage.kind {
        return Err(Error::invalid(
            "The kind of a backup storage cannot be changed.",
        ));
    }
    match location.write(changed)? {
        Some(secret) => keep(app, changed, storage.id, &secret),
        None if *changed.s3_access_key_id.as_ref() != storage.s3_access_key_id => {
            Err(Error::invalid(
                "Give `s3.secretAccessKey`, too: another access key has another secret.",
            ))
        }
        None => Ok(()),
    }
}

async fn count_backups(db: &impl ConnectionTrait, id: BackupStorageId) -> Result<u64> {
    Ok(backup::Entity::visible_to(Scope::Everything)
        .filter(backup::Column::BackupStorageId.eq(id))
        .count(db)
        .await?)
}

/// Deletes a backup storage that holds no backups and that nobody writes to, and its key. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: BackupStorageId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let storage = backup_storage::Entity::present()
        .filter(backup_storage::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let storage = storage.ok_or(Error::NotFound("backup storage"))?;
    text::confirm(confirm_name, &storage.name)?;
    let groups = hypervisor_group::Entity::present()
        .filter(hypervisor_group::Column::BackupStorageId.eq(id))
        .count(tx.db())
        .await?;
    let hypervisors = hypervisor::Entity::present()
        .filter(hypervisor::Column::BackupStorageId.eq(id))
        .count(tx.db())
        .await?;
    let what = format!("Backup storage \"{}\"", storage.name);
    let users = [
        (count_backups(tx.db(), id).await?, "backup"),
        (groups, "hypervisor group"),
        (hypervisors, "hypervisor"),
    ];
    check_unused(&what, &users)?;
    let mut deleted = storage.into_active_model();
    place_mark::forget(&tx, PlaceId::from_uuid(id.as_uuid())).await?;
    deleted.s3_secret_access_key = Set(None);
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

fn keep(
    app: &App,
    storage: &mut backup_storage::ActiveModel,
    id: BackupStorageId,
    secret: &Secret,
) -> Result<()> {
    let sealed = seal(app, Owner::BackupStorage(id), secret)?;
    storage.s3_secret_access_key = Set(Some(sealed));
    Ok(())
}

fn bandwidth(limit: i64) -> Result<i64> {
    if limit >= MIN_BANDWIDTH_BYTES {
        return Ok(limit);
    }
    Err(Error::invalid(format!(
        "`bandwidthLimit` is at least {MIN_BANDWIDTH_BYTES} bytes a second."
    )))
}

/// A backup storage, and how it is reached: with its secret, for whoever works with it.
#[derive(Debug)]
pub struct Access {
    /// The backup storage.
    pub storage: backup_storage::Model,
    /// How it is reached.
    pub destination: Destination,
    /// What has to be found there. None of a local one for the gateway itself, which has no such place.
    pub mark: Option<Mark>,
}

impl Access {
    /// The access to `storage` of the agent of `worker`, or of the gateway itself.
    pub async fn to(
        app: &App,
        storage: backup_storage::Model,
        worker: Option<HypervisorId>,
    ) -> Result<Self> {
        let destination = destination(app, &storage)?;
        let mark = match Place::of_storage(&storage, worker) {
            Some(place) => Some(place_mark::expected(app, place).await?),
            None => None,
        };
        Ok(Self {
            storage,
            destination,
            mark,
        })
    }
}

/// An operator has cleared it by hand, because its key is lost.
fn missing(storage: &backup_storage::Model) -> Error {
    Error::SecretUnreadable {
        owner: Kept::name_of(storage),
        cause: secret::Cause::Missing,
    }
}

fn destination(app: &App, storage: &backup_storage::Model) -> Result<Destination> {
    let broken = || Error::Broken(format!("the backup storage {} lacks a part", storage.id));
    let part = |part: &Option<String>| part.clone().ok_or_else(broken);
    Ok(match storage.kind {
        BackupStorageKind::Local => Destination::Local {
            path: part(&storage.path)?.into(),
        },
        BackupStorageKind::S3 => Destination::S3(S3Bucket {
            endpoint: storage.s3_endpoint.clone(),
            region: part(&storage.s3_region)?,
            bucket: part(&storage.s3_bucket)?,
            prefix: storage.s3_prefix.clone(),
            access_key_id: part(&storage.s3_access_key_id)?,
            secret_access_key: match Kept::of_backup_storage(storage) {
                Some(kept) => kept.open(app)?,
                None => return Err(missing(storage)),
            },
            force_path_style: storage.s3_force_path_style,
        }),
        BackupStorageKind::Nfs => Destination::Nfs(NfsExport {
            server: part(&storage.nfs_server)?,
            export: part(&storage.nfs_export)?,
            directory: storage.nfs_directory.clone(),
        }),
    })
}
