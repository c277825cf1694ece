//! Restoring, in place or to a new volume.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::operation::{
        find_volume,
        submit::{self, Request, Source},
    },
    graphql::{
        context::{app, user},
        error::Result,
        id,
        types::{Operation, RestoreSource, Volume},
        visible,
    },
};

/// What to overwrite, and with what.
#[derive(Debug, InputObject)]
pub struct RestoreInPlaceInput {
    /// The volume that is overwritten: the one that the item was made from.
    pub volume_id: ID,
    /// One of its snapshots or backups.
    pub source: RestoreSource,
    /// The volume's exact name.
    pub confirm_name: String,
    /// Permits to put a new image in the place of the volume's where that is damaged, gone or of another kind,
    /// and to restore a volume that FAILED. The volume's snapshots, which lay in the old image, then become
    /// FAILED. A sound image is written in place all the same. Only from a backup.
    #[graphql(default_with = "Some(false)")]
    pub replace_image: Option<bool>,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A volume that is being overwritten.
#[derive(Debug, SimpleObject)]
pub struct RestoreInPlacePayload {
    /// The volume, which is RESTORING.
    pub volume: Volume,
    /// The operation that restores it.
    pub operation: Operation,
}

/// What to restore, and what the new volume is to be.
#[derive(Debug, InputObject)]
pub struct RestoreToNewVolumeInput {
    /// A snapshot or backup.
    pub source: RestoreSource,
    /// 1 to 128 characters; the source volume's name and the time if left out.
    pub name: Option<String>,
    /// The source volume's plan if left out.
    pub plan_id: Option<ID>,
    /// The source volume's group if left out.
    pub hypervisor_group_id: Option<ID>,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A volume that is being made from a snapshot or backup.
#[derive(Debug, SimpleObject)]
pub struct RestoreToNewVolumePayload {
    /// The new volume, which is CREATING.
    pub volume: Volume,
    /// The operation that makes it.
    pub operation: Operation,
}

/// Restores.
#[derive(Debug, Default)]
pub struct RestoreMutation;

#[Object]
impl RestoreMutation {
    /// Rolls a volume back: overwrites it with one of its own snapshots or backups. Refused while
    /// the volume is attached to a running instance.
    #[graphql(visible = "visible::to_users")]
    async fn restore_in_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to overwrite, and with what.")] input: RestoreInPlaceInput,
    ) -> Result<Option<RestoreInPlacePayload>> {
        let ids = [&input.volume_id, input.source.id()];
        audited(ctx, &ids, async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::RestoreInPlace {
                volume_id: id::find(&input.volume_id, "volume")?,
                source: source(&input.source)?,
                confirm_name: input.confirm_name.clone(),
                replace_image: input.replace_image.unwrap_or_default(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::restore_in_place(app, request).await?;
            let volume = find_volume(app, &operation).await?.into();
            Ok(RestoreInPlacePayload {
                volume,
                operation: operation.into(),
            })
        })
        .await
    }

    /// Makes a new volume from a snapshot or backup. The source is only read.
    #[graphql(visible = "visible::to_users")]
    async fn restore_to_new_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to restore, and to what.")] input: RestoreToNewVolumeInput,
    ) -> Result<Option<RestoreToNewVolumePayload>> {
        audited(ctx, &[input.source.id()], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let group = input.hypervisor_group_id.as_ref();
            let wanted = submit::RestoreToNewVolume {
                source: source(&input.source)?,
                name: input.name.clone(),
                plan_id: input
                    .plan_id
                    .as_ref()
                    .map(|id| id::find(id, "volume plan"))
                    .transpose()?,
                group_id: group
                    .map(|id| id::find(id, "hypervisor group"))
                    .transpose()?,
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::restore_to_new_volume(app, request).await?;
            let volume = find_volume(app, &operation).await?.into();
            Ok(RestoreToNewVolumePayload {
                volume,
                operation: operation.into(),
            })
        })
        .await
    }
}

fn source(source: &RestoreSource) -> Result<Source> {
    Ok(match source {
        RestoreSource::SnapshotId(id) => Source::Snapshot(id::find(id, "snapshot")?),
        RestoreSource::BackupId(id) => Source::Backup(id::find(id, "backup")?),
    })
}
