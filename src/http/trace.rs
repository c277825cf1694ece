//! Around every request: its id, its line in the log, the headers that all answers have, and the net
//! that catches what panicked.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Gateway,
    cache_control::Kept,
    failure::Failure,
    format::Format,
    request_id::{HEADER, RequestId},
};
use crate::database::Share;

/// Carries `request` on, and looks after what comes of it.
pub(super) async fn observe<E>(
    State(gateway): State<Gateway<E>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::choose(request.headers(), &gateway.app_of(Share::Users).ids);
    request.extensions_mut().insert(id.clone());
    // Not the query string: it may hold what is nobody's business.
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.uri().path(),
    );
    async move {
        let began = Instant::now();
        // The panic itself was logged where it happened.
        let mut response = AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Failure::internal(&id).into_response(Format::Json));
        let is_kept = response.extensions().get::<Kept>().is_some();
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            headers.insert(HEADER, id);
        }
        if !is_kept {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        tracing::debug!(
            status = response.status().as_u16(),
            elapsed = ?began.elapsed(),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}
