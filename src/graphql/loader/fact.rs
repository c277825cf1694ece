//! The instant of the operation, and what the guards know of volumes.

use std::{
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
    sync::Arc,
};

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};

use super::Reader;
use crate::{
    domain::{guard::VolumeFacts, volume::facts},
    graphql::error::{Failure, Result},
};

/// The instant at which the operation is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Now;

/// What the guards know of a volume at an instant.
#[derive(Clone, Debug)]
pub struct FactsOf {
    /// The volume.
    pub volume: Arc<entity::volume::Model>,
    /// The instant: that of the operation.
    pub now: DateTime<Utc>,
}

impl PartialEq for FactsOf {
    fn eq(&self, other: &Self) -> bool {
        self.volume.id == other.volume.id && self.now == other.now
    }
}

impl Eq for FactsOf {}

impl Hash for FactsOf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.volume.id.hash(state);
    }
}

impl Loader<Now> for Reader {
    type Value = DateTime<Utc>;
    type Error = Failure;

    async fn load(&self, _: &[Now]) -> Result<HashMap<Now, DateTime<Utc>>> {
        Ok(HashMap::from([(Now, self.app.clock.now(self.db()).await?)]))
    }
}

impl Loader<FactsOf> for Reader {
    type Value = Arc<VolumeFacts>;
    type Error = Failure;

    async fn load(&self, keys: &[FactsOf]) -> Result<HashMap<FactsOf, Self::Value>> {
        let mut loaded = HashMap::with_capacity(keys.len());
        let instants: HashSet<_> = keys.iter().map(|key| key.now).collect();
        for now in instants {
            let keys = keys.iter().filter(|key| key.now == now);
            let volumes: Vec<_> = keys.map(|key| key.volume.clone()).collect();
            let mut facts =
                facts::load(self.db(), &self.app.settings, now, self.scope()?, &volumes).await?;
            loaded.extend(volumes.into_iter().filter_map(|volume| {
                let facts = Arc::new(facts.remove(&volume.id)?);
                Some((FactsOf { volume, now }, facts))
            }));
        }
        Ok(loaded)
    }
}
