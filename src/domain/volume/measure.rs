//! What snapshots keep is measured by agents: soon after it may have changed by an operation, and
//! again and again, because a guest that writes changes it, too.

use chrono::TimeDelta;
use entity::{
    SnapshotId, VolumeId, hypervisor, instance, snapshot, snapshot::ItemStatus, volume,
    volume::VolumeState,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};

use super::facts::worker;
use crate::{
    app::App,
    domain::{
        Result,
        agent::{AssignedVolume, assigned},
        operation::effect::image,
        transaction::{ROW_LOCK, Transaction},
    },
    events::Topic,
};

/// How long a volume is left alone after an operation: whoever waits for its end comes first, and more
/// operations may follow.
const SETTLING: TimeDelta = TimeDelta::seconds(5);
/// The most volumes that an agent is given at once.
const BATCH: u64 = 8;
/// How long an agent may take for them, before they are given out again.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// What the snapshots of a volume keep may have changed: whatever is being measured is out of date.
pub async fn ask(tx: &Transaction<'_>, id: VolumeId) -> Result<()> {
    volume::Entity::update_many()
        .col_expr(volume::Column::MeasureAt, Expr::value(tx.now()))
        .filter(volume::Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// The volumes whose snapshots this agent is to measure now, the longest due first. One on which an
/// operation works waits for its end.
pub async fn offer(app: &App, hypervisor: &hypervisor::Model) -> Result<Vec<AssignedVolume>> {
    let now = app.clock.now(app.database.reads()).await?;
    let attached = instance::Entity::find()
        .select_only()
        .column(instance::Column::Id)
        .filter(instance::Column::HypervisorId.eq(hypervisor.id))
        .into_query();
    let idle_here = Condition::all()
        .add(volume::Column::InstanceId.is_null())
        .add(volume::Column::HypervisorId.eq(hypervisor.id));
    let due: Vec<String> = volume::Entity::find()
        .select_only()
        .column(volume::Column::Id)
        .filter(volume::Column::MeasureAt.lte(now - SETTLING))
        .filter(volume::Column::State.eq(VolumeState::Available))
        .filter(volume::Column::ActiveOperationId.is_null())
        .filter(
            Condition::any()
                .add(volume::Column::InstanceId.in_subquery(attached))
                .add(idle_here),
        )
        .order_by_asc(volume::Column::MeasureAt)
        .limit(BATCH)
        .into_tuple()
        .all(app.database.reads())
        .await?;
    let mut offered = Vec::with_capacity(due.len());
    for id in due {
        // Whatever comes of it, it is not due again before others.
        let taken = volume::Entity::update_many()
            .col_expr(volume::Column::MeasureAt, Expr::value(now + PATIENCE))
            .filter(volume::Column::Id.eq(&id))
            .filter(volume::Column::MeasureAt.lte(now - SETTLING))
            .exec(app.database.writes())
            .await?;
        if taken.rows_affected == 1 {
            match to_measure(app, &id).await {
                Ok(volume) => offered.extend(volume),
                Err(error) if app.damage.is_news(&format!("volume {id}")) => {
                    tracing::error!(volume = id, %error, "an agent cannot be told what to measure");
                }
                Err(_) => {}
            }
        }
    }
    Ok(offered)
}

async fn to_measure(app: &App, id: &str) -> Result<Option<AssignedVolume>> {
    let volume = volume::Entity::find()
        .filter(volume::Column::Id.eq(id))
        .one(app.database.reads())
        .await?;
    match volume {
        Some(volume) => Ok(Some(assigned(app, volume).await?)),
        None => Ok(None),
    }
}

/// Keeps what an agent has measured; false where an operation has come between, or nobody asked.
pub async fn record(
    app: &App,
    hypervisor: &hypervisor::Model,
    id: VolumeId,
    retained: Vec<(SnapshotId, i64)>,
) -> Result<bool> {
    let mut tx = Transaction::begin(app).await?;
    let volume = volume::Entity::find_by_id(id)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let now = tx.now();
    let asked = |volume: &volume::Model| {
        volume.active_operation_id.is_none() && volume.measure_at.is_some_and(|at| at > now)
    };
    let Some(volume) = volume.filter(asked) else {
        return Ok(false);
    };
    let attached = match volume.instance_id {
        Some(id) => instance::Entity::find_by_id(id).one(tx.db()).await?,
        None => None,
    };
    if worker(&volume, attached.as_ref()) != hypervisor.id {
        return Ok(false);
    }
    keep(&tx, id, retained).await?;
    image::found_all(&tx, id).await?;
    let snapshots = snapshot::Entity::find()
        .filter(snapshot::Column::VolumeId.eq(id))
        .filter(snapshot::Column::Status.eq(ItemStatus::Available))
        .filter(snapshot::Column::DeletedAt.is_null())
        .count(tx.db())
        .await?;
    let next = (snapshots > 0).then(|| now + app.settings.measure_interval);
    volume::Entity::update_many()
        .col_expr(volume::Column::MeasureAt, Expr::value(next))
        .filter(volume::Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    tx.wake(Topic::Volume(id));
    tx.commit().await?;
    Ok(true)
}

/// Keeps what these snapshots of the volume `id` keep, which are there.
pub async fn keep(
    tx: &Transaction<'_>,
    id: VolumeId,
    retained: Vec<(SnapshotId, i64)>,
) -> Result<()> {
    image::found(tx, id, retained.iter().map(|(snapshot, _)| *snapshot)).await?;
    for (snapshot_id, bytes) in retained {
        snapshot::Entity::update_many()
            .col_expr(snapshot::Column::RetainedBytes, Expr::value(bytes))
            .filter(snapshot::Column::Id.eq(snapshot_id))
            .filter(snapshot::Column::VolumeId.eq(id))
            .exec(tx.db())
            .await?;
    }
    Ok(())
}
