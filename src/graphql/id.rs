//! Ids in arguments. One that is malformed, of another noun or of another account is no different
//! from one that does not exist.

use std::str::FromStr;

use async_graphql::ID;

use super::error::Result;
use crate::domain::Error;

/// The typed id, if `id` can be one.
pub fn lookup<T: FromStr>(id: &ID) -> Option<T> {
    id.parse().ok()
}

/// The typed id, or that there is no such `noun`.
pub fn find<T: FromStr>(id: &ID, noun: &'static str) -> Result<T> {
    Ok(lookup(id).ok_or(Error::NotFound(noun))?)
}
