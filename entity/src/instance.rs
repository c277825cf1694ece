//! Instances: the machines that volumes are attached to.

use sea_orm::{Select, entity::prelude::*};

use crate::{AccountId, Credit, HypervisorId, InstanceId, Scope};

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum InstanceStatus {
    /// It runs.
    #[sea_orm(string_value = "running")]
    Running,
    /// It is off.
    #[sea_orm(string_value = "stopped")]
    Stopped,
}

/// A row of `instances`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InstanceId,
    /// Its owner.
    pub account_id: AccountId,
    /// Where it runs.
    pub hypervisor_id: HypervisorId,
    /// What it is called.
    pub name: String,
    /// Whether it runs.
    pub status: InstanceStatus,
    /// What an hour of running costs.
    pub credits_per_hour: Credit,
    /// The path of its QMP socket on the hypervisor.
    pub qmp_socket: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was deleted. What is history goes on to name it; nothing new does.
    pub deleted_at: Option<DateTimeUtc>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::row::Row for Model {}

impl Entity {
    /// The rows that `scope` covers, the deleted ones left out.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope
            .narrow(Self::find(), Column::AccountId)
            .filter(Column::DeletedAt.is_null())
    }
}
