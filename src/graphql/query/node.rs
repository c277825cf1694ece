//! Finding any noun by its id.

use async_graphql::{Context, ID, Object};
use entity::Scope;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    Select,
    sea_query::{Expr, SelectStatement, UnionType},
};

use crate::graphql::{
    context::{app, loaders, requester, scope},
    error::Result,
    types::{
        Account, Backup, BackupStorage, Hypervisor, HypervisorGroup, Instance, Node, Operation,
        Snapshot, StoragePool, Volume, VolumePlan,
    },
    visible,
};

/// Finding any noun by its id.
#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Whatever has this id; null when there is nothing that the caller may see.
    #[graphql(visible = "visible::to_users")]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Node>> {
        let places = Places {
            scope: scope(ctx)?,
            is_admin: requester(ctx).is_admin(),
        };
        let Ok(id) = id.parse::<uuid::fmt::Hyphenated>() else {
            return Ok(None);
        };
        let id = id.into_uuid();
        let db = app(ctx)?.database.reads();
        let Some(found) = db.query_one(&places.statement(id)).await? else {
            return Ok(None);
        };
        let kind: String = found.try_get("", "kind")?;
        let loaders = loaders(ctx)?;
        macro_rules! load {
            ($id:ident, $noun:ident) => {
                loaders
                    .lookup(entity::$id::from_uuid(id))
                    .await?
                    .map(|row| Node::$noun($noun(row)))
            };
        }
        Ok(match kind.as_str() {
            "account" => load!(AccountId, Account),
            "volume" => load!(VolumeId, Volume),
            "snapshot" => load!(SnapshotId, Snapshot),
            "backup" => load!(BackupId, Backup),
            "operation" => load!(OperationId, Operation),
            "instance" => load!(InstanceId, Instance),
            "plan" => load!(VolumePlanId, VolumePlan),
            "group" => load!(HypervisorGroupId, HypervisorGroup),
            "hypervisor" => load!(HypervisorId, Hypervisor),
            "backup_storage" => load!(BackupStorageId, BackupStorage),
            "pool" => {
                entity::storage_pool::Entity::find_by_id(entity::StoragePoolId::from_uuid(id))
                    .one(db)
                    .await?
                    .map(|row| Node::StoragePool(StoragePool::from(row)))
            }
            _ => None,
        })
    }
}

/// Where the caller may look for an id.
struct Places {
    scope: Scope,
    is_admin: bool,
}

impl Places {
    /// One statement over all tables: which of them has the id.
    fn statement(&self, id: uuid::Uuid) -> SelectStatement {
        use entity::{
            account, backup, backup_storage, hypervisor, hypervisor_group, instance, operation,
            snapshot, storage_pool, volume, volume_plan,
        };
        let id = id.hyphenated().to_string();
        let scope = self.scope;
        let mut places = vec![
            place(
                "account",
                account::Entity::visible_to(scope),
                account::Column::Id,
                &id,
            ),
            place(
                "volume",
                volume::Entity::visible_to(scope),
                volume::Column::Id,
                &id,
            ),
            place(
                "snapshot",
                snapshot::Entity::visible_to(scope),
                snapshot::Column::Id,
                &id,
            ),
            place(
                "backup",
                backup::Entity::visible_to(scope),
                backup::Column::Id,
                &id,
            ),
            place(
                "operation",
                operation::Entity::visible_to(scope),
                operation::Column::Id,
                &id,
            ),
            place(
                "instance",
                instance::Entity::visible_to(scope),
                instance::Column::Id,
                &id,
            ),
            place("plan", self.plans(), volume_plan::Column::Id, &id),
            place(
                "group",
                hypervisor_group::Entity::present(),
                hypervisor_group::Column::Id,
                &id,
            ),
        ];
        if self.is_admin {
            places.extend([
                place(
                    "hypervisor",
                    hypervisor::Entity::present(),
                    hypervisor::Column::Id,
                    &id,
                ),
                place(
                    "pool",
                    storage_pool::Entity::present(),
                    storage_pool::Column::Id,
                    &id,
                ),
                place(
                    "backup_storage",
                    backup_storage::Entity::present(),
                    backup_storage::Column::Id,
                    &id,
                ),
            ]);
        }
        let mut places = places.into_iter();
        let mut statement = places.next().unwrap_or_default();
        statement.unions(places.map(|place| (UnionType::All, place)));
        statement
    }

    /// Users see what new volumes may have, and what their own have.
    fn plans(&self) -> Select<entity::volume_plan::Entity> {
        use entity::volume_plan::{Column, Entity};
        if self.is_admin {
            return Entity::present();
        }
        let own = entity::volume::Entity::visible_to(self.scope)
            .select_only()
            .column(entity::volume::Column::PlanId)
            .into_query();
        Entity::present().filter(
            Condition::any()
                .add(Column::Enabled.eq(true))
                .add(Column::Id.in_subquery(own)),
        )
    }
}

/// The name of a table's noun, if a row of it has the id.
fn place<E: EntityTrait>(
    kind: &'static str,
    rows: Select<E>,
    column: E::Column,
    id: &str,
) -> SelectStatement {
    rows.select_only()
        .expr_as(Expr::value(kind), "kind")
        .filter(column.eq(id))
        .into_query()
}
