//! What is billed: snapshots, backups and instances, which bills go on to name when they are gone.

use sea_orm::{Select, entity::prelude::*};

use crate::{AccountId, Scope, VolumeId};

/// What something is billed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum BillingKind {
    /// A backup: its volume's size.
    #[sea_orm(string_value = "backup")]
    Backup,
    /// An instance: the hours that it runs.
    #[sea_orm(string_value = "compute")]
    Compute,
    /// An administrator's correction.
    #[sea_orm(string_value = "correction")]
    Correction,
    /// A snapshot: what it retains.
    #[sea_orm(string_value = "snapshot")]
    Snapshot,
}

/// A row of `billing_items`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_items")]
pub struct Model {
    /// By which its spans name it.
    #[sea_orm(primary_key)]
    pub number: i64,
    /// The id of the snapshot, backup or instance.
    #[sea_orm(unique)]
    pub resource_id: String,
    /// What it is billed as.
    pub kind: BillingKind,
    /// Who pays.
    pub account_id: AccountId,
    /// The volume that it was made of; none of an instance.
    pub volume_id: Option<VolumeId>,
    /// What it was called when it was first billed.
    pub name: String,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The rows that `scope` covers.
    pub fn visible_to(scope: Scope) -> Select<Self> {
        scope.narrow(Self::find(), Column::AccountId)
    }
}
