//! The id of a request: what logs and errors call it.

use std::{fmt, sync::Arc};

use axum::http::{HeaderMap, HeaderName, request::Parts};

use crate::domain::Ids;

/// The header in which it comes and goes.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

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
    pub fn choose(headers: &HeaderMap, ids: &Ids) -> Self {
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

impl RequestId {
    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
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
