//! Volumes: made empty, and deleted once their snapshots are gone.

use entity::{
    AccountId, HypervisorGroupId, VolumeId, VolumePlanId, operation,
    operation::OperationKind,
    snapshot,
    snapshot::ItemStatus,
    volume::{self, VolumeState},
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;

use super::{Acceptance, Begun, Draft, Request, pass};
use crate::{
    app::App,
    domain::{
        Error, Result, account, guard, plan, text,
        volume::{self as volumes, birth},
    },
};

/// What [`create_volume`] needs to know.
#[derive(Debug, Serialize)]
pub struct CreateVolume {
    /// What to call it.
    pub name: String,
    /// Of which plan.
    pub plan_id: VolumePlanId,
    /// On which hypervisors.
    pub group_id: HypervisorGroupId,
    /// Whose it is to be, if not the requester's. Left out of the hash of keys that are older than it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
}

/// What [`delete_volume`] needs to know.
#[derive(Debug, Serialize)]
pub struct DeleteVolume {
    /// Which.
    pub volume_id: VolumeId,
    /// Its name, typed.
    pub confirm_name: String,
}

/// Makes an empty volume: in the requester's account, or in one that an administrator names.
pub async fn create_volume(
    app: &App,
    request: Request<'_, CreateVolume>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "createVolume", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let input = &request.input;
    let owner = input.account_id.unwrap_or(acceptance.user.account_id);
    if !request.requester.scope()?.covers(owner) {
        return Err(Error::NotFound("account"));
    }
    acceptance.lock_account(owner).await?;
    let plan = plan::find_enabled(&acceptance.tx, input.plan_id).await?;
    let name = text::name(&input.name)?;
    let settings = &app.settings;
    let quota = account::quota(acceptance.tx.db(), settings, owner).await?;
    let waiting = acceptance.waiting(owner).await?;
    pass(guard::create_volume(quota, plan.size_bytes, waiting))?;
    let place = birth::place(&acceptance.tx, input.group_id, plan.storage_type, None).await?;
    let volume = birth::Birth {
        account: owner,
        name,
        plan: &plan,
        place: &place,
        operation: acceptance.id,
        kind: OperationKind::CreateVolume,
    };
    let volume = volume.insert(&acceptance.tx).await?;
    let draft = Draft::new(
        OperationKind::CreateVolume,
        owner,
        volume.id,
        place.hypervisor_id,
    );
    acceptance.accept(draft).await
}

/// Deletes a volume. Its backups stay.
pub async fn delete_volume(
    app: &App,
    request: Request<'_, DeleteVolume>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "deleteVolume", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let (volume, facts) = acceptance
        .lock_volume(request.requester, request.input.volume_id)
        .await?;
    text::confirm(&request.input.confirm_name, &volume.name)?;
    let snapshots = snapshot::Entity::find()
        .filter(snapshot::Column::VolumeId.eq(volume.id))
        .filter(
            Condition::any()
                .add(snapshot::Column::Status.ne(ItemStatus::Failed))
                .add(snapshot::Column::InDoubt.eq(true)),
        )
        .filter(snapshot::Column::DeletedAt.is_null())
        .count(acceptance.tx.db())
        .await?;
    let waiting = acceptance
        .waiting_for_agents(volume.account_id, volume.on_storage)
        .await?;
    pass(guard::delete_volume(
        &facts,
        snapshots,
        volume.instance_id.is_some(),
        waiting,
    ))?;
    volume::Entity::update_many()
        .col_expr(volume::Column::State, Expr::value(VolumeState::Deleting))
        .filter(volume::Column::Id.eq(volume.id))
        .exec(acceptance.tx.db())
        .await?;
    let worker = volumes::find_worker(acceptance.tx.db(), &volume).await?;
    let draft = Draft::new(
        OperationKind::DeleteVolume,
        volume.account_id,
        volume.id,
        worker,
    );
    acceptance
        .accept(Draft {
            locks: Some(volume.id),
            was_failed: volume.state == VolumeState::Failed,
            is_nowhere: !volume.on_storage,
            ..draft
        })
        .await
}
