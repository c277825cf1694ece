//! Making and changing volume plans.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::Credit;

use super::audit::audited;
use crate::{
    domain::plan::{self, Create, Terms},
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        scalar::{ByteCount, Decimal},
        types::{StorageType, VolumePlan},
        visible,
    },
};

/// What the new plan is to be.
#[derive(Debug, InputObject)]
pub struct CreateVolumePlanInput {
    /// 1 to 128 characters.
    pub name: String,
    /// Of its volumes: a whole number of MiB (2^20 bytes).
    pub size_bytes: ByteCount,
    /// What its volumes lie on.
    pub storage_type: StorageType,
    /// The cap on a volume's snapshots: 0 to 1000; 0 allows none.
    #[graphql(default_with = "Some(5)")]
    pub max_snapshots: Option<i32>,
    /// The cap on a volume's backups: 0 to 1000; 0 allows none.
    #[graphql(default_with = "Some(10)")]
    pub max_backups: Option<i32>,
    /// Credits for each GB of retained snapshots and month.
    #[graphql(default_with = "Some(Decimal(Credit::default()))")]
    pub snapshot_credit_value: Option<Decimal>,
    /// Credits for each GB of retained backups and month.
    #[graphql(default_with = "Some(Decimal(Credit::default()))")]
    pub backup_credit_value: Option<Decimal>,
    /// Whether new volumes may have it.
    #[graphql(default_with = "Some(true)")]
    pub enabled: Option<bool>,
    /// How long an operation on its volumes may take before it is failed, 600 to 2592000 seconds; the gateway's setting
    /// unless said otherwise.
    pub operation_deadline_seconds: Option<i32>,
}

/// A plan that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateVolumePlanPayload {
    /// The plan.
    pub plan: VolumePlan,
}

/// What to change of a plan. What is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateVolumePlanInput {
    /// The plan.
    pub plan_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// The cap on a volume's snapshots: 0 to 1000. Lowering it deletes nothing.
    pub max_snapshots: Option<i32>,
    /// The cap on a volume's backups: 0 to 1000. Lowering it deletes nothing.
    pub max_backups: Option<i32>,
    /// Credits for each GB of retained snapshots and month.
    pub snapshot_credit_value: Option<Decimal>,
    /// Credits for each GB of retained backups and month.
    pub backup_credit_value: Option<Decimal>,
    /// Whether new volumes may have it.
    pub enabled: Option<bool>,
    /// How long an operation on its volumes may take before it is failed, 600 to 2592000 seconds, for those that are
    /// accepted from now on. An explicit null makes it the gateway's setting.
    pub operation_deadline_seconds: MaybeUndefined<i32>,
}

/// A plan that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateVolumePlanPayload {
    /// The plan.
    pub plan: VolumePlan,
}

/// Which volume plan to delete.
#[derive(Debug, InputObject)]
pub struct DeleteVolumePlanInput {
    /// The plan: no volume and no backup has it.
    pub plan_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// A plan that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteVolumePlanPayload {
    /// The id that it had.
    pub deleted_plan_id: ID,
}

/// Changes to volume plans.
#[derive(Debug, Default)]
pub struct PlanMutation;

#[Object]
impl PlanMutation {
    /// Makes a plan. Its size and storage type stay for ever.
    #[graphql(visible = "visible::to_admins")]
    async fn create_volume_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateVolumePlanInput,
    ) -> Result<Option<CreateVolumePlanPayload>> {
        audited(ctx, &[], async {
            let wanted = Create {
                name: input.name.clone(),
                size_bytes: input.size_bytes.0,
                storage_type: input.storage_type.into(),
                terms: Terms {
                    name: None,
                    max_snapshots: input.max_snapshots,
                    max_backups: input.max_backups,
                    snapshot_credit_value: input.snapshot_credit_value.map(|value| value.0),
                    backup_credit_value: input.backup_credit_value.map(|value| value.0),
                    enabled: input.enabled,
                    operation_deadline_seconds: Some(input.operation_deadline_seconds),
                },
            };
            let plan = plan::create(app(ctx)?, admin(ctx)?, wanted).await?.into();
            Ok(CreateVolumePlanPayload { plan })
        })
        .await
    }

    /// Changes a plan.
    #[graphql(visible = "visible::to_admins")]
    async fn update_volume_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateVolumePlanInput,
    ) -> Result<Option<UpdateVolumePlanPayload>> {
        audited(ctx, &[&input.plan_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.plan_id, "volume plan")?;
            let deadline = input.operation_deadline_seconds.as_opt_ref();
            let terms = Terms {
                name: input.name.clone(),
                max_snapshots: input.max_snapshots,
                max_backups: input.max_backups,
                snapshot_credit_value: input.snapshot_credit_value.map(|value| value.0),
                backup_credit_value: input.backup_credit_value.map(|value| value.0),
                enabled: input.enabled,
                operation_deadline_seconds: deadline.map(Option::<&_>::copied),
            };
            let plan = plan::update(app(ctx)?, requester, id, terms).await?.into();
            Ok(UpdateVolumePlanPayload { plan })
        })
        .await
    }

    /// Deletes a plan that no volume and no backup has. History goes on to name it.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_volume_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteVolumePlanInput,
    ) -> Result<Option<DeleteVolumePlanPayload>> {
        audited(ctx, &[&input.plan_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.plan_id, "volume plan")?;
            plan::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteVolumePlanPayload {
                deleted_plan_id: input.plan_id.clone(),
            })
        })
        .await
    }
}
