//! Assignments of work on a volume that is there, or on a snapshot of it: all that is told of them is read by one statement.

use std::collections::{HashMap, hash_map::Entry};

use entity::{
    OperationId, account, hypervisor_group, instance, operation, snapshot, storage_pool, volume,
    volume_plan,
};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryResult,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr},
};

use super::{AssignedVolume, Assignment};
use crate::{
    app::App,
    domain::{
        Result, installation,
        joined::{add, is_one_of},
        storage_pool as pools,
    },
};

const ACCOUNT: &str = "a_";
const VOLUME: &str = "v_";
const PLAN: &str = "p_";
const POOL: &str = "s_";
const GROUP: &str = "g_";
const INSTANCE: &str = "i_";
const SNAPSHOT: &str = "n_";

/// The assignments of those of `operations` that need no more than this. One of which something is missing or cannot be
/// read is left out.
pub(super) async fn read(
    app: &App,
    operations: &[operation::Model],
) -> Result<HashMap<OperationId, Assignment>> {
    let plain: Vec<_> = operations
        .iter()
        .filter(|one| one.target_volume_id.is_none() && one.backup_id.is_none())
        .collect();
    let mut assignments = HashMap::with_capacity(plain.len());
    if plain.is_empty() {
        return Ok(assignments);
    }
    let db = app.database.reads();
    let ids = plain.iter().map(|one| one.id);
    let these = is_one_of(
        db.get_database_backend(),
        (operation::Entity, operation::Column::Id),
        ids,
    );
    let rows = db.query_all(&statement(these)).await?;
    let mut rows: HashMap<String, QueryResult> = rows
        .into_iter()
        .map(|row| Ok((row.try_get("", "id")?, row)))
        .collect::<std::result::Result<_, DbErr>>()?;
    let installation = installation::id(app).await?;
    let mut marked = HashMap::new();
    for operation in plain {
        let told = rows.remove(&operation.id.to_string());
        let Some(Ok(told)) = told.map(|row| Told::of(operation, &row)) else {
            continue;
        };
        let mark = match marked.entry(told.pool.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let access = pools::Access::to(app, told.pool.clone()).await?;
                unknown.insert(access.mark)
            }
        };
        let pool = pools::Access::marked(app, told.pool, mark.clone())?;
        let volume = AssignedVolume {
            volume: told.volume,
            plan: told.plan,
            pool,
            group: told.group,
            instance: told.instance,
        };
        let assignment = Assignment {
            operation: operation.clone(),
            installation,
            account: told.account,
            volume: Some(volume),
            target: None,
            snapshot: told.snapshot,
            backup: None,
        };
        assignments.insert(operation.id, assignment);
    }
    Ok(assignments)
}

/// The rows around an operation.
struct Told {
    account: account::Model,
    volume: volume::Model,
    plan: volume_plan::Model,
    pool: storage_pool::Model,
    group: hypervisor_group::Model,
    instance: Option<instance::Model>,
    snapshot: Option<snapshot::Model>,
}

impl Told {
    fn of(operation: &operation::Model, row: &QueryResult) -> std::result::Result<Self, DbErr> {
        let volume = volume::Model::from_query_result(row, VOLUME)?;
        let attached: Option<String> = row.try_get(INSTANCE, "id")?;
        Ok(Self {
            account: account::Model::from_query_result(row, ACCOUNT)?,
            plan: volume_plan::Model::from_query_result(row, PLAN)?,
            pool: storage_pool::Model::from_query_result(row, POOL)?,
            group: hypervisor_group::Model::from_query_result(row, GROUP)?,
            instance: attached
                .map(|_| instance::Model::from_query_result(row, INSTANCE))
                .transpose()?,
            snapshot: operation
                .snapshot_id
                .map(|_| snapshot::Model::from_query_result(row, SNAPSHOT))
                .transpose()?,
            volume,
        })
    }
}

/// The rows around `these` operations, whose volumes are not deleted.
fn statement(these: SimpleExpr) -> SelectStatement {
    let mut query = Query::select();
    query.column((operation::Entity, operation::Column::Id));
    add::<account::Entity>(&mut query, ACCOUNT);
    add::<volume::Entity>(&mut query, VOLUME);
    add::<volume_plan::Entity>(&mut query, PLAN);
    add::<storage_pool::Entity>(&mut query, POOL);
    add::<hypervisor_group::Entity>(&mut query, GROUP);
    add::<instance::Entity>(&mut query, INSTANCE);
    add::<snapshot::Entity>(&mut query, SNAPSHOT);
    query
        .from(operation::Entity)
        .inner_join(
            account::Entity,
            same::<account::Entity, operation::Entity>(
                account::Column::Id,
                operation::Column::AccountId,
            ),
        )
        .inner_join(
            volume::Entity,
            same::<volume::Entity, operation::Entity>(
                volume::Column::Id,
                operation::Column::VolumeId,
            ),
        )
        .inner_join(
            volume_plan::Entity,
            same::<volume_plan::Entity, volume::Entity>(
                volume_plan::Column::Id,
                volume::Column::PlanId,
            ),
        )
        .inner_join(
            storage_pool::Entity,
            same::<storage_pool::Entity, volume::Entity>(
                storage_pool::Column::Id,
                volume::Column::PoolId,
            ),
        )
        .inner_join(
            hypervisor_group::Entity,
            same::<hypervisor_group::Entity, storage_pool::Entity>(
                hypervisor_group::Column::Id,
                storage_pool::Column::GroupId,
            ),
        )
        .left_join(
            instance::Entity,
            same::<instance::Entity, volume::Entity>(
                instance::Column::Id,
                volume::Column::InstanceId,
            ),
        )
        .left_join(
            snapshot::Entity,
            same::<snapshot::Entity, operation::Entity>(
                snapshot::Column::Id,
                operation::Column::SnapshotId,
            ),
        )
        .and_where(these)
        .and_where(Expr::col((volume::Entity, volume::Column::DeletedAt)).is_null())
        .to_owned()
}

/// That a column of the one table is the same as one of the other.
fn same<A: EntityTrait, B: EntityTrait>(one: A::Column, other: B::Column) -> SimpleExpr {
    Expr::col((A::default(), one)).equals((B::default(), other))
}
