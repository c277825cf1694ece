//! Making, changing, deleting, attaching and detaching volumes.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::{
        operation::{
            find_volume,
            submit::{self, Request},
        },
        volume::{
            attach::{attach, detach},
            change::{move_to_plan, rename},
        },
    },
    graphql::{
        context::{admin, app, user},
        error::Result,
        id,
        types::{Operation, Volume},
        visible,
    },
};

/// What the new volume is to be.
#[derive(Debug, InputObject)]
pub struct CreateVolumeInput {
    /// 1 to 128 characters.
    pub name: String,
    /// Its plan, which gives its size and storage type.
    pub plan_id: ID,
    /// Where it is to lie.
    pub hypervisor_group_id: ID,
    /// Whose it is to be: the caller's own account unless said otherwise. Only administrators may name another.
    pub account_id: Option<ID>,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A volume that was asked for.
#[derive(Debug, SimpleObject)]
pub struct CreateVolumePayload {
    /// The volume, which is CREATING.
    pub volume: Volume,
    /// The operation that makes it.
    pub operation: Operation,
}

/// What to change of a volume.
#[derive(Debug, InputObject)]
pub struct UpdateVolumeInput {
    /// The volume.
    pub volume_id: ID,
    /// 1 to 128 characters.
    pub name: String,
}

/// A volume that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateVolumePayload {
    /// The volume.
    pub volume: Volume,
}

/// Which volume gets which plan.
#[derive(Debug, InputObject)]
pub struct MoveVolumeToPlanInput {
    /// The volume.
    pub volume_id: ID,
    /// An enabled plan of the volume's size and storage type.
    pub plan_id: ID,
}

/// A volume that has another plan.
#[derive(Debug, SimpleObject)]
pub struct MoveVolumeToPlanPayload {
    /// The volume.
    pub volume: Volume,
}

/// Which volume to delete.
#[derive(Debug, InputObject)]
pub struct DeleteVolumeInput {
    /// A volume without snapshots that is not attached.
    pub volume_id: ID,
    /// Its exact name.
    pub confirm_name: String,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A volume that is being deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteVolumePayload {
    /// The volume, which is DELETING.
    pub volume: Volume,
    /// The operation that deletes it.
    pub operation: Operation,
}

/// What to attach to what.
#[derive(Debug, InputObject)]
pub struct AttachVolumeInput {
    /// The volume.
    pub volume_id: ID,
    /// An instance of the same account, in the same hypervisor group.
    pub instance_id: ID,
}

/// A volume that was attached.
#[derive(Debug, SimpleObject)]
pub struct AttachVolumePayload {
    /// The volume.
    pub volume: Volume,
}

/// What to detach.
#[derive(Debug, InputObject)]
pub struct DetachVolumeInput {
    /// The volume.
    pub volume_id: ID,
}

/// A volume that was detached.
#[derive(Debug, SimpleObject)]
pub struct DetachVolumePayload {
    /// The volume.
    pub volume: Volume,
}

/// Changes to volumes.
#[derive(Debug, Default)]
pub struct VolumeMutation;

#[Object]
impl VolumeMutation {
    /// Makes an empty volume, in the caller's account or in one that an administrator names.
    #[graphql(visible = "visible::to_users")]
    async fn create_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateVolumeInput,
    ) -> Result<Option<CreateVolumePayload>> {
        let mut named = vec![&input.plan_id, &input.hypervisor_group_id];
        named.extend(&input.account_id);
        audited(ctx, &named, async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let account = input.account_id.as_ref();
            let wanted = submit::CreateVolume {
                name: input.name.clone(),
                plan_id: id::find(&input.plan_id, "volume plan")?,
                group_id: id::find(&input.hypervisor_group_id, "hypervisor group")?,
                account_id: account.map(|id| id::find(id, "account")).transpose()?,
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::create_volume(app, request).await?;
            let volume = find_volume(app, &operation).await?.into();
            Ok(CreateVolumePayload {
                volume,
                operation: operation.into(),
            })
        })
        .await
    }

    /// Calls a volume something else.
    #[graphql(visible = "visible::to_users")]
    async fn update_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateVolumeInput,
    ) -> Result<Option<UpdateVolumePayload>> {
        audited(ctx, &[&input.volume_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let id = id::find(&input.volume_id, "volume")?;
            let volume = rename(app, requester, id, &input.name).await?.into();
            Ok(UpdateVolumePayload { volume })
        })
        .await
    }

    /// Gives a volume another plan of its size and storage type. The caps of that plan count from then on and
    /// delete nothing, and the volume's backups follow it.
    #[graphql(visible = "visible::to_admins")]
    async fn move_volume_to_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and to which.")] input: MoveVolumeToPlanInput,
    ) -> Result<Option<MoveVolumeToPlanPayload>> {
        audited(ctx, &[&input.volume_id, &input.plan_id], async {
            let (app, requester) = (app(ctx)?, admin(ctx)?);
            let volume = id::find(&input.volume_id, "volume")?;
            let plan = id::find(&input.plan_id, "volume plan")?;
            let volume = move_to_plan(app, requester, volume, plan).await?.into();
            Ok(MoveVolumeToPlanPayload { volume })
        })
        .await
    }

    /// Deletes a volume from storage. Its snapshots must be deleted first; its backups stay.
    #[graphql(visible = "visible::to_users")]
    async fn delete_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteVolumeInput,
    ) -> Result<Option<DeleteVolumePayload>> {
        audited(ctx, &[&input.volume_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::DeleteVolume {
                volume_id: id::find(&input.volume_id, "volume")?,
                confirm_name: input.confirm_name.clone(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::delete_volume(app, request).await?;
            let volume = find_volume(app, &operation).await?.into();
            Ok(DeleteVolumePayload {
                volume,
                operation: operation.into(),
            })
        })
        .await
    }

    /// Attaches a volume to an instance. Again to the same instance, it changes nothing.
    #[graphql(visible = "visible::to_users")]
    async fn attach_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to what.")] input: AttachVolumeInput,
    ) -> Result<Option<AttachVolumePayload>> {
        audited(ctx, &[&input.volume_id, &input.instance_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let volume = id::find(&input.volume_id, "volume")?;
            let instance = id::find(&input.instance_id, "instance")?;
            let volume = attach(app, requester, volume, instance).await?.into();
            Ok(AttachVolumePayload { volume })
        })
        .await
    }

    /// Detaches a volume from its instance. One that is not attached stays as it is.
    #[graphql(visible = "visible::to_users")]
    async fn detach_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DetachVolumeInput,
    ) -> Result<Option<DetachVolumePayload>> {
        audited(ctx, &[&input.volume_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let volume = id::find(&input.volume_id, "volume")?;
            let volume = detach(app, requester, volume).await?.into();
            Ok(DetachVolumePayload { volume })
        })
        .await
    }
}
