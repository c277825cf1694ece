//! Writes the answer to a single operation.

use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response as HttpResponse,
};

use super::{failure::Failure, format::Format, request_id::RequestId};
use crate::{
    domain::ErrorCode,
    graphql::{
        error::code_of,
        told::{self, is_refusal},
    },
};

/// The answer in `format`.
pub(super) fn single(response: Response, format: Format, id: &RequestId) -> HttpResponse {
    let refused_for_now = refused_for_now(&response);
    let mut answer = match told::json(&response) {
        Ok(body) => HttpResponse::new(Body::from(body)),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            return Failure::internal(id).into_response(format);
        }
    };
    if is_refusal(&response) {
        *answer.status_mut() = status(&response, format);
    }
    answer.headers_mut().extend(response.http_headers);
    if let Some(seconds) = refused_for_now {
        *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, format.content_type());
    answer
}

/// After how many seconds to come back, where all that was asked for was refused because too much is asked.
fn refused_for_now(response: &Response) -> Option<u64> {
    let errors = &response.errors;
    let is_root = |error: &ServerError, name: &Name| matches!(error.path.as_slice(), [PathSegment::Field(field)] if field == name.as_str());
    let nothing_else = match &response.data {
        Value::Null => true,
        Value::Object(fields) => fields.iter().all(|(name, value)| {
            *value == Value::Null && errors.iter().any(|error| is_root(error, name))
        }),
        _ => false,
    };
    let seconds = errors.iter().map(|error| {
        let code = code_of(error)?;
        let seconds = match error.extensions.as_ref()?.get("retryAfterSeconds") {
            Some(Value::Number(seconds)) => seconds.as_u64(),
            _ => None,
        };
        (code == ErrorCode::RateLimited.as_str()).then(|| seconds.unwrap_or(1))
    });
    let seconds: Option<Vec<_>> = seconds.collect();
    seconds?.into_iter().max().filter(|_| nothing_else)
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

#[cfg(test)]
mod tests {
    use async_graphql::ErrorExtensionValues;
    use serde_json::json;

    use super::*;

    fn refused_for(data: serde_json::Value, errors: &[(&str, &str, u64)]) -> Option<u64> {
        let mut response = Response::new(Value::from_json(data).unwrap());
        for (field, code, seconds) in errors {
            let mut error = ServerError::new("refused", None);
            let mut extensions = ErrorExtensionValues::default();
            extensions.set("code", *code);
            extensions.set("retryAfterSeconds", *seconds);
            error.extensions = Some(extensions);
            error.path = vec![PathSegment::Field((*field).to_owned())];
            response.errors.push(error);
        }
        refused_for_now(&response)
    }

    #[test]
    fn an_answer_is_429_where_all_its_root_fields_were_refused_for_too_much() {
        let limited = |field, seconds| (field, "RATE_LIMITED", seconds);
        let both = [limited("a", 2), limited("b", 9)];
        let null = json!({ "a": null, "b": null });
        assert_eq!(refused_for(null.clone(), &both), Some(9));
        assert_eq!(refused_for(json!(null), &both[..1]), Some(2));
        let done = json!({ "a": null, "b": true });
        for (data, errors) in [
            (done, vec![limited("a", 2)]),
            (null.clone(), vec![limited("a", 2)]),
            (null.clone(), vec![limited("a", 2), ("b", "FORBIDDEN", 2)]),
            (null, vec![]),
        ] {
            assert_eq!(
                refused_for(data.clone(), &errors),
                None,
                "{data} {errors:?}"
            );
        }
    }
}
