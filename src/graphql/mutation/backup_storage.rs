//! Making, changing and testing backup storages.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::{
        Error,
        backup_storage::{self, Location},
    },
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::{BackupStorage, BackupStorageTest},
        visible,
    },
};

/// A bucket of an S3-compatible store.
#[derive(InputObject)]
pub struct S3StorageInput {
    /// The store's URL; that of AWS in the region if left out.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with.
    pub prefix: Option<String>,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    #[graphql(secret)]
    pub secret_access_key: Option<String>,
    /// The bucket stands in the path, not in the host's name.
    pub force_path_style: Option<bool>,
}

/// A directory of an NFS export.
#[derive(Debug, InputObject)]
pub struct NfsStorageInput {
    /// The server's name or address.
    pub server: String,
    /// The export.
    pub export: String,
    /// The directory in it.
    pub directory: Option<String>,
}

/// A directory of the hypervisors themselves. It is lost with its host.
#[derive(Debug, InputObject)]
pub struct LocalStorageInput {
    /// The directory's absolute path. It must exist.
    pub path: String,
}

/// What the new backup storage is to be: exactly one of the three kinds.
#[derive(InputObject)]
pub struct CreateBackupStorageInput {
    /// 1 to 128 characters.
    pub name: String,
    /// A bucket.
    pub s3: Option<S3StorageInput>,
    /// An NFS export.
    pub nfs: Option<NfsStorageInput>,
    /// A local directory.
    pub local: Option<LocalStorageInput>,
}

/// A backup storage that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateBackupStoragePayload {
    /// The backup storage.
    pub backup_storage: BackupStorage,
}

/// What to change of a backup storage. What is left out stays as it is; the kind always does.
#[derive(InputObject)]
pub struct UpdateBackupStorageInput {
    /// The backup storage.
    pub backup_storage_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// A bucket.
    pub s3: Option<S3StorageInput>,
    /// An NFS export.
    pub nfs: Option<NfsStorageInput>,
    /// A local directory. It cannot be changed while backups lie there.
    pub local: Option<LocalStorageInput>,
}

/// A backup storage that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateBackupStoragePayload {
    /// The backup storage.
    pub backup_storage: BackupStorage,
}

/// What to test, and from where.
#[derive(Debug, InputObject)]
pub struct TestBackupStorageInput {
    /// The backup storage.
    pub backup_storage_id: ID,
    /// Whose agent is to test it; the gateway itself does if left out.
    pub hypervisor_id: Option<ID>,
}

/// How the test ended.
#[derive(Debug, SimpleObject)]
pub struct TestBackupStoragePayload {
    /// The test.
    pub test: BackupStorageTest,
}

/// Changes to backup storages.
#[derive(Debug, Default)]
pub struct BackupStorageMutation;

#[Object]
impl BackupStorageMutation {
    /// Makes a backup storage.
    #[graphql(visible = "visible::to_admins")]
    async fn create_backup_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateBackupStorageInput,
    ) -> Result<CreateBackupStoragePayload> {
        audited(ctx, &[], async {
            let requester = admin(ctx)?;
            let location = location(input.s3.as_ref(), input.nfs.as_ref(), input.local.as_ref())?;
            let location =
                location.ok_or_else(|| Error::invalid("Give exactly one of s3, nfs and local."))?;
            let storage =
                backup_storage::create(app(ctx)?, requester, &input.name, location).await?;
            Ok(CreateBackupStoragePayload {
                backup_storage: storage.into(),
            })
        })
        .await
    }

    /// Changes a backup storage.
    #[graphql(visible = "visible::to_admins")]
    async fn update_backup_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateBackupStorageInput,
    ) -> Result<UpdateBackupStoragePayload> {
        audited(ctx, &[&input.backup_storage_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.backup_storage_id, "backup storage")?;
            let location = location(input.s3.as_ref(), input.nfs.as_ref(), input.local.as_ref())?;
            let name = input.name.as_deref();
            let storage = backup_storage::update(app(ctx)?, requester, id, name, location).await?;
            Ok(UpdateBackupStoragePayload {
                backup_storage: storage.into(),
            })
        })
        .await
    }

    /// Writes, reads back and deletes a small object there, and says what failed.
    #[graphql(visible = "visible::to_admins")]
    async fn test_backup_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, and from where.")] input: TestBackupStorageInput,
    ) -> Result<TestBackupStoragePayload> {
        audited(ctx, &[&input.backup_storage_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.backup_storage_id, "backup storage")?;
            let hypervisor = input.hypervisor_id.as_ref();
            let hypervisor = hypervisor
                .map(|id| id::find(id, "hypervisor"))
                .transpose()?;
            let test = backup_storage::test(app(ctx)?, requester, id, hypervisor).await?;
            Ok(TestBackupStoragePayload { test: test.into() })
        })
        .await
    }
}

/// At most one of the kinds.
fn location(
    s3: Option<&S3StorageInput>,
    nfs: Option<&NfsStorageInput>,
    local: Option<&LocalStorageInput>,
) -> Result<Option<Location>> {
    match (s3, nfs, local) {
        (None, None, None) => Ok(None),
        (None, None, Some(local)) => Ok(Some(Location::Local {
            path: local.path.clone(),
        })),
        (Some(_), None, None) | (None, Some(_), None) => Err(Error::invalid(
            "This version writes backups to local directories only. Give `local`.",
        )
        .into()),
        _ => Err(Error::invalid("Give exactly one of s3, nfs and local.").into()),
    }
}
