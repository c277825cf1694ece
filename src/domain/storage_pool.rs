//! Storage pools: where the volumes of a hypervisor group lie.

use entity::{HypervisorGroupId, StoragePoolId, storage_pool, volume_plan::StorageType};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

use super::{
    Error, Requester, Result,
    hypervisor::find_group,
    text::{self, absolute_path},
    transaction::Transaction,
};
use crate::app::App;

/// What kind of pool, and where it is.
#[derive(Debug)]
pub enum Location {
    /// A directory of qcow2 files.
    Qcow2File {
        /// The directory on the hypervisors.
        path: String,
    },
    /// A pool of RBD images.
    CephRbd {
        /// Its name in the cluster.
        pool: String,
        /// The user that agents are.
        user: String,
        /// The cluster's configuration file on the hypervisors.
        config_path: Option<String>,
    },
}

/// Makes a pool.
pub async fn create(
    app: &App,
    requester: &Requester,
    group_id: HypervisorGroupId,
    name: &str,
    location: Location,
) -> Result<storage_pool::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    find_group(tx.db(), group_id).await?;
    let mut pool = storage_pool::ActiveModel {
        id: Set(app.ids.next(StoragePoolId::from_uuid)),
        group_id: Set(group_id),
        name: Set(text::name(name)?),
        storage_type: Set(StorageType::Qcow2File),
        path: Set(None),
        rbd_pool: Set(None),
        rbd_user: Set(None),
        rbd_config_path: Set(None),
        created_at: Set(tx.now()),
    };
    match location {
        Location::Qcow2File { path } => pool.path = Set(Some(absolute_path(&path)?)),
        Location::CephRbd {
            pool: name,
            user,
            config_path,
        } => {
            pool.storage_type = Set(StorageType::CephRbd);
            pool.rbd_pool = Set(Some(ceph_name("pool", &name)?));
            pool.rbd_user = Set(Some(ceph_name("user", &user)?));
            pool.rbd_config_path = Set(config_path.as_deref().map(absolute_path).transpose()?);
        }
    }
    let pool = pool.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(pool)
}

/// A name in a Ceph cluster: what cannot be mistaken for another part of an image's address.
fn ceph_name(what: &str, name: &str) -> Result<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if !name.is_empty() && name.len() <= 128 && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(format!(
        "A Ceph {what} has 1 to 128 letters, digits, dots, underscores and hyphens."
    )))
}
