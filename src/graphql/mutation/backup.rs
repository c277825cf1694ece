//! Making and deleting backups.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::operation::{
        find_backup,
        submit::{self, Request},
    },
    graphql::{
        context::{app, user},
        error::Result,
        id,
        types::{Backup, Operation},
        visible,
    },
};

/// What to make a backup of.
#[derive(Debug, InputObject)]
pub struct CreateBackupInput {
    /// The volume.
    pub volume_id: ID,
    /// 1 to 128 characters; a name with the time if left out.
    pub name: Option<String>,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A backup that was asked for.
#[derive(Debug, SimpleObject)]
pub struct CreateBackupPayload {
    /// The backup, which is PENDING.
    pub backup: Backup,
    /// The operation that makes it.
    pub operation: Operation,
}

/// Which backup to delete.
#[derive(Debug, InputObject)]
pub struct DeleteBackupInput {
    /// The backup.
    pub backup_id: ID,
    /// Its exact name.
    pub confirm_name: String,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A backup that is being deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteBackupPayload {
    /// The backup, which is DELETING.
    pub backup: Backup,
    /// The operation that deletes it.
    pub operation: Operation,
}

/// Changes to backups.
#[derive(Debug, Default)]
pub struct BackupMutation;

#[Object]
impl BackupMutation {
    /// Makes a backup: a full export to the backup storage of the volume's hypervisor.
    #[graphql(visible = "visible::to_users")]
    async fn create_backup(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of what.")] input: CreateBackupInput,
    ) -> Result<Option<CreateBackupPayload>> {
        audited(ctx, &[&input.volume_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::CreateBackup {
                volume_id: id::find(&input.volume_id, "volume")?,
                name: input.name.clone(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::create_backup(app, request).await?;
            let backup = find_backup(app, &operation).await?.into();
            Ok(CreateBackupPayload {
                backup,
                operation: operation.into(),
            })
        })
        .await
    }

    /// Deletes a backup from its backup storage.
    #[graphql(visible = "visible::to_users")]
    async fn delete_backup(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteBackupInput,
    ) -> Result<Option<DeleteBackupPayload>> {
        audited(ctx, &[&input.backup_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::DeleteBackup {
                backup_id: id::find(&input.backup_id, "backup")?,
                confirm_name: input.confirm_name.clone(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::delete_backup(app, request).await?;
            let backup = find_backup(app, &operation).await?.into();
            Ok(DeleteBackupPayload {
                backup,
                operation: operation.into(),
            })
        })
        .await
    }
}
