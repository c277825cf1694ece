//! Rates: what a plan asked for at which time. They are only added to.

use sea_orm::entity::prelude::*;

use crate::{Credit, VolumePlanId, billing_item::BillingKind};

/// A row of `billing_rates`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_rates")]
pub struct Model {
    /// Of two of the same hour the higher one counts.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Whose rate.
    pub plan_id: VolumePlanId,
    /// For what.
    pub kind: BillingKind,
    /// Credits for each GB and month.
    pub credits: Credit,
    /// The first hour that it is for, counted from the epoch.
    pub from_hour: i64,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
