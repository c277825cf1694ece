//! A GraphQL response as it is sent.

use async_graphql::{Response, ServerError};
use serde::Serialize;

/// A response as the specification of GraphQL wants it: one that was refused has no `data`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Payload<'a> {
    /// The request was carried out.
    Result(&'a Response),
    /// The request was refused.
    Refusal {
        /// Why.
        errors: &'a [ServerError],
    },
}

impl<'a> From<&'a Response> for Payload<'a> {
    fn from(response: &'a Response) -> Self {
        if is_refusal(response) {
            Self::Refusal {
                errors: &response.errors,
            }
        } else {
            Self::Result(response)
        }
    }
}

/// Whether the executor refused the whole request, before it asked a single field.
pub(super) fn is_refusal(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}
