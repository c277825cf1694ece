//! Reads a GraphQL request: from the query string of a GET, from the JSON body of a POST.

use async_graphql::Request;
use axum::{
    body::Body,
    extract::Query,
    http::{HeaderMap, StatusCode, Uri, header},
};
use futures_util::TryStreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{failure::Failure, persisted};
use crate::{config, domain::ErrorCode, graphql::bound};

/// The parameters of a GET, as the specification of GraphQL over HTTP names them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The request in a query string.
pub(super) fn of_query_string(uri: &Uri) -> Result<Request, Failure> {
    let Query(parameters) = Query::<Parameters>::try_from_uri(uri).map_err(|error| {
        Failure::bad_request(format!("The query string cannot be read: {error}."))
    })?;
    let mut request = Request::new(parameters.query);
    request.operation_name = parameters.operation_name;
    request.variables = object("variables", parameters.variables.as_deref())?;
    request.extensions = object("extensions", parameters.extensions.as_deref())?;
    with_query(request)
}

/// A parameter that is a JSON object, or nothing.
fn object<T: Default + DeserializeOwned>(name: &str, text: Option<&str>) -> Result<T, Failure> {
    match text {
        None | Some("") => Ok(T::default()),
        Some(text) => {
            bound::json(text.as_bytes()).map_err(too_deep)?;
            serde_json::from_str(text).map_err(|error| {
                Failure::bad_request(format!("The parameter {name} is no JSON object: {error}."))
            })
        }
    }
}

/// The request in a body.
pub(super) async fn of_body(
    headers: &HeaderMap,
    body: Body,
    config: &config::Http,
) -> Result<Request, Failure> {
    require_json(headers)?;
    let limit = usize::try_from(config.body_limit_bytes).unwrap_or(usize::MAX);
    let body = timeout(config.body_timeout(), collect(body, limit))
        .await
        .map_err(|_| {
            Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::InvalidInput,
                "The body of the request took too long to arrive.",
            )
        })??;
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Failure::bad_request(
            "Several operations in one request are not taken: send each by itself.",
        ));
    }
    bound::json(&body).map_err(too_deep)?;
    let request = serde_json::from_slice(&body).map_err(|error| {
        Failure::bad_request(format!("The body is not a GraphQL request: {error}."))
    })?;
    with_query(request)
}

fn too_deep(excess: bound::Excess) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, excess.code(), excess.to_string())
}

/// JSON in UTF-8 and nothing else: a form that any page can send across origins is never taken.
fn require_json(headers: &HeaderMap) -> Result<(), Failure> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| {
            charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8")
        });
    if json && utf8 && !headers.contains_key(header::CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::InvalidInput,
            "The body of a request is application/json in UTF-8, not compressed.",
        ))
    }
}

async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut stream = body.into_data_stream();
    let mut collected = Vec::new();
    while let Some(chunk) = stream
        .try_next()
        .await
        .map_err(|_| Failure::bad_request("The body of the request broke off."))?
    {
        if chunk.len() > limit - collected.len() {
            return Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::InvalidInput,
                format!("The body of a request has at most {limit} bytes."),
            ));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected)
}

/// The request, if it says what it wants. An empty name of an operation is none.
fn with_query(mut request: Request) -> Result<Request, Failure> {
    if persisted::lacks_document(&request) {
        return Err(Failure::bad_request(
            "The request has no document: send it as \"query\".",
        ));
    }
    request.operation_name = request.operation_name.filter(|name| !name.is_empty());
    Ok(request)
}
