//! The media types of single answers.

use axum::http::HeaderValue;

/// The form of a single answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/graphql-response+json`: the status code tells a refused document apart.
    GraphqlResponse,
    /// `application/json`: 200 for whatever the executor says.
    Json,
}

impl Format {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}
