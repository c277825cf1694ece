//! Marks of places: what an agent has to find in a pool or a backup storage before it works there, and what it
//! found.
//!
//! A disk that is not mounted leaves an empty directory. An agent alone cannot tell that from a new place: the gateway
//! remembers which places were ever marked, on each hypervisor where they are local.

mod list;

use entity::{
    BackupStorageId, HypervisorId, PlaceId, Scope, StoragePoolId, backup, backup_storage,
    backup_storage::BackupStorageKind,
    hypervisor, place_mark,
    snapshot::ItemStatus,
    storage_pool,
    volume::{self, VolumeState},
    volume_plan::StorageType,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};
use storage::{Expected, Marker, ObjectPath, PlaceKind, Standing, format::Location};
use uuid::Uuid;

pub use self::list::{list_problems, list_reaches};
use super::{
    Error, Requester, Result, installation, text,
    transaction::{HOLD, ROW_LOCK, Transaction},
};
use crate::app::App;

/// How many of the things that lie in a place that was never marked are named to prove it.
const WITNESSES: u64 = 5;
/// The generation of a place that nobody has accepted anew.
const FIRST: i32 = 1;
/// The most characters of what an agent says of a place; what is longer is cut.
const MAX_PROBLEM_CHARS: usize = 1000;

/// Where volumes or backups lie, as one hypervisor or several see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    id: PlaceId,
    kind: PlaceKind,
    /// Whose own it is.
    hypervisor: Option<HypervisorId>,
    /// Of a pool: what the names of images have after their volumes' ids.
    image_ending: &'static str,
}

impl Place {
    /// A pool.
    pub fn of_pool(pool: &storage_pool::Model) -> Self {
        Self {
            id: PlaceId::from_uuid(pool.id.as_uuid()),
            kind: PlaceKind::StoragePool,
            hypervisor: pool.hypervisor_id,
            image_ending: match pool.storage_type {
                StorageType::Qcow2File => ".qcow2",
                StorageType::CephRbd => "",
            },
        }
    }

    /// A backup storage as `worker` sees it. A local one is only there on a hypervisor: none for the gateway itself.
    pub fn of_storage(
        storage: &backup_storage::Model,
        worker: Option<HypervisorId>,
    ) -> Option<Self> {
        let is_local = storage.kind == BackupStorageKind::Local;
        (!is_local || worker.is_some()).then_some(Self {
            id: PlaceId::from_uuid(storage.id.as_uuid()),
            kind: PlaceKind::BackupStorage,
            hypervisor: worker.filter(|_| is_local),
            image_ending: "",
        })
    }

    fn key(&self) -> (PlaceId, HypervisorId) {
        (self.id, self.hypervisor.unwrap_or(SHARED))
    }
}

/// What stands for the hypervisor of a place that several share.
pub const SHARED: HypervisorId = HypervisorId::from_uuid(Uuid::nil());

/// What an agent has to find in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What.
    pub expected: Expected,
    /// Whether it is to be told that all is well, too.
    pub is_asked: bool,
}

impl Mark {
    /// The generation that is expected.
    pub fn generation(&self) -> i32 {
        i32::try_from(self.expected.marker.generation).unwrap_or(i32::MAX)
    }
}

/// What has to be found in `place`.
pub async fn expected(app: &App, place: Place) -> Result<Mark> {
    let db = app.database.reads();
    let known = place_mark::Entity::find_by_id(place.key()).one(db).await?;
    let generation = known.as_ref().map_or(FIRST, |mark| mark.generation);
    let standing = standing(known.as_ref());
    let witnesses = match standing {
        Standing::New => witnesses(db, place).await?,
        Standing::Accepted | Standing::Marked => Vec::new(),
    };
    Ok(Mark {
        expected: Expected {
            marker: Marker {
                kind: place.kind,
                installation_id: installation::id(app).await?.as_uuid(),
                place_id: place.id.as_uuid(),
                hypervisor_id: place.hypervisor.map(HypervisorId::as_uuid),
                generation: u32::try_from(generation).map_err(|error| {
                    Error::Broken(format!("the generation of {}: {error}", place.id))
                })?,
            },
            standing,
            witnesses,
        },
        is_asked: standing != Standing::Marked
            || known.is_some_and(|mark| mark.problem_at.is_some()),
    })
}

/// How much is known of a place by its mark.
pub fn standing(mark: Option<&place_mark::Model>) -> Standing {
    match mark {
        Some(mark) if mark.marked_at.is_some() => Standing::Marked,
        Some(mark) if mark.generation > FIRST => Standing::Accepted,
        _ => Standing::New,
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(error.to_string())
}

/// Some of what lies in a place for certain, the newest first.
async fn witnesses(db: &impl ConnectionTrait, place: Place) -> Result<Vec<ObjectPath>> {
    match place.kind {
        PlaceKind::StoragePool => {
            let there = [VolumeState::Available, VolumeState::Deleting];
            let volumes: Vec<String> = volume::Entity::visible_to(Scope::Everything)
                .select_only()
                .column(volume::Column::Id)
                .filter(volume::Column::PoolId.eq(StoragePoolId::from_uuid(place.id.as_uuid())))
                .filter(volume::Column::State.is_in(there))
                .order_by_desc(volume::Column::Id)
                .limit(WITNESSES)
                .into_tuple()
                .all(db)
                .await?;
            let images = volumes
                .iter()
                .map(|id| ObjectPath::new(format!("{id}{}", place.image_ending)));
            images.map(|image| image.map_err(broken)).collect()
        }
        PlaceKind::BackupStorage => {
            let there = [
                ItemStatus::Available,
                ItemStatus::Restoring,
                ItemStatus::Deleting,
            ];
            let storage = BackupStorageId::from_uuid(place.id.as_uuid());
            let mut backups = backup::Entity::visible_to(Scope::Everything)
                .filter(backup::Column::BackupStorageId.eq(storage))
                .filter(backup::Column::Status.is_in(there));
            if let Some(hypervisor) = place.hypervisor {
                backups = backups.filter(backup::Column::HypervisorId.eq(hypervisor));
            }
            let backups = backups
                .order_by_desc(backup::Column::Id)
                .limit(WITNESSES)
                .all(db)
                .await?;
            let manifests = backups.iter().map(|backup| {
                let (volume, id) = (backup.volume_id.as_uuid(), backup.id.as_uuid());
                Ok(Location::new(volume, id).map_err(broken)?.manifest)
            });
            manifests.collect()
        }
    }
}

/// What was found in a place.
#[derive(Clone, Debug)]
pub struct Found {
    /// The generation that was expected.
    pub generation: i32,
    /// What is wrong with it; none if it has its marker.
    pub problem: Option<String>,
}

/// Takes note of what the agent of `hypervisor` has found in a place. False if another generation is expected by now.
pub async fn report(
    app: &App,
    hypervisor: &hypervisor::Model,
    id: PlaceId,
    found: Found,
) -> Result<bool> {
    let place = find(app.database.reads(), hypervisor, id).await?;
    keep(app, place, found).await
}

/// A place that `hypervisor` may work in.
async fn find(
    db: &impl ConnectionTrait,
    hypervisor: &hypervisor::Model,
    id: PlaceId,
) -> Result<Place> {
    let pool = storage_pool::Entity::present()
        .filter(storage_pool::Column::Id.eq(StoragePoolId::from_uuid(id.as_uuid())))
        .filter(storage_pool::Column::GroupId.eq(hypervisor.group_id))
        .one(db)
        .await?;
    let reaches = |pool: &storage_pool::Model| {
        pool.hypervisor_id
            .is_none_or(|owner| owner == hypervisor.id)
    };
    if let Some(pool) = pool.filter(reaches) {
        return Ok(Place::of_pool(&pool));
    }
    let storage = backup_storage::Entity::present()
        .filter(backup_storage::Column::Id.eq(BackupStorageId::from_uuid(id.as_uuid())))
        .one(db)
        .await?;
    storage
        .and_then(|storage| Place::of_storage(&storage, Some(hypervisor.id)))
        .ok_or(Error::NotFound("place"))
}

/// Takes note of what was found in a place.
pub(super) async fn keep(app: &App, place: Place, found: Found) -> Result<bool> {
    let tx = Transaction::begin(app).await?;
    let mark = ensure(&tx, place).await?;
    if mark.generation != found.generation {
        return Ok(false);
    }
    let marked_at = mark.marked_at.or(Some(tx.now()));
    let mut changed = mark.into_active_model();
    if found.problem.is_none() {
        changed.marked_at = Set(marked_at);
    }
    changed.problem_at = Set(found.problem.as_ref().map(|_| tx.now()));
    let problem = found.problem;
    changed.problem = Set(problem.map(|problem| text::printable(&problem, MAX_PROBLEM_CHARS)));
    changed.update(tx.db()).await?;
    tx.commit().await?;
    Ok(true)
}

/// The mark of a place, held; made where there is none.
async fn ensure(tx: &Transaction<'_>, place: Place) -> Result<place_mark::Model> {
    let (place_id, hypervisor_id) = place.key();
    let new = place_mark::ActiveModel {
        place_id: Set(place_id),
        hypervisor_id: Set(hypervisor_id),
        generation: Set(FIRST),
        marked_at: Set(None),
        problem: Set(None),
        problem_at: Set(None),
    };
    let key = [
        place_mark::Column::PlaceId,
        place_mark::Column::HypervisorId,
    ];
    place_mark::Entity::insert(new)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(tx.db())
        .await?;
    place_mark::Entity::find_by_id(place.key())
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::Broken(format!("the mark of {place_id} vanished")))
}

/// What is accepted as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A storage pool.
    Pool(StoragePoolId),
    /// A backup storage.
    Storage(BackupStorageId),
}

/// What was accepted.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// A storage pool.
    Pool(storage_pool::Model),
    /// A backup storage.
    Storage(backup_storage::Model),
}

/// Accepts what is in a place now: whoever works there next marks it anew, unless it belongs to another place.
/// `hypervisor` says where, of one that is local.
pub async fn accept(
    app: &App,
    requester: &Requester,
    target: Target,
    hypervisor: Option<HypervisorId>,
) -> Result<Accepted> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let (place, accepted) = match target {
        Target::Pool(id) => {
            let pool = storage_pool::Entity::present()
                .filter(storage_pool::Column::Id.eq(id))
                .lock(HOLD)
                .one(tx.db())
                .await?;
            let pool = pool.ok_or(Error::NotFound("storage pool"))?;
            (pool_at(&pool, hypervisor)?, Accepted::Pool(pool))
        }
        Target::Storage(id) => {
            let storage = super::hold::backup_storage(&tx, id).await?;
            if let Some(hypervisor) = hypervisor {
                super::hold::hypervisor(&tx, hypervisor).await?;
            }
            (
                storage_at(&storage, hypervisor)?,
                Accepted::Storage(storage),
            )
        }
    };
    renew(&tx, place).await?;
    tx.commit().await?;
    Ok(accepted)
}

fn pool_at(pool: &storage_pool::Model, hypervisor: Option<HypervisorId>) -> Result<Place> {
    if hypervisor.is_some() && hypervisor != pool.hypervisor_id {
        return Err(Error::invalid(
            "`hypervisorId` is the hypervisor that the storage pool is local to.",
        ));
    }
    Ok(Place::of_pool(pool))
}

fn storage_at(storage: &backup_storage::Model, hypervisor: Option<HypervisorId>) -> Result<Place> {
    let is_local = storage.kind == BackupStorageKind::Local;
    if hypervisor.is_some() && !is_local {
        return Err(Error::invalid(
            "`hypervisorId` is for local backup storages: this one is the same for all.",
        ));
    }
    Place::of_storage(storage, hypervisor).ok_or_else(|| {
        Error::invalid("Give `hypervisorId`: a local backup storage is another one on each.")
    })
}

/// Expects the next generation of a place, which is not there yet.
pub(super) async fn renew(tx: &Transaction<'_>, place: Place) -> Result<()> {
    let mark = ensure(tx, place).await?;
    let generation = mark.generation.saturating_add(1);
    let mut renewed = mark.into_active_model();
    renewed.generation = Set(generation);
    renewed.marked_at = Set(None);
    renewed.problem = Set(None);
    renewed.problem_at = Set(None);
    renewed.update(tx.db()).await?;
    Ok(())
}

/// Forgets what is known of a place that lies elsewhere from now on.
pub(super) async fn forget(tx: &Transaction<'_>, id: PlaceId) -> Result<()> {
    place_mark::Entity::delete_many()
        .filter(place_mark::Column::PlaceId.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}
