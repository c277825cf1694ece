//! A request that never became a GraphQL result: refused by the transport, in the API's own words.

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response as HttpResponse,
};

use super::{format::Format, request_id::RequestId};
use crate::{
    domain::{Error, ErrorCode},
    graphql::told,
};

/// Why a request was refused, and how that is said over HTTP.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    header: Option<(&'static str, &'static str)>,
    retry_after_seconds: Option<u32>,
    trace_id: Option<String>,
}

impl Failure {
    /// A refusal.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
            retry_after_seconds: None,
            trace_id: None,
        }
    }

    /// A request that is not what the API takes.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, message)
    }

    /// A method that does not fit what is asked.
    pub fn method(allowed: &'static str, message: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::InvalidInput,
            message,
        )
        .with_header("allow", allowed)
    }

    /// A token that speaks for nobody (RFC 6750).
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthenticated,
            Error::Unauthenticated.to_string(),
        )
        .with_header(
            "www-authenticate",
            "Bearer realm=\"tidemark\", error=\"invalid_token\"",
        )
    }

    /// A request that its sender may not make.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
    }

    /// Something failed on our side. What, was logged; the caller gets an id to ask by.
    pub fn internal(id: &RequestId) -> Self {
        let mut failure = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
            ErrorCode::Internal.description().meaning,
        );
        failure.trace_id = Some(id.to_string());
        failure
    }

    /// Too much at once: come back in some seconds.
    pub fn overloaded(seconds: u32) -> Self {
        let mut failure = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::RateLimited,
            format!("The gateway is busy. Try again in {seconds} seconds."),
        );
        failure.retry_after_seconds = Some(seconds);
        failure
    }

    /// More at once than one may have of it: come back in some seconds.
    pub fn too_many(what: &str, seconds: u32) -> Self {
        let mut failure = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            format!("{what} Try again in {seconds} seconds."),
        );
        failure.retry_after_seconds = Some(seconds);
        failure
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More operations at once than one WebSocket may have.
    pub fn too_many_operations(limit: usize) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            format!("A WebSocket has at most {limit} operations at once. End one first."),
        )
    }

    /// The same, with a header of its own.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// What is sent over HTTP: a GraphQL response without data.
    pub fn into_response(self, format: Format) -> HttpResponse {
        let Self {
            status,
            header,
            retry_after_seconds,
            ..
        } = self;
        let answer = self.into_answer();
        let body = told::json(&answer).unwrap_or_default();
        let mut response = HttpResponse::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, format.content_type());
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The same as the executor would say it.
    pub fn into_answer(self) -> Response {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        if let Some(seconds) = self.retry_after_seconds {
            extensions.set("retryAfterSeconds", seconds);
        }
        if let Some(id) = self.trace_id {
            extensions.set("traceId", id);
        }
        let mut error = ServerError::new(self.message, None);
        error.extensions = Some(extensions);
        Response::from_errors(vec![error])
    }
}
