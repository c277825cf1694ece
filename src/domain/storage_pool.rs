//! Storage pools: where the volumes of a hypervisor group lie.

use entity::{
    HypervisorGroupId, HypervisorId, PlaceId, Scope, StoragePoolId, hypervisor, storage_pool,
    volume, volume_plan::StorageType,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, TryIntoModel,
};
use storage::Secret;

use super::{
    Error, Requester, Result, hold,
    in_use::check_unused,
    place_mark::{self, Mark, Place},
    secret::{Kept, Owner, seal},
    text::{self, absolute_path},
    transaction::{HOLD, Transaction},
};
use crate::app::App;
use crate::domain::room::ensure_room;
use crate::limits::MAX_POOLS;

/// The most bytes of a keyring: a key and what it may do.
const MAX_KEYRING_BYTES: usize = 4096;

/// What kind of pool, and where it is.
#[derive(Debug)]
pub enum Location {
    /// A directory of qcow2 files.
    Qcow2File {
        /// The directory on the hypervisors.
        path: String,
    },
    /// A pool of RBD images.
    CephRbd(CephPool),
}

/// A pool of RBD images. Of what may be missing, `None` leaves it as it is and `Some(None)` clears
/// it.
#[derive(Debug)]
pub struct CephPool {
    /// Its name in the cluster.
    pub pool: String,
    /// The user that agents are, with or without `client.` before it.
    pub user: String,
    /// The cluster's configuration file on the hypervisors.
    pub config_path: Option<Option<String>>,
    /// That user's key, bare or as a keyring file has it.
    pub keyring: Option<Option<Secret>>,
}

/// Which hypervisors reach a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every one of its group.
    Shared,
    /// This one, or the only one of the group.
    Local(Option<HypervisorId>),
}

/// Makes a pool. Without a `reach` one of files is local if its group has one hypervisor.
pub async fn create(
    app: &App,
    requester: &Requester,
    group_id: HypervisorGroupId,
    name: &str,
    location: Location,
    reach: Option<Reach>,
) -> Result<storage_pool::Model> {
    requester.admin()?;
    let id = app.ids.next(StoragePoolId::from_uuid);
    let tx = Transaction::begin(app).await?;
    hold::hypervisor_group(&tx, group_id).await?;
    ensure_room(
        &tx,
        storage_pool::Entity::find(),
        MAX_POOLS,
        "storage pools",
    )
    .await?;
    let mut pool = storage_pool::ActiveModel {
        id: Set(id),
        group_id: Set(group_id),
        name: Set(text::name(name)?),
        storage_type: Set(location.storage_type()),
        hypervisor_id: Set(owner(&tx, group_id, location.storage_type(), reach).await?),
        created_at: Set(tx.now()),
        ..Default::default()
    };
    location.write(app, id, &mut pool)?;
    let pool = pool.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(pool)
}

/// Whose own a pool of the group is to be; none if all of its hypervisors reach it.
async fn owner(
    tx: &Transaction<'_>,
    group: HypervisorGroupId,
    storage_type: StorageType,
    reach: Option<Reach>,
) -> Result<Option<HypervisorId>> {
    if storage_type == StorageType::CephRbd {
        return match reach {
            None | Some(Reach::Shared) => Ok(None),
            Some(Reach::Local(_)) => Err(Error::invalid(
                "A Ceph pool is reached by every hypervisor of its group.",
            )),
        };
    }
    if reach == Some(Reach::Shared) {
        return Ok(None);
    }
    let of_group: Vec<HypervisorId> = hypervisor::Entity::present()
        .filter(hypervisor::Column::GroupId.eq(group))
        .order_by_asc(hypervisor::Column::Id)
        .lock(HOLD)
        .all(tx.db())
        .await?
        .into_iter()
        .map(|hypervisor| hypervisor.id)
        .collect();
    match (reach, of_group.as_slice()) {
        (Some(Reach::Local(Some(named))), all) if all.contains(&named) => Ok(Some(named)),
        (Some(Reach::Local(Some(_))), _) => Err(Error::invalid(
            "`hypervisorId` is a hypervisor of the pool's group.",
        )),
        (_, [only]) => Ok(Some(*only)),
        (None, _) => Ok(None),
        (Some(_), _) => Err(Error::invalid(
            "Give `hypervisorId`: the hypervisor that the pool is local to.",
        )),
    }
}

/// Changes a pool. One that holds volumes cannot be pointed elsewhere; who agents are there, and
/// with which key, can always be changed. It becomes local to a hypervisor only if all of its volumes are that one's.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: StoragePoolId,
    name: Option<&str>,
    location: Option<Location>,
    reach: Option<Reach>,
) -> Result<storage_pool::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let pool = storage_pool::Entity::present()
        .filter(storage_pool::Column::Id.eq(id))
        // Stronger than other locks of rows: a volume that refers to it waits, too.
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let pool = pool.ok_or(Error::NotFound("storage pool"))?;
    let mut changed = pool.clone().into_active_model();
    if let Some(name) = name {
        changed.name = Set(text::name(name)?);
    }
    if let Some(location) = location {
        if location.storage_type() != pool.storage_type {
            return Err(Error::invalid(
                "The storage type of a storage pool cannot be changed.",
            ));
        }
        location.write(app, id, &mut changed)?;
        let pointed = changed.clone().try_into_model()?;
        if (&pointed.path, &pointed.rbd_pool) != (&pool.path, &pool.rbd_pool) {
            let volumes = count_volumes(&tx, id).await?;
            if volumes > 0 {
                return Err(Error::invalid(format!(
                    "The storage pool holds {volumes} volumes and cannot be pointed elsewhere."
                )));
            }
            place_mark::forget(&tx, PlaceId::from_uuid(id.as_uuid())).await?;
        }
    }
    if reach.is_some() {
        change_reach(&tx, &pool, &mut changed, reach).await?;
    }
    let pool = changed.update(tx.db()).await?;
    tx.commit().await?;
    Ok(pool)
}

/// A pool's marker names who reaches it: the next that works there marks it anew.
async fn change_reach(
    tx: &Transaction<'_>,
    pool: &storage_pool::Model,
    changed: &mut storage_pool::ActiveModel,
    reach: Option<Reach>,
) -> Result<()> {
    let owner = owner(tx, pool.group_id, pool.storage_type, reach).await?;
    if owner == pool.hypervisor_id {
        return Ok(());
    }
    if let Some(owner) = owner {
        let others = volume::Entity::visible_to(Scope::Everything)
            .filter(volume::Column::PoolId.eq(pool.id))
            .filter(volume::Column::HypervisorId.ne(owner))
            .count(tx.db())
            .await?;
        if others > 0 {
            return Err(Error::invalid(format!(
                "The storage pool holds {others} volumes of other hypervisors."
            )));
        }
    }
    changed.hypervisor_id = Set(owner);
    let reached = storage_pool::Model {
        hypervisor_id: owner,
        ..pool.clone()
    };
    place_mark::renew(tx, Place::of_pool(&reached)).await
}

/// Deletes a pool that holds no volumes, and its key. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: StoragePoolId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let pool = storage_pool::Entity::present()
        .filter(storage_pool::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let pool = pool.ok_or(Error::NotFound("storage pool"))?;
    text::confirm(confirm_name, &pool.name)?;
    let what = format!("Storage pool \"{}\"", pool.name);
    check_unused(&what, &[(count_volumes(&tx, id).await?, "volume")])?;
    let mut deleted = pool.into_active_model();
    place_mark::forget(&tx, PlaceId::from_uuid(id.as_uuid())).await?;
    deleted.rbd_keyring = Set(None);
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

async fn count_volumes(tx: &Transaction<'_>, id: StoragePoolId) -> Result<u64> {
    Ok(volume::Entity::visible_to(Scope::Everything)
        .filter(volume::Column::PoolId.eq(id))
        .count(tx.db())
        .await?)
}

impl Location {
    fn storage_type(&self) -> StorageType {
        match self {
            Self::Qcow2File { .. } => StorageType::Qcow2File,
            Self::CephRbd(_) => StorageType::CephRbd,
        }
    }

    fn write(
        self,
        app: &App,
        id: StoragePoolId,
        row: &mut storage_pool::ActiveModel,
    ) -> Result<()> {
        match self {
            Self::Qcow2File { path } => {
                row.path = Set(Some(absolute_path("qcow2File.path", &path)?));
            }
            Self::CephRbd(ceph) => {
                let user = ceph.user.strip_prefix("client.").unwrap_or(&ceph.user);
                row.rbd_pool = Set(Some(ceph_name("cephRbd.pool", &ceph.pool)?));
                row.rbd_user = Set(Some(ceph_name("cephRbd.user", user)?));
                if let Some(path) = ceph.config_path {
                    let path = path.map(|path| absolute_path("cephRbd.configPath", &path));
                    row.rbd_config_path = Set(path.transpose()?);
                }
                if let Some(key) = ceph.keyring {
                    let owner = Owner::StoragePool(id);
                    let sealed = key.map(|key| seal(app, owner, &keyring(&key)?));
                    row.rbd_keyring = Set(sealed.transpose()?);
                }
            }
        }
        Ok(())
    }
}

/// A storage pool, and the key that agents need there, if they have none of their own.
#[derive(Debug)]
pub struct Access {
    /// The pool.
    pub pool: storage_pool::Model,
    /// Of a Ceph pool: the key.
    pub keyring: Option<Secret>,
    /// What has to be found there.
    pub mark: Mark,
}

impl Access {
    /// The access to `pool`.
    pub async fn to(app: &App, pool: storage_pool::Model) -> Result<Self> {
        let mark = place_mark::expected(app, Place::of_pool(&pool)).await?;
        Self::marked(app, pool, mark)
    }

    /// The access to `pool`, where this is to be found.
    pub fn marked(app: &App, pool: storage_pool::Model, mark: Mark) -> Result<Self> {
        let keyring = Kept::of_storage_pool(&pool);
        let keyring = keyring.map(|kept| kept.open(app)).transpose()?;
        Ok(Self {
            pool,
            keyring,
            mark,
        })
    }
}

/// A name in a Ceph cluster: what cannot be mistaken for another part of an image's address.
fn ceph_name(field: &str, name: &str) -> Result<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if !name.is_empty() && name.len() <= 128 && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(format!(
        "`{field}` has 1 to 128 letters, digits, dots, underscores and hyphens."
    )))
}

/// A key, or a keyring file with one. What is wrong with it is said, never itself.
fn keyring(text: &Secret) -> Result<Secret> {
    let trimmed = text.expose().trim();
    let plain = |char: char| char.is_ascii_graphic() || " \t\r\n".contains(char);
    let is_file = trimmed.starts_with('[') && trimmed.contains("key");
    let is_key = trimmed.chars().all(|char| char.is_ascii_graphic());
    let fits = !trimmed.is_empty() && trimmed.len() <= MAX_KEYRING_BYTES;
    if fits && trimmed.chars().all(plain) && (is_file || is_key) {
        return Ok(Secret::new(trimmed));
    }
    Err(Error::invalid(
        "`cephRbd.keyring` is the user's key, or what `ceph auth get` prints of that user.",
    ))
}
