//! Counts: operations that accounts have in flight, and volumes of accounts and plans.

use std::collections::{HashMap, HashSet};

use async_graphql::dataloader::Loader;
use entity::{AccountId, VolumePlanId, volume};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use super::Reader;
use crate::{
    domain::{
        account,
        guard::Quota,
        volume::facts::{self, Caps},
    },
    graphql::error::{Failure, Result},
};

/// The operations of an account that are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InFlightOf(pub AccountId);

/// What the volumes of an account are, and may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaOf(pub AccountId);

/// The volumes that have a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumesOnPlan(pub VolumePlanId);

/// The volumes that have a plan and hold more than its caps would allow if they were these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumesAbove {
    /// The plan.
    pub plan: VolumePlanId,
    /// The caps.
    pub caps: Caps,
}

impl Loader<InFlightOf> for Reader {
    type Value = u64;
    type Error = Failure;

    async fn load(&self, keys: &[InFlightOf]) -> Result<HashMap<InFlightOf, u64>> {
        let counts = facts::in_flight(self.db(), keys.iter().map(|key| key.0)).await?;
        Ok(keys
            .iter()
            .map(|key| (*key, counts.get(&key.0).copied().unwrap_or_default()))
            .collect())
    }
}

impl Loader<QuotaOf> for Reader {
    type Value = Quota;
    type Error = Failure;

    async fn load(&self, keys: &[QuotaOf]) -> Result<HashMap<QuotaOf, Quota>> {
        let accounts = keys.iter().map(|key| key.0);
        let quotas = account::quotas(self.db(), &self.app.settings, accounts).await?;
        let keyed = |(account, quota)| (QuotaOf(account), quota);
        Ok(quotas.into_iter().map(keyed).collect())
    }
}

impl Loader<VolumesOnPlan> for Reader {
    type Value = u64;
    type Error = Failure;

    async fn load(&self, keys: &[VolumesOnPlan]) -> Result<HashMap<VolumesOnPlan, u64>> {
        let volumes = volume::Entity::visible_to(self.scope()?);
        let counts = count_by_plan(self, volumes, keys.iter().map(|key| key.0)).await?;
        let count = |key: &VolumesOnPlan| (*key, counts.get(&key.0).copied().unwrap_or_default());
        Ok(keys.iter().map(count).collect())
    }
}

impl Loader<VolumesAbove> for Reader {
    type Value = u64;
    type Error = Failure;

    async fn load(&self, keys: &[VolumesAbove]) -> Result<HashMap<VolumesAbove, u64>> {
        let mut loaded = HashMap::with_capacity(keys.len());
        let all: HashSet<_> = keys.iter().map(|key| key.caps).collect();
        for caps in all {
            let plans = || {
                keys.iter()
                    .filter(|key| key.caps == caps)
                    .map(|key| key.plan)
            };
            let volumes = volume::Entity::visible_to(self.scope()?).filter(facts::above(caps));
            let counts = count_by_plan(self, volumes, plans()).await?;
            loaded.extend(plans().map(|plan| {
                let count = counts.get(&plan).copied().unwrap_or_default();
                (VolumesAbove { plan, caps }, count)
            }));
        }
        Ok(loaded)
    }
}

/// How many of `volumes` each of `plans` has. A plan without any is left out.
async fn count_by_plan(
    reader: &Reader,
    volumes: Select<volume::Entity>,
    plans: impl Iterator<Item = VolumePlanId>,
) -> Result<HashMap<VolumePlanId, u64>> {
    let volumes = volumes.filter(volume::Column::PlanId.is_in(plans));
    Ok(facts::tally(reader.db(), volumes, volume::Column::PlanId).await?)
}
