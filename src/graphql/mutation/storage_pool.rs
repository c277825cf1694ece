//! Making storage pools.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use storage::Secret;

use super::audit::audited;
use crate::{
    domain::{
        Error,
        storage_pool::{self, CephPool, Location, Reach},
    },
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::{StoragePool, StorageReach},
        visible,
    },
};

/// A directory of qcow2 files.
#[derive(Debug, InputObject)]
pub struct Qcow2FilePoolInput {
    /// The directory's absolute path on the hypervisors.
    pub path: String,
}

/// A pool of RBD images. In an update, what is left out stays as it is, and an explicit null clears
/// it.
#[derive(InputObject)]
pub struct CephRbdPoolInput {
    /// Its name in the cluster.
    pub pool: String,
    /// The user that agents are, without "client." before it.
    pub user: String,
    /// The cluster's configuration file on the hypervisors; Ceph's own default if there is none.
    pub config_path: MaybeUndefined<String>,
    /// That user's key: bare, or as `ceph auth get` prints it. It is kept encrypted and can never be
    /// read. Without it, the hypervisors have it where their configuration names it.
    #[graphql(secret)]
    pub keyring: MaybeUndefined<String>,
}

impl From<CephRbdPoolInput> for CephPool {
    fn from(input: CephRbdPoolInput) -> Self {
        Self {
            pool: input.pool,
            user: input.user,
            config_path: input.config_path.into(),
            keyring: input.keyring.map_value(Secret::new).into(),
        }
    }
}

/// What the new pool is to be: exactly one of the two kinds. It serves the volumes of its group
/// whose plan has its storage type.
#[derive(InputObject)]
pub struct CreateStoragePoolInput {
    /// The group.
    pub hypervisor_group_id: ID,
    /// 1 to 128 characters.
    pub name: String,
    /// A directory of qcow2 files.
    pub qcow2_file: Option<Qcow2FilePoolInput>,
    /// A pool of RBD images.
    pub ceph_rbd: Option<CephRbdPoolInput>,
    /// Which hypervisors reach it. Left out: every one of the group, but of a directory of files where the group has
    /// one hypervisor only that one.
    pub reach: Option<StorageReach>,
    /// Of a local one: the hypervisor. It may be left out where the group has only one.
    pub hypervisor_id: Option<ID>,
}

/// A pool that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateStoragePoolPayload {
    /// The pool.
    pub storage_pool: StoragePool,
}

/// What to change of a pool. What is left out stays as it is; the storage type always does.
#[derive(InputObject)]
pub struct UpdateStoragePoolInput {
    /// The pool.
    pub storage_pool_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// A directory of qcow2 files. It cannot be changed while volumes lie there.
    pub qcow2_file: Option<Qcow2FilePoolInput>,
    /// A pool of RBD images. Which one cannot be changed while volumes lie there; the user and its
    /// key always can.
    pub ceph_rbd: Option<CephRbdPoolInput>,
    /// Which hypervisors reach it. It becomes local only to a hypervisor that all of its volumes are on. Its marker is
    /// written anew by the next that works there.
    pub reach: Option<StorageReach>,
    /// Of a local one: the hypervisor. It may be left out where the group has only one.
    pub hypervisor_id: Option<ID>,
}

/// A pool that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateStoragePoolPayload {
    /// The pool.
    pub storage_pool: StoragePool,
}

/// Which storage pool to delete.
#[derive(Debug, InputObject)]
pub struct DeleteStoragePoolInput {
    /// The pool: no volume lies in it.
    pub storage_pool_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// A storage pool that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteStoragePoolPayload {
    /// The id that it had.
    pub deleted_storage_pool_id: ID,
}

/// Changes to storage pools.
#[derive(Debug, Default)]
pub struct StoragePoolMutation;

#[Object]
impl StoragePoolMutation {
    /// Makes a storage pool.
    #[graphql(visible = "visible::to_admins")]
    async fn create_storage_pool(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateStoragePoolInput,
    ) -> Result<Option<CreateStoragePoolPayload>> {
        let named = input.hypervisor_group_id.clone();
        audited(ctx, &[&named], async move {
            let requester = admin(ctx)?;
            let group = id::find(&input.hypervisor_group_id, "hypervisor group")?;
            let location = location(input.qcow2_file, input.ceph_rbd)?.ok_or_else(not_one)?;
            let reach = reach(input.reach, input.hypervisor_id.as_ref())?;
            let (app, name) = (app(ctx)?, &input.name);
            let pool = storage_pool::create(app, requester, group, name, location, reach).await?;
            Ok(CreateStoragePoolPayload {
                storage_pool: pool.into(),
            })
        })
        .await
    }

    /// Changes a storage pool.
    #[graphql(visible = "visible::to_admins")]
    async fn update_storage_pool(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateStoragePoolInput,
    ) -> Result<Option<UpdateStoragePoolPayload>> {
        let named = input.storage_pool_id.clone();
        audited(ctx, &[&named], async move {
            let requester = admin(ctx)?;
            let id = id::find(&input.storage_pool_id, "storage pool")?;
            let location = location(input.qcow2_file, input.ceph_rbd)?;
            let name = input.name.as_deref();
            let reach = reach(input.reach, input.hypervisor_id.as_ref())?;
            let pool =
                storage_pool::update(app(ctx)?, requester, id, name, location, reach).await?;
            Ok(UpdateStoragePoolPayload {
                storage_pool: pool.into(),
            })
        })
        .await
    }

    /// Deletes a storage pool that holds no volumes, and its key. What is there on disk stays.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_storage_pool(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteStoragePoolInput,
    ) -> Result<Option<DeleteStoragePoolPayload>> {
        audited(ctx, &[&input.storage_pool_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.storage_pool_id, "storage pool")?;
            storage_pool::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteStoragePoolPayload {
                deleted_storage_pool_id: input.storage_pool_id.clone(),
            })
        })
        .await
    }
}

/// At most one of the kinds.
fn location(
    qcow2_file: Option<Qcow2FilePoolInput>,
    ceph_rbd: Option<CephRbdPoolInput>,
) -> Result<Option<Location>> {
    match (qcow2_file, ceph_rbd) {
        (None, None) => Ok(None),
        (Some(pool), None) => Ok(Some(Location::Qcow2File { path: pool.path })),
        (None, Some(pool)) => Ok(Some(Location::CephRbd(pool.into()))),
        (Some(_), Some(_)) => Err(not_one().into()),
    }
}

fn reach(reach: Option<StorageReach>, hypervisor: Option<&ID>) -> Result<Option<Reach>> {
    let hypervisor = hypervisor
        .map(|id| id::find(id, "hypervisor"))
        .transpose()?;
    match (reach, hypervisor) {
        (Some(StorageReach::Shared), None) => Ok(Some(Reach::Shared)),
        (Some(StorageReach::Shared), Some(_)) => {
            let message = "`hypervisorId` is for local storage pools: a shared one has none.";
            Err(Error::invalid(message).into())
        }
        (None, None) => Ok(None),
        (Some(StorageReach::Local) | None, hypervisor) => Ok(Some(Reach::Local(hypervisor))),
    }
}

fn not_one() -> Error {
    Error::invalid("Give exactly one of qcow2File and cephRbd.")
}
