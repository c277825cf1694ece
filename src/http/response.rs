//! Writes the answer to a single operation.

use async_graphql::{Response, ServerError};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response as HttpResponse},
};
use serde::Serialize;

use super::{execution::is_refusal, failure::Failure, media::Format, trace::RequestId};
use crate::domain::ErrorCode;

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

/// The answer in `format`.
pub(super) fn single(response: Response, format: Format, id: &RequestId) -> HttpResponse {
    let mut answer = if is_refusal(&response) {
        match refusal(&response, format) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                return Failure::internal(id).into_response(format);
            }
        }
    } else {
        GraphQLResponse::from(response).into_response()
    };
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, format.content_type());
    answer
}

fn refusal(response: &Response, format: Format) -> serde_json::Result<HttpResponse> {
    let body = serde_json::to_vec(&Payload::from(response))?;
    let mut answer = HttpResponse::new(Body::from(body));
    *answer.status_mut() = status(response, format);
    answer.headers_mut().extend(response.http_headers.clone());
    Ok(answer)
}

fn status(response: &Response, format: Format) -> StatusCode {
    if format == Format::Json {
        return StatusCode::OK;
    }
    let internal = response.errors.iter().any(|error| {
        error
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get("code"))
            .is_some_and(|code| *code == ErrorCode::Internal.as_str().into())
    });
    if internal {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::BAD_REQUEST
    }
}
