//! Making, changing, starting and stopping instances.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::Credit;

use super::audit::audited;
use crate::{
    domain::instance::{self, Create},
    graphql::{
        context::{admin, app, user},
        error::Result,
        id,
        scalar::Decimal,
        types::Instance,
        visible,
    },
};

/// Which instance to start.
#[derive(Debug, InputObject)]
pub struct StartInstanceInput {
    /// The instance.
    pub instance_id: ID,
}

/// An instance that was started.
#[derive(Debug, SimpleObject)]
pub struct StartInstancePayload {
    /// The instance, which is RUNNING.
    pub instance: Instance,
}

/// Which instance to stop.
#[derive(Debug, InputObject)]
pub struct StopInstanceInput {
    /// The instance.
    pub instance_id: ID,
}

/// An instance that was stopped.
#[derive(Debug, SimpleObject)]
pub struct StopInstancePayload {
    /// The instance, which is STOPPED.
    pub instance: Instance,
}

/// What the new instance is to be.
#[derive(Debug, InputObject)]
pub struct CreateInstanceInput {
    /// Its owner.
    pub account_id: ID,
    /// Where it runs.
    pub hypervisor_id: ID,
    /// 1 to 128 characters.
    pub name: String,
    /// What an hour of running costs.
    #[graphql(default_with = "Some(Decimal(Credit::default()))")]
    pub credits_per_hour: Option<Decimal>,
    /// The path of its QMP socket on the hypervisor.
    pub qmp_socket: Option<String>,
}

/// An instance that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateInstancePayload {
    /// The instance, which is STOPPED.
    pub instance: Instance,
}

/// What to change of an instance.
#[derive(Debug, InputObject)]
pub struct UpdateInstanceInput {
    /// The instance.
    pub instance_id: ID,
    /// 1 to 128 characters.
    pub name: String,
}

/// An instance that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateInstancePayload {
    /// The instance.
    pub instance: Instance,
}

/// Which instance to delete.
#[derive(Debug, InputObject)]
pub struct DeleteInstanceInput {
    /// The instance: it is STOPPED and has no volumes.
    pub instance_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// An instance that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteInstancePayload {
    /// The id that it had.
    pub deleted_instance_id: ID,
}

/// Changes to instances.
#[derive(Debug, Default)]
pub struct InstanceMutation;

#[Object]
impl InstanceMutation {
    /// Starts an instance. Refused while a restore or a delete holds one of its volumes.
    #[graphql(visible = "visible::to_users")]
    async fn start_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: StartInstanceInput,
    ) -> Result<Option<StartInstancePayload>> {
        audited(ctx, &[&input.instance_id], async {
            let requester = user(ctx)?;
            let id = id::find(&input.instance_id, "instance")?;
            let instance = instance::start(app(ctx)?, requester, id).await?.into();
            Ok(StartInstancePayload { instance })
        })
        .await
    }

    /// Stops an instance.
    #[graphql(visible = "visible::to_users")]
    async fn stop_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: StopInstanceInput,
    ) -> Result<Option<StopInstancePayload>> {
        audited(ctx, &[&input.instance_id], async {
            let requester = user(ctx)?;
            let id = id::find(&input.instance_id, "instance")?;
            let instance = instance::stop(app(ctx)?, requester, id).await?.into();
            Ok(StopInstancePayload { instance })
        })
        .await
    }

    /// Makes an instance.
    #[graphql(visible = "visible::to_admins")]
    async fn create_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateInstanceInput,
    ) -> Result<Option<CreateInstancePayload>> {
        audited(ctx, &[&input.account_id, &input.hypervisor_id], async {
            let requester = admin(ctx)?;
            let wanted = Create {
                account_id: id::find(&input.account_id, "account")?,
                hypervisor_id: id::find(&input.hypervisor_id, "hypervisor")?,
                name: input.name.clone(),
                credits_per_hour: input
                    .credits_per_hour
                    .map_or_else(Credit::default, |credits| credits.0),
                qmp_socket: input.qmp_socket.clone(),
            };
            let instance = instance::create(app(ctx)?, requester, wanted).await?.into();
            Ok(CreateInstancePayload { instance })
        })
        .await
    }

    /// Calls an instance something else.
    #[graphql(visible = "visible::to_admins")]
    async fn update_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateInstanceInput,
    ) -> Result<Option<UpdateInstancePayload>> {
        audited(ctx, &[&input.instance_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.instance_id, "instance")?;
            let instance = instance::rename(app(ctx)?, requester, id, &input.name).await?;
            Ok(UpdateInstancePayload {
                instance: instance.into(),
            })
        })
        .await
    }

    /// Deletes an instance that is stopped and has no volumes. History goes on to name it.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteInstanceInput,
    ) -> Result<Option<DeleteInstancePayload>> {
        audited(ctx, &[&input.instance_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.instance_id, "instance")?;
            instance::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteInstancePayload {
                deleted_instance_id: input.instance_id.clone(),
            })
        })
        .await
    }
}
