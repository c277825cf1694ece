//! Making and changing hypervisors and their groups.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::BackupStorageId;

use super::audit::audited;
use crate::{
    domain::hypervisor,
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::{Hypervisor, HypervisorGroup},
        visible,
    },
};

/// What the new group is to be.
#[derive(Debug, InputObject)]
pub struct CreateHypervisorGroupInput {
    /// 1 to 128 characters.
    pub name: String,
    /// Where its hypervisors write backups.
    pub backup_storage_id: Option<ID>,
}

/// A group that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateHypervisorGroupPayload {
    /// The group.
    pub hypervisor_group: HypervisorGroup,
}

/// What to change of a group. What is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateHypervisorGroupInput {
    /// The group.
    pub hypervisor_group_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// Where its hypervisors write backups. An explicit null clears it.
    pub backup_storage_id: MaybeUndefined<ID>,
}

/// A group that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateHypervisorGroupPayload {
    /// The group.
    pub hypervisor_group: HypervisorGroup,
}

/// What the new hypervisor is to be.
#[derive(Debug, InputObject)]
pub struct CreateHypervisorInput {
    /// Its group.
    pub hypervisor_group_id: ID,
    /// 1 to 128 characters.
    pub name: String,
    /// Where it writes backups, if not where its group does.
    pub backup_storage_id: Option<ID>,
}

/// A hypervisor that was made.
#[derive(SimpleObject)]
pub struct CreateHypervisorPayload {
    /// The hypervisor.
    pub hypervisor: Hypervisor,
    /// What its agent sends as `Authorization: Bearer …`. It is shown once and not kept.
    pub enrolment_token: String,
}

/// What to change of a hypervisor. What is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateHypervisorInput {
    /// The hypervisor.
    pub hypervisor_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// Where it writes backups. An explicit null makes it where its group does.
    pub backup_storage_id: MaybeUndefined<ID>,
}

/// A hypervisor that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateHypervisorPayload {
    /// The hypervisor.
    pub hypervisor: Hypervisor,
}

/// Which hypervisor to delete.
#[derive(Debug, InputObject)]
pub struct DeleteHypervisorInput {
    /// The hypervisor: nothing lies on it, and nothing is in flight there.
    pub hypervisor_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// A hypervisor that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteHypervisorPayload {
    /// The id that it had.
    pub deleted_hypervisor_id: ID,
}

/// Which hypervisor group to delete.
#[derive(Debug, InputObject)]
pub struct DeleteHypervisorGroupInput {
    /// The group: it has no hypervisors and no storage pools, no volume lies in it, and no backup was made there.
    pub hypervisor_group_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// A hypervisor group that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteHypervisorGroupPayload {
    /// The id that it had.
    pub deleted_hypervisor_group_id: ID,
}

/// Changes to hypervisors and their groups.
#[derive(Debug, Default)]
pub struct HypervisorMutation;

#[Object]
impl HypervisorMutation {
    /// Makes a hypervisor group.
    #[graphql(visible = "visible::to_admins")]
    async fn create_hypervisor_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateHypervisorGroupInput,
    ) -> Result<Option<CreateHypervisorGroupPayload>> {
        audited(ctx, &[], async {
            let requester = admin(ctx)?;
            let storage = input.backup_storage_id.as_ref();
            let storage = storage
                .map(|id| id::find(id, "backup storage"))
                .transpose()?;
            let group =
                hypervisor::create_group(app(ctx)?, requester, &input.name, storage).await?;
            Ok(CreateHypervisorGroupPayload {
                hypervisor_group: group.into(),
            })
        })
        .await
    }

    /// Changes a hypervisor group.
    #[graphql(visible = "visible::to_admins")]
    async fn update_hypervisor_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateHypervisorGroupInput,
    ) -> Result<Option<UpdateHypervisorGroupPayload>> {
        audited(ctx, &[&input.hypervisor_group_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_group_id, "hypervisor group")?;
            let storage = backup_storage(&input.backup_storage_id)?;
            let name = input.name.as_deref();
            let group = hypervisor::update_group(app(ctx)?, requester, id, name, storage).await?;
            Ok(UpdateHypervisorGroupPayload {
                hypervisor_group: group.into(),
            })
        })
        .await
    }

    /// Makes a hypervisor, and the token that its agent enrols with.
    #[graphql(visible = "visible::to_admins")]
    async fn create_hypervisor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateHypervisorInput,
    ) -> Result<Option<CreateHypervisorPayload>> {
        audited(ctx, &[&input.hypervisor_group_id], async {
            let requester = admin(ctx)?;
            let group = id::find(&input.hypervisor_group_id, "hypervisor group")?;
            let storage = input.backup_storage_id.as_ref();
            let storage = storage
                .map(|id| id::find(id, "backup storage"))
                .transpose()?;
            let (hypervisor, enrolment_token) =
                hypervisor::create(app(ctx)?, requester, group, &input.name, storage).await?;
            Ok(CreateHypervisorPayload {
                hypervisor: hypervisor.into(),
                enrolment_token,
            })
        })
        .await
    }

    /// Changes a hypervisor.
    #[graphql(visible = "visible::to_admins")]
    async fn update_hypervisor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateHypervisorInput,
    ) -> Result<Option<UpdateHypervisorPayload>> {
        audited(ctx, &[&input.hypervisor_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_id, "hypervisor")?;
            let storage = backup_storage(&input.backup_storage_id)?;
            let name = input.name.as_deref();
            let hypervisor = hypervisor::update(app(ctx)?, requester, id, name, storage).await?;
            Ok(UpdateHypervisorPayload {
                hypervisor: hypervisor.into(),
            })
        })
        .await
    }

    /// Deletes a hypervisor on which nothing lies and nothing is in flight, and ends the tokens of its agent. The
    /// last one of a group stays while the group has backups, which need an agent.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_hypervisor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteHypervisorInput,
    ) -> Result<Option<DeleteHypervisorPayload>> {
        audited(ctx, &[&input.hypervisor_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_id, "hypervisor")?;
            hypervisor::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteHypervisorPayload {
                deleted_hypervisor_id: input.hypervisor_id.clone(),
            })
        })
        .await
    }

    /// Deletes a hypervisor group that has no hypervisors and no storage pools, in which no volume lies and no
    /// backup was made.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_hypervisor_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteHypervisorGroupInput,
    ) -> Result<Option<DeleteHypervisorGroupPayload>> {
        audited(ctx, &[&input.hypervisor_group_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_group_id, "hypervisor group")?;
            hypervisor::delete_group(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteHypervisorGroupPayload {
                deleted_hypervisor_group_id: input.hypervisor_group_id.clone(),
            })
        })
        .await
    }
}

/// What becomes of the backup storage: nothing, none, or another.
#[expect(
    clippy::option_option,
    reason = "left out, null and a value are three things"
)]
fn backup_storage(input: &MaybeUndefined<ID>) -> Result<Option<Option<BackupStorageId>>> {
    Ok(match input {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(id) => Some(Some(id::find(id, "backup storage")?)),
    })
}
