//! What snapshots and backups cost, and what plans ask for.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entity::{BackupId, SnapshotId, VolumePlanId, billing_rate};

use super::{Reader, list::gather};
use crate::{
    domain::billing::{
        cost::{Cost, costs},
        rate,
    },
    graphql::error::{Failure, Result},
};

/// What a snapshot or a backup costs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CostOf(String);

/// The versions of a plan's rates, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RatesOf(pub VolumePlanId);

impl From<SnapshotId> for CostOf {
    fn from(id: SnapshotId) -> Self {
        Self(id.to_string())
    }
}

impl From<BackupId> for CostOf {
    fn from(id: BackupId) -> Self {
        Self(id.to_string())
    }
}

impl Loader<CostOf> for Reader {
    type Value = Arc<Cost>;
    type Error = Failure;

    async fn load(&self, keys: &[CostOf]) -> Result<HashMap<CostOf, Self::Value>> {
        let now = self.app.clock.now(self.db()).await?;
        let ids = keys.iter().map(|CostOf(id)| id.clone()).collect();
        let mut costs = costs(&self.app, self.scope()?, now, ids).await?;
        let keyed = |key: &CostOf| (key.clone(), costs.remove(&key.0).unwrap_or_default().into());
        Ok(keys.iter().map(keyed).collect())
    }
}

impl Loader<RatesOf> for Reader {
    type Value = Arc<Vec<Arc<billing_rate::Model>>>;
    type Error = Failure;

    async fn load(&self, keys: &[RatesOf]) -> Result<HashMap<RatesOf, Self::Value>> {
        let rows = rate::versions(self.db(), keys.iter().map(|key| key.0)).await?;
        let rows = rows.into_iter().map(|row| (RatesOf(row.plan_id), row));
        Ok(gather(keys, rows))
    }
}
