//! Persisted queries: documents that clients name by a hash, to send less. None are kept here. A client that
//! is told so sends the document itself, and no hash any more.

use async_graphql::{Request, Response, Value};
use axum::http::StatusCode;

use super::failure::Failure;
use crate::domain::ErrorCode;

/// What clients look for: in the message, or in the code.
const MESSAGE: &str = "PersistedQueryNotSupported";

/// Whether `request` has no document and no hash of one either.
pub(super) fn lacks_document(request: &Request) -> bool {
    request.query.is_empty() && !has_hash(request)
}

/// The answer to a request that has the hash of a document only.
pub(super) fn refusal(request: &Request) -> Option<Response> {
    (request.query.is_empty() && has_hash(request)).then(|| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::PersistedQueryNotSupported,
            MESSAGE,
        )
        .into_answer()
    })
}

fn has_hash(request: &Request) -> bool {
    matches!(
        request.extensions.get("persistedQuery"),
        Some(Value::Object(query)) if query.contains_key("sha256Hash")
    )
}
