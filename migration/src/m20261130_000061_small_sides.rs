//! By what tasks, agents and lists find few rows among many: each is looked for from the side where few are.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::table::index;

/// Volumes that are locked, or half so.
const LOCKED: &str = "CREATE INDEX volumes_locked ON volumes (active_operation_id) \
    WHERE active_operation IS NOT NULL OR active_operation_id IS NOT NULL";
/// Operations whose end is not known.
const UNFINISHED: &str =
    "CREATE INDEX operations_unfinished ON operations (id) WHERE finished_at IS NULL";
/// Volumes of a plan that are there.
const OF_PLAN: &str =
    "CREATE INDEX volumes_plan_id_present ON volumes (plan_id) WHERE deleted_at IS NULL";
/// Volumes that are attached.
const ATTACHED: &str =
    "CREATE INDEX volumes_attached ON volumes (instance_id) WHERE instance_id IS NOT NULL";
/// Volumes of a kind of storage that are there, the newest first or last.
const OF_STORAGE: &str = "CREATE INDEX volumes_storage_type_present ON volumes (storage_type, id) \
    WHERE deleted_at IS NULL";
/// What is due to be measured, by whose agent.
const DUE: &str = "CREATE INDEX volumes_due ON volumes (hypervisor_id, measure_at) \
    WHERE measure_at IS NOT NULL";

/// Instants that most rows do not have, or that lie in the past.
const INSTANTS: [(&str, &str); 2] = [
    ("operations", "lease_expires_at"),
    ("volumes", "cooldown_ends_at"),
];
/// What lists are narrowed and ordered by.
const LISTS: [(&str, &[&str]); 4] = [
    ("operations", &["kind", "id"]),
    ("operations", &["status", "id"]),
    ("operations", &["account_id", "status", "id"]),
    ("volumes", &["created_at", "id"]),
];
/// What the above do as well.
const FORMER: [(&str, &[&str]); 5] = [
    ("volumes", &["instance_id"]),
    ("operations", &["account_id", "status"]),
    ("volumes", &["active_operation_id"]),
    ("volumes", &["measure_at"]),
    ("volumes", &["plan_id"]),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for partial in [LOCKED, UNFINISHED, OF_PLAN, ATTACHED, OF_STORAGE, DUE] {
            manager.get_connection().execute_unprepared(partial).await?;
        }
        for (table, column) in INSTANTS {
            let mut index = index(table, &[column]);
            let there = index.and_where(Expr::col(column).is_not_null()).to_owned();
            manager.create_index(there).await?;
        }
        for (table, columns) in LISTS {
            manager.create_index(index(table, columns)).await?;
        }
        for (table, columns) in FORMER {
            drop_index(manager, table, &columns.join("_")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in FORMER {
            manager.create_index(index(table, columns)).await?;
        }
        for (table, columns) in LISTS {
            drop_index(manager, table, &columns.join("_")).await?;
        }
        for (table, column) in INSTANTS {
            drop_index(manager, table, column).await?;
        }
        for (table, what) in [
            ("volumes", "due"),
            ("volumes", "storage_type_present"),
            ("volumes", "attached"),
            ("volumes", "plan_id_present"),
            ("operations", "unfinished"),
            ("volumes", "locked"),
        ] {
            drop_index(manager, table, what).await?;
        }
        Ok(())
    }
}

async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    what: &str,
) -> Result<(), DbErr> {
    let mut index = Index::drop();
    index.name(format!("{table}_{what}")).table(table);
    manager.drop_index(index).await
}
