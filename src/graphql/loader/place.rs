//! Where operations that wait stand among what their agents take next.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;

use super::Reader;
use crate::{
    domain::operation::place::{self, Place, Waiting},
    graphql::error::{Failure, Result},
};

/// The place of an operation that waits. Those of all accounts are counted, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceOf(pub Waiting);

impl Loader<PlaceOf> for Reader {
    type Value = Place;
    type Error = Failure;

    async fn load(&self, keys: &[PlaceOf]) -> Result<HashMap<PlaceOf, Place>> {
        let waiting: Vec<_> = keys.iter().map(|key| key.0).collect();
        let places = place::places(self.db(), &waiting).await?;
        let place = |key: &PlaceOf| Some((*key, *places.get(&key.0.operation)?));
        Ok(keys.iter().filter_map(place).collect())
    }
}
