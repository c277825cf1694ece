//! Making storage pools.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::{
        Error,
        storage_pool::{self, Location},
    },
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::StoragePool,
        visible,
    },
};

/// A directory of qcow2 files.
#[derive(Debug, InputObject)]
pub struct Qcow2FilePoolInput {
    /// The directory's absolute path on the hypervisors.
    pub path: String,
}

/// A pool of RBD images.
#[derive(InputObject)]
pub struct CephRbdPoolInput {
    /// Its name in the cluster.
    pub pool: String,
    /// The user that agents are.
    pub user: String,
    /// The cluster's configuration file on the hypervisors; Ceph's own default if left out.
    pub config_path: Option<String>,
    /// That user's key. Not kept yet: put it where the configuration file names it.
    #[graphql(secret)]
    pub keyring: Option<String>,
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
}

/// A pool that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateStoragePoolPayload {
    /// The pool.
    pub storage_pool: StoragePool,
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
    ) -> Result<CreateStoragePoolPayload> {
        audited(ctx, &[&input.hypervisor_group_id], async {
            let requester = admin(ctx)?;
            let group = id::find(&input.hypervisor_group_id, "hypervisor group")?;
            let location = location(&input)?;
            let pool =
                storage_pool::create(app(ctx)?, requester, group, &input.name, location).await?;
            Ok(CreateStoragePoolPayload {
                storage_pool: pool.into(),
            })
        })
        .await
    }
}

fn location(input: &CreateStoragePoolInput) -> Result<Location> {
    match (&input.qcow2_file, &input.ceph_rbd) {
        (Some(pool), None) => Ok(Location::Qcow2File {
            path: pool.path.clone(),
        }),
        (None, Some(pool)) if pool.keyring.is_none() => Ok(Location::CephRbd {
            pool: pool.pool.clone(),
            user: pool.user.clone(),
            config_path: pool.config_path.clone(),
        }),
        (None, Some(_)) => Err(Error::invalid(
            "A keyring cannot be kept yet. Leave it out, and put it where the cluster's \
             configuration file on the hypervisors names it.",
        )
        .into()),
        _ => Err(Error::invalid("Give exactly one of qcow2File and cephRbd.").into()),
    }
}
