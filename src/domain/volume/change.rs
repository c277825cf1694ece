//! Changing what a volume is called, and which plan it has.

use entity::{VolumeId, VolumePlanId, backup, snapshot, volume, volume_plan};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::Expr,
};

use super::{
    billed::{bill_backups, bill_snapshots},
    lock,
};
use crate::{
    app::App,
    domain::{Requester, Result, billing::Change, guard::Refusal, plan, text},
    events::Topic,
};

/// Calls a volume something else. Nothing on storage is named after it.
pub async fn rename(
    app: &App,
    requester: &Requester,
    id: VolumeId,
    name: &str,
) -> Result<volume::Model> {
    let (mut tx, volume) = lock(app, requester, id).await?;
    let mut changed = volume.into_active_model();
    changed.name = Set(text::name(name)?);
    let volume = changed.update(tx.db()).await?;
    tx.wake(Topic::Volume(id));
    tx.commit().await?;
    Ok(volume)
}

/// Gives a volume another plan of its size and storage type, whose caps and prices count from then on: what is
/// above a cap stays. Its backups follow it.
pub async fn move_to_plan(
    app: &App,
    requester: &Requester,
    id: VolumeId,
    plan_id: VolumePlanId,
) -> Result<volume::Model> {
    requester.admin()?;
    let (mut tx, volume) = lock(app, requester, id).await?;
    if volume.plan_id == plan_id {
        return Ok(volume);
    }
    let plan = plan::find_enabled(&tx, plan_id).await?;
    check_fit(&volume, &plan)?;
    let mut changed = volume.into_active_model();
    changed.plan_id = Set(plan.id);
    let volume = changed.update(tx.db()).await?;
    backup::Entity::update_many()
        .col_expr(backup::Column::PlanId, Expr::value(plan.id))
        .filter(backup::Column::VolumeId.eq(id))
        .filter(backup::Column::DeletedAt.is_null())
        .exec(tx.db())
        .await?;
    let snapshots = Condition::all().add(snapshot::Column::VolumeId.eq(id));
    bill_snapshots(&mut tx, snapshots, Change::Differs).await?;
    bill_backups(&mut tx, id, Change::Differs).await?;
    tx.wake(Topic::Volume(id));
    tx.commit().await?;
    Ok(volume)
}

/// A volume neither grows nor shrinks, nor goes elsewhere, by another plan.
fn check_fit(volume: &volume::Model, plan: &volume_plan::Model) -> Result<()> {
    if volume.storage_type != plan.storage_type {
        return Err(Refusal::PlanOfAnotherKind {
            volume: volume.storage_type,
            plan: plan.storage_type,
        }
        .into());
    }
    if volume.size_bytes != plan.size_bytes {
        return Err(Refusal::PlanOfAnotherSize {
            volume_bytes: volume.size_bytes,
            plan_bytes: plan.size_bytes,
        }
        .into());
    }
    Ok(())
}
