//! Costs and rates as the API shows them.

use async_graphql::SimpleObject;
use entity::billing_rate;

use super::usage_line::{Exact, UsageKind};
use crate::{
    domain::billing::{cost, line::instant},
    graphql::{
        error::Result,
        scalar::{DateTime, Decimal},
    },
};

/// What a snapshot or a backup costs, in credits.
#[derive(Clone, Debug, SimpleObject)]
pub struct Cost {
    /// What all of its hours cost so far, with the one that has begun: the sum of its lines in usage reports of whole months.
    pub so_far: Exact,
    /// What a month of 730 hours costs at its size and its plan's rate as they are now; 0 while it is not paid for.
    pub per_month: Exact,
}

impl From<&cost::Cost> for Cost {
    fn from(cost: &cost::Cost) -> Self {
        Self {
            so_far: Exact::from(&cost.so_far),
            per_month: Exact::from(&cost.per_month),
        }
    }
}

/// What a plan asks for from an hour on, until its next version.
#[derive(Clone, Debug, SimpleObject)]
pub struct VolumePlanRate {
    /// For what.
    pub kind: UsageKind,
    /// Credits for each GB and month.
    pub credits: Decimal,
    /// The first hour that it is valid in.
    pub from: DateTime,
}

impl VolumePlanRate {
    /// As the API shows it.
    pub fn of(row: &billing_rate::Model) -> Result<Self> {
        Ok(Self {
            kind: row.kind.into(),
            credits: Decimal(row.credits),
            from: instant(row.from_hour)?.into(),
        })
    }
}
