//! Turns: when the agent of a hypervisor last took work of an account.

use sea_orm::entity::prelude::*;

use crate::{AccountId, HypervisorId};

/// A row of `turns`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "turns")]
pub struct Model {
    /// Whose agent.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hypervisor_id: HypervisorId,
    /// Whose work.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Counts the turns of the hypervisor: the account with the lowest has waited for the longest.
    pub turn: i64,
    /// When that was.
    pub at: DateTimeUtc,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
