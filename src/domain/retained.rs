//! What snapshots keep is measured by agents: soon after it may have changed by an operation, and
//! again and again, because a guest that writes changes it, too.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{
    HypervisorId, SnapshotId, VolumeId, hypervisor, instance, snapshot, snapshot::ItemStatus,
    volume, volume::VolumeState,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Order, PaginatorTrait,
    QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, Query, SelectStatement, UnionType},
};

use super::{
    Result,
    assignment::AssignedVolume,
    operation::effect::image,
    transaction::{ROW_LOCK, Transaction},
    volume::facts::worker,
};
use crate::{app::App, events::Topic};

/// How long a volume is left alone after an operation: whoever waits for its end comes first, and more
/// operations may follow.
const SETTLING: Duration = Duration::from_secs(5);
/// The most volumes that an agent is given at once.
const BATCH: u64 = 8;
/// How long an agent may take for them, before they are given out again.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// The volumes whose snapshots this agent is to measure now, the longest due first. One on which an
/// operation works waits for its end.
pub async fn offer(app: &App, hypervisor: &hypervisor::Model) -> Result<Vec<AssignedVolume>> {
    let db = app.database.reads();
    let settled = Expr::cust(app.clock.sql_before(app.database.backend(), SETTLING));
    let mut due = Vec::new();
    for row in db.query_all(&due_first(hypervisor.id, &settled)).await? {
        due.push(row.try_get::<String>("", "id")?);
    }
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now(db).await?;
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

/// The volumes that the agent of `hypervisor` is to measure, the longest due first: those that are attached there, and its own
/// that are not attached. Each of the two is read from an index, and no volume of another agent's.
fn due_first(hypervisor: HypervisorId, settled: &Expr) -> SelectStatement {
    use volume::Column;
    let attached = instance::Entity::find()
        .select_only()
        .column(instance::Column::Id)
        .filter(instance::Column::HypervisorId.eq(hypervisor))
        .into_query();
    let attached = Condition::all().add(Column::InstanceId.in_subquery(attached));
    let idle = Condition::all()
        .add(Column::HypervisorId.eq(hypervisor))
        .add(Column::InstanceId.is_null());
    let first = |place: Condition, name: &'static str| {
        let due = Query::select()
            .columns([Column::Id, Column::MeasureAt])
            .from(volume::Entity)
            .cond_where(place)
            .and_where(Expr::col(Column::MeasureAt).lte(settled.clone()))
            .and_where(Column::State.eq(VolumeState::Available))
            .and_where(Column::ActiveOperationId.is_null())
            .order_by(Column::MeasureAt, Order::Asc)
            .limit(BATCH)
            .to_owned();
        Query::select()
            .columns([Column::Id, Column::MeasureAt])
            .from_subquery(due, name)
            .to_owned()
    };
    let mut both = first(attached, "attached");
    both.union(UnionType::All, first(idle, "idle"));
    Query::select()
        .column(Column::Id)
        .from_subquery(both, "due")
        .order_by(Column::MeasureAt, Order::Asc)
        .limit(BATCH)
        .to_owned()
}

async fn to_measure(app: &App, id: &str) -> Result<Option<AssignedVolume>> {
    let volume = volume::Entity::find()
        .filter(volume::Column::Id.eq(id))
        .one(app.database.reads())
        .await?;
    match volume {
        Some(volume) => Ok(Some(AssignedVolume::load(app, volume).await?)),
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
    image::keep_retained(&mut tx, id, retained).await?;
    image::found_all(&tx, id).await?;
    tx.measured(id);
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
