//! Around every request: its id, its line in the log, the headers that all answers have, and the net
//! that catches what panicked.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use super::{Gateway, failure::Failure, media::Format};
use crate::{database::Share, domain::Ids};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

/// Marks an answer that says itself how long it may be kept. All others are for once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept;

/// What a request is called in logs and errors: its client's name for it, or ours.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// The id that `observe` gave.
    pub fn of(parts: &Parts) -> Self {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self("none".into()))
    }

    /// The client's own id where that is a plain word, else a new one.
    fn choose(headers: &HeaderMap, ids: &Ids) -> Self {
        let own = headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|id| (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(is_plain));
        Self(match own {
            Some(id) => id.into(),
            None => ids.next(|id| id.to_string()).into(),
        })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

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
        if let Ok(id) = HeaderValue::from_str(&id.0) {
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
