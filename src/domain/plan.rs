//! Volume plans: size, storage type, caps and prices. Size and storage type never change.

use std::ops::RangeInclusive;

use entity::{Credit, Scope, VolumePlanId, backup, volume, volume_plan, volume_plan::StorageType};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
};

use super::{
    Error, Requester, Result,
    billing::rate::{self, Facts},
    in_use::check_unused,
    text,
    transaction::{HOLD, ROW_LOCK, Transaction},
};
use crate::app::App;
use crate::domain::room::ensure_room;
use crate::limits::MAX_PLANS;

/// Sizes are whole multiples of this: what every storage can make exactly.
const SIZE_UNIT_BYTES: i64 = 1 << 20;
/// The largest size: what a JSON number can say exactly.
const MAX_SIZE_BYTES: i64 = (1 << 53) - 1;
/// The highest cap.
pub const MAX_CAP: i32 = 1000;
/// How many digits a rate has at most behind the point.
const CREDIT_DIGITS: u32 = 12;
/// What a rate is below.
const CREDIT_END: i128 = 1_000_000_000_000;
/// How long operations may take at least and at most: ten minutes, and thirty days.
const DEADLINE_SECONDS: RangeInclusive<i32> = 600..=2_592_000;

/// What [`create`] needs to know.
#[derive(Debug)]
pub struct Create {
    /// What to call it.
    pub name: String,
    /// Of its volumes.
    pub size_bytes: i64,
    /// What its volumes lie on.
    pub storage_type: StorageType,
    /// What can be changed later too.
    pub terms: Terms,
}

/// What can be changed; what is left out stays.
#[derive(Debug, Default)]
pub struct Terms {
    /// What to call it.
    pub name: Option<String>,
    /// The cap on snapshots.
    pub max_snapshots: Option<i32>,
    /// The cap on backups.
    pub max_backups: Option<i32>,
    /// Credits for each GB of retained snapshots and month.
    pub snapshot_credit_value: Option<Credit>,
    /// Credits for each GB of retained backups and month.
    pub backup_credit_value: Option<Credit>,
    /// Whether new volumes may have it.
    pub enabled: Option<bool>,
    /// How long an operation on its volumes may take; `Some(None)` for as long as the settings say.
    pub operation_deadline_seconds: Option<Option<i32>>,
}

/// The plan `id`, deleted or not: that of something that is there.
pub async fn find(db: &impl ConnectionTrait, id: VolumePlanId) -> Result<volume_plan::Model> {
    let plan = volume_plan::Entity::find_by_id(id).one(db).await?;
    plan.ok_or(Error::NotFound("volume plan"))
}

/// The plan `id`, if new volumes may have it. It is not deleted before the transaction ends.
pub async fn find_enabled(tx: &Transaction<'_>, id: VolumePlanId) -> Result<volume_plan::Model> {
    let plan = volume_plan::Entity::present()
        .filter(volume_plan::Column::Id.eq(id))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    let plan = plan.ok_or(Error::NotFound("volume plan"))?;
    if plan.enabled {
        Ok(plan)
    } else {
        Err(Error::invalid(format!(
            "Volume plan \"{}\" is disabled. Choose another.",
            plan.name
        )))
    }
}

/// Makes a plan.
pub async fn create(app: &App, requester: &Requester, input: Create) -> Result<volume_plan::Model> {
    requester.admin()?;
    let size = input.size_bytes;
    if size <= 0 || size > MAX_SIZE_BYTES || size % SIZE_UNIT_BYTES != 0 {
        return Err(Error::invalid(
            "A plan's size is a whole number of MiB (2^20 bytes).",
        ));
    }
    let tx = Transaction::begin(app).await?;
    ensure_room(&tx, volume_plan::Entity::find(), MAX_PLANS, "volume plans").await?;
    let mut plan = volume_plan::ActiveModel {
        id: Set(app.ids.next(VolumePlanId::from_uuid)),
        name: Set(text::name(&input.name)?),
        size_bytes: Set(size),
        storage_type: Set(input.storage_type),
        enabled: Set(true),
        max_snapshots: Set(5),
        max_backups: Set(10),
        snapshot_credit_value: Set(Credit::default()),
        backup_credit_value: Set(Credit::default()),
        operation_deadline_seconds: Set(None),
        created_at: Set(tx.now()),
        deleted_at: Set(None),
    };
    change(app, &mut plan, input.terms)?;
    let plan = plan.insert(tx.db()).await?;
    rate::begin(facts(&tx), &plan).await?;
    tx.commit().await?;
    Ok(plan)
}

/// Changes a plan. A lowered cap deletes nothing.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: VolumePlanId,
    terms: Terms,
) -> Result<volume_plan::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let plan = volume_plan::Entity::present()
        .filter(volume_plan::Column::Id.eq(id))
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let before = plan.ok_or(Error::NotFound("volume plan"))?;
    let mut plan = before.clone().into_active_model();
    change(app, &mut plan, terms)?;
    let plan = plan.update(tx.db()).await?;
    rate::change(facts(&tx), &before, &plan).await?;
    tx.commit().await?;
    Ok(plan)
}

/// Deletes a plan that no volume and no backup has. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: VolumePlanId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let plan = volume_plan::Entity::present()
        .filter(volume_plan::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let plan = plan.ok_or(Error::NotFound("volume plan"))?;
    text::confirm(confirm_name, &plan.name)?;
    let volumes = volume::Entity::visible_to(Scope::Everything)
        .filter(volume::Column::PlanId.eq(id))
        .count(tx.db())
        .await?;
    let backups = backup::Entity::visible_to(Scope::Everything)
        .filter(backup::Column::PlanId.eq(id))
        .count(tx.db())
        .await?;
    let users = [(volumes, "volume"), (backups, "backup")];
    check_unused(&format!("Plan \"{}\"", plan.name), &users)?;
    let mut deleted = plan.into_active_model();
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

/// As which the rates of a plan are kept.
fn facts<'a>(tx: &'a Transaction<'_>) -> Facts<'a, DatabaseTransaction> {
    Facts {
        clock: &tx.app().clock,
        db: tx.db(),
        now: tx.now(),
    }
}

fn change(app: &App, plan: &mut volume_plan::ActiveModel, terms: Terms) -> Result<()> {
    if let Some(name) = terms.name {
        plan.name = Set(text::name(&name)?);
    }
    if let Some(cap) = terms.max_snapshots {
        plan.max_snapshots = Set(checked_cap(cap)?);
    }
    if let Some(cap) = terms.max_backups {
        plan.max_backups = Set(checked_cap(cap)?);
    }
    if let Some(value) = terms.snapshot_credit_value {
        plan.snapshot_credit_value = Set(checked_credit(value)?);
    }
    if let Some(value) = terms.backup_credit_value {
        plan.backup_credit_value = Set(checked_credit(value)?);
    }
    if let Some(enabled) = terms.enabled {
        plan.enabled = Set(enabled);
    }
    if let Some(deadline) = terms.operation_deadline_seconds {
        let deadline = deadline.map(|seconds| checked_deadline(app, seconds));
        plan.operation_deadline_seconds = Set(deadline.transpose()?);
    }
    Ok(())
}

/// An agent that dies just after it began must be missed before the time is up.
fn checked_deadline(app: &App, seconds: i32) -> Result<i32> {
    let lease = app.settings.lease.as_secs();
    let outlasts = u64::try_from(seconds).is_ok_and(|seconds| seconds > lease);
    if DEADLINE_SECONDS.contains(&seconds) && outlasts {
        return Ok(seconds);
    }
    let (shortest, longest) = (DEADLINE_SECONDS.start(), DEADLINE_SECONDS.end());
    Err(Error::invalid(format!(
        "`operationDeadlineSeconds` is {shortest} to {longest}, and more than a lease of {lease} seconds."
    )))
}

fn checked_cap(cap: i32) -> Result<i32> {
    if (0..=MAX_CAP).contains(&cap) {
        Ok(cap)
    } else {
        Err(Error::invalid(format!(
            "A cap is 0 to {MAX_CAP}; 0 allows none."
        )))
    }
}

/// A rate as it is kept: not negative, and neither too large nor too fine to be computed with exactly.
pub(super) fn checked_credit(value: Credit) -> Result<Credit> {
    let value = Credit(value.0.normalize());
    if value.0.is_sign_negative() && !value.0.is_zero() {
        return Err(Error::invalid("A credit value cannot be negative."));
    }
    if value.0.scale() > CREDIT_DIGITS || value.0.trunc().mantissa() >= CREDIT_END {
        return Err(Error::invalid(
            "A credit value has at most 12 digits on each side of the point.",
        ));
    }
    Ok(value)
}
