//! Making, changing and testing backup storages.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use storage::Secret;

use super::audit::audited;
use crate::{
    domain::{
        Error,
        backup_storage::{self, Bucket, Export, Location, Update},
    },
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        scalar::ByteCount,
        types::{BackupStorage, BackupStorageTest},
        visible,
    },
};

/// A bucket of an S3-compatible store. In an update, what is left out stays as it is, and an
/// explicit null clears it.
#[derive(InputObject)]
pub struct S3StorageInput {
    /// The store's URL: http or https, without user, query and fragment. That of AWS in the region
    /// if there is none.
    pub endpoint: MaybeUndefined<String>,
    /// The region.
    pub region: String,
    /// The bucket, which exists: at AWS 3 to 63 lower-case letters, digits, hyphens and dots; other stores have rules of
    /// their own, and a tenant of Ceph's stands before it with a colon.
    pub bucket: String,
    /// What the keys begin with: parts of letters, digits, hyphens, underscores and dots, with "/"
    /// between them.
    pub prefix: MaybeUndefined<String>,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret. It is kept encrypted and can never be read. In an update it stays if
    /// left out, unless the access key is another one.
    #[graphql(secret)]
    pub secret_access_key: Option<String>,
    /// The bucket stands in the path, not in the host's name; what the endpoint is likely to want if
    /// not said.
    pub force_path_style: MaybeUndefined<bool>,
}

impl From<S3StorageInput> for Bucket {
    fn from(input: S3StorageInput) -> Self {
        Self {
            endpoint: input.endpoint.into(),
            region: input.region,
            bucket: input.bucket,
            prefix: input.prefix.into(),
            access_key_id: input.access_key_id,
            secret_access_key: input.secret_access_key.map(Secret::new),
            force_path_style: input.force_path_style.into(),
        }
    }
}

/// A directory of an NFS export. In an update, what is left out stays as it is, and an explicit null
/// clears it.
#[derive(Debug, InputObject)]
pub struct NfsStorageInput {
    /// The server's name or address, with ":" and its port where that is not 2049.
    pub server: String,
    /// The export's absolute path, as the server names it.
    pub export: String,
    /// The directory in it, which exists: a relative path.
    pub directory: MaybeUndefined<String>,
}

impl From<NfsStorageInput> for Export {
    fn from(input: NfsStorageInput) -> Self {
        Self {
            server: input.server,
            export: input.export,
            directory: input.directory.into(),
        }
    }
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
    /// How many bytes a second each agent may write there and read from there: at least 65536. As
    /// many as it can if left out.
    pub bandwidth_limit: Option<ByteCount>,
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
    /// A bucket. Which one cannot be changed while backups lie there; its key always can.
    pub s3: Option<S3StorageInput>,
    /// An NFS export. It cannot be changed while backups lie there.
    pub nfs: Option<NfsStorageInput>,
    /// A local directory. It cannot be changed while backups lie there.
    pub local: Option<LocalStorageInput>,
    /// How many bytes a second each agent may write there and read from there: at least 65536. An
    /// explicit null lifts the limit. Operations that run already keep the old one.
    pub bandwidth_limit: MaybeUndefined<ByteCount>,
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

/// Which backup storage to delete.
#[derive(Debug, InputObject)]
pub struct DeleteBackupStorageInput {
    /// The backup storage: no backup lies there, and no group or hypervisor names it.
    pub backup_storage_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// A backup storage that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteBackupStoragePayload {
    /// The id that it had.
    pub deleted_backup_storage_id: ID,
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
    ) -> Result<Option<CreateBackupStoragePayload>> {
        audited(ctx, &[], async move {
            let requester = admin(ctx)?;
            let location = location(input.s3, input.nfs, input.local)?.ok_or_else(not_one)?;
            let (name, limit) = (&input.name, input.bandwidth_limit.map(|limit| limit.0));
            let storage =
                backup_storage::create(app(ctx)?, requester, name, location, limit).await?;
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
    ) -> Result<Option<UpdateBackupStoragePayload>> {
        let named = input.backup_storage_id.clone();
        audited(ctx, &[&named], async move {
            let requester = admin(ctx)?;
            let id = id::find(&input.backup_storage_id, "backup storage")?;
            let update = Update {
                name: input.name.as_deref(),
                location: location(input.s3, input.nfs, input.local)?,
                bandwidth_limit: input.bandwidth_limit.map_value(|limit| limit.0).into(),
            };
            let storage = backup_storage::update(app(ctx)?, requester, id, update).await?;
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
    ) -> Result<Option<TestBackupStoragePayload>> {
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

    /// Deletes a backup storage that holds no backups and that no group or hypervisor names, and its key.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_backup_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteBackupStorageInput,
    ) -> Result<Option<DeleteBackupStoragePayload>> {
        audited(ctx, &[&input.backup_storage_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.backup_storage_id, "backup storage")?;
            backup_storage::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteBackupStoragePayload {
                deleted_backup_storage_id: input.backup_storage_id.clone(),
            })
        })
        .await
    }
}

/// At most one of the kinds.
fn location(
    s3: Option<S3StorageInput>,
    nfs: Option<NfsStorageInput>,
    local: Option<LocalStorageInput>,
) -> Result<Option<Location>> {
    match (s3, nfs, local) {
        (None, None, None) => Ok(None),
        (Some(s3), None, None) => Ok(Some(Location::S3(s3.into()))),
        (None, Some(nfs), None) => Ok(Some(Location::Nfs(nfs.into()))),
        (None, None, Some(local)) => Ok(Some(Location::Local { path: local.path })),
        _ => Err(not_one().into()),
    }
}

fn not_one() -> Error {
    Error::invalid("Give exactly one of s3, nfs and local.")
}
