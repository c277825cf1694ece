//! How many operations accounts have in flight.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::AccountId;

use super::Reader;
use crate::{
    domain::volume::facts,
    graphql::error::{Failure, Result},
};

/// The operations of an account that are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InFlightOf(pub AccountId);

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
