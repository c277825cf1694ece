//! Spans: from when to when something was to be paid for, and of what size it was. They are the facts of every bill.

use sea_orm::entity::prelude::*;

use crate::{Credit, VolumePlanId};

/// A row of `billing_spans`. It is only ever changed to end it, once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_spans")]
pub struct Model {
    /// The number of what is billed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub item: i64,
    /// Its spans, counted from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// The plan by whose rates it is paid for; none of an instance.
    pub plan_id: Option<VolumePlanId>,
    /// What a snapshot retained, or the size of a backup's volume; none of an instance.
    pub bytes: Option<i64>,
    /// The rate of an instance.
    pub rate: Option<Credit>,
    /// Its first instant, in milliseconds from the epoch.
    pub began_ms: i64,
    /// The first instant behind it; null while it lasts.
    pub ended_ms: Option<i64>,
}

/// Rows are joined by loaders, not by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
