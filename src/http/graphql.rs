//! `/graphql`: queries by GET and POST, mutations by POST; subscriptions go to `sse` or `websocket`.

use async_graphql::Request;
use axum::{
    extract::{self, State},
    http::{HeaderMap, header, request::Parts},
    response::Response,
};

use super::{
    Gateway,
    auth::Caller,
    compress::Compressible,
    execution::{Carrier, Kind, without_mutations},
    failure::Failure,
    media::{Accepted, Answer},
    request,
    request_id::RequestId,
    response, sse, websocket,
};

/// Serves a query by GET, and passes WebSockets on.
pub(super) async fn get<E: Carrier>(
    State(gateway): State<Gateway<E>>,
    request: extract::Request,
) -> Response {
    if is_websocket(request.headers()) {
        return websocket::handle(State(gateway), request).await;
    }
    let accepted = Accepted::of(request.headers());
    let (parts, _) = request.into_parts();
    let read = request::of_query_string(&parts.uri)
        .and_then(|request| without_mutations(request, &gateway));
    match read {
        Ok((request, kind)) => serve(&gateway, &parts, request, kind, accepted).await,
        Err(failure) => Err(failure),
    }
    .unwrap_or_else(|failure| failure.into_response(accepted.refusal()))
}

/// Serves any operation by POST.
pub(super) async fn post<E: Carrier>(
    State(gateway): State<Gateway<E>>,
    request: extract::Request,
) -> Response {
    let accepted = Accepted::of(request.headers());
    let (parts, body) = request.into_parts();
    match request::of_body(&parts.headers, body, &gateway.http).await {
        Ok(mut request) => {
            let kind = gateway.executor.kind(&mut request);
            serve(&gateway, &parts, request, kind, accepted).await
        }
        Err(failure) => Err(failure),
    }
    .unwrap_or_else(|failure| failure.into_response(accepted.refusal()))
}

async fn serve<E: Carrier>(
    gateway: &Gateway<E>,
    parts: &Parts,
    request: Request,
    kind: Kind,
    accepted: Accepted,
) -> Result<Response, Failure> {
    let caller = Caller::of(gateway, parts).await?;
    match accepted.answer(kind)? {
        Answer::Stream => Ok(sse::stream(gateway, request, kind, caller).await),
        Answer::Single(format) => {
            let jar = caller.jar.clone();
            let answer = gateway.answer(request, kind, caller).await?;
            let mut response = response::single(answer, format, &RequestId::of(parts));
            if kind == Kind::Query {
                response.extensions_mut().insert(Compressible);
            }
            jar.put_into(&mut response);
            Ok(response)
        }
    }
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
