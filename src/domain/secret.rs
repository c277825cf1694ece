//! The secrets that are kept: where they stand, sealing them, and whether all of them still open.

use entity::{BackupStorageId, Sealed, StoragePoolId, backup_storage, storage_pool};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use storage::Secret;

use super::{Error, Result, transaction::Transaction};
use crate::{
    app::App,
    secret::{self, Place},
};

pub use secret::Error as Cause;

/// A secret that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Where it stands.
    owner: Owner,
    /// Whose it is, for a person: `backup storage "vault"`.
    pub name: String,
    sealed: Sealed,
}

/// Whose secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The key of a bucket.
    BackupStorage(BackupStorageId),
    /// The keyring of a Ceph pool.
    StoragePool(StoragePoolId),
}

impl Owner {
    fn place(self) -> Place {
        match self {
            Self::BackupStorage(id) => Place {
                table: "backup_storages",
                column: "s3_secret_access_key",
                row: id.to_string(),
            },
            Self::StoragePool(id) => Place {
                table: "storage_pools",
                column: "rbd_keyring",
                row: id.to_string(),
            },
        }
    }
}

/// Encrypts a secret of `owner`.
pub fn seal(app: &App, owner: Owner, secret: &Secret) -> Result<Sealed> {
    app.keys
        .seal(&owner.place(), secret)
        .map_err(|error| match error {
            secret::Error::NoKey => Error::NoSecretKey,
            error => Error::Broken(format!("a secret is not kept: {error}")),
        })
}

impl Kept {
    /// The secret of a backup storage, if it has one.
    pub fn of_backup_storage(storage: &backup_storage::Model) -> Option<Self> {
        Some(Self {
            owner: Owner::BackupStorage(storage.id),
            name: Self::name_of(storage),
            sealed: storage.s3_secret_access_key.clone()?,
        })
    }

    /// How a backup storage is called.
    pub fn name_of(storage: &backup_storage::Model) -> String {
        format!("backup storage \"{}\"", storage.name)
    }

    /// The secret of a storage pool, if it has one.
    pub fn of_storage_pool(pool: &storage_pool::Model) -> Option<Self> {
        Some(Self {
            owner: Owner::StoragePool(pool.id),
            name: format!("storage pool \"{}\"", pool.name),
            sealed: pool.rbd_keyring.clone()?,
        })
    }

    /// The secret itself.
    pub fn open(&self, app: &App) -> Result<Secret> {
        let secret = app.keys.open(&self.owner.place(), &self.sealed);
        secret.map_err(|cause| Error::SecretUnreadable {
            owner: self.name.clone(),
            cause,
        })
    }
}

/// All secrets that are kept.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Kept>> {
    let storages = backup_storage::Entity::find()
        .filter(backup_storage::Column::S3SecretAccessKey.is_not_null())
        .all(db)
        .await?;
    let pools = storage_pool::Entity::find()
        .filter(storage_pool::Column::RbdKeyring.is_not_null())
        .all(db)
        .await?;
    let kept = storages.iter().filter_map(Kept::of_backup_storage);
    Ok(kept
        .chain(pools.iter().filter_map(Kept::of_storage_pool))
        .collect())
}

/// Encrypts with the first key what was encrypted with another, and says how many secrets that
/// were. One that does not open stops it, and nothing is changed.
pub async fn reencrypt(app: &App) -> Result<u64> {
    let tx = Transaction::begin(app).await?;
    let mut changed = 0;
    for kept in list(tx.db()).await? {
        if !app.keys.is_current(&kept.sealed) {
            let sealed = seal(app, kept.owner, &kept.open(app)?)?;
            changed += kept.replace(tx.db(), sealed).await?;
        }
    }
    tx.commit().await?;
    Ok(changed)
}

impl Kept {
    /// Keeps `sealed` in its place, unless another secret has been set meanwhile.
    async fn replace(&self, db: &impl ConnectionTrait, sealed: Sealed) -> Result<u64> {
        let old = self.sealed.clone();
        let replaced = match self.owner {
            Owner::BackupStorage(id) => {
                let column = backup_storage::Column::S3SecretAccessKey;
                backup_storage::Entity::update_many()
                    .col_expr(column, Expr::value(sealed))
                    .filter(backup_storage::Column::Id.eq(id))
                    .filter(column.eq(old))
                    .exec(db)
                    .await?
            }
            Owner::StoragePool(id) => {
                let column = storage_pool::Column::RbdKeyring;
                storage_pool::Entity::update_many()
                    .col_expr(column, Expr::value(sealed))
                    .filter(storage_pool::Column::Id.eq(id))
                    .filter(column.eq(old))
                    .exec(db)
                    .await?
            }
        };
        Ok(replaced.rows_affected)
    }
}
