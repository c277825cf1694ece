//! Event streams: the protocol graphql-sse, each operation on a connection of its own.
//!
//! Each answer is an event `next`; `complete` ends the stream. A stream that ends without
//! `complete` broke off, as it does when the gateway stops: the client asks again.

use std::convert::Infallible;

use async_graphql::Request;
use axum::{
    extract::{self, State},
    http::{HeaderName, HeaderValue, Method},
    response::{
        IntoResponse, Response as HttpResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{StreamExt, stream};

use super::{
    Gateway,
    auth::Caller,
    execution::{Carrier, Kind, without_mutations},
    failure::Failure,
    media::Accepted,
    request,
};
use crate::graphql::told::Told;

/// Tells proxies of the nginx family to pass each event on at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `/graphql/stream`: any operation, answered by an event stream whatever the client accepts.
pub(super) async fn handle<E: Carrier>(
    State(gateway): State<Gateway<E>>,
    request: extract::Request,
) -> HttpResponse {
    let accepted = Accepted::of(request.headers());
    serve(&gateway, request)
        .await
        .unwrap_or_else(|failure| failure.into_response(accepted.refusal()))
}

async fn serve<E: Carrier>(
    gateway: &Gateway<E>,
    request: extract::Request,
) -> Result<HttpResponse, Failure> {
    let (parts, body) = request.into_parts();
    let (request, kind) = if parts.method == Method::POST {
        let mut request = request::of_body(&parts.headers, body, &gateway.http).await?;
        let kind = gateway.executor.kind(&mut request);
        (request, kind)
    } else {
        without_mutations(request::of_query_string(&parts.uri)?, gateway)?
    };
    let caller = Caller::of(gateway, &parts).await?;
    Ok(stream(gateway, request, kind, caller).await)
}

/// The event stream of one operation. Of a mutation it begins with its answer, because only then its
/// headers can say which session a browser is to keep.
pub(super) async fn stream<E: Carrier>(
    gateway: &Gateway<E>,
    request: Request,
    kind: Kind,
    caller: Caller,
) -> HttpResponse {
    let jar = caller.jar.clone();
    let complete = Event::default().event("complete");
    let mut answers = gateway.answers(request, kind, caller);
    let first = match kind {
        Kind::Mutation => answers.next().await,
        Kind::Query | Kind::Subscription => None,
    };
    let events = stream::iter(first)
        .chain(answers)
        .map(|told| next(&told))
        .chain(stream::iter([complete]));
    // A stopping gateway ends subscriptions; queries and mutations it lets finish.
    let stopping = gateway.stopping.clone();
    let events = match kind {
        Kind::Subscription => events.take_until(stopping.cancelled_owned()).boxed(),
        Kind::Query | Kind::Mutation => events.boxed(),
    };
    let mut response = Sse::new(events.map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::new().interval(gateway.stream.keep_alive()))
        .into_response();
    response
        .headers_mut()
        .insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    jar.put_into(&mut response);
    response
}

fn next(told: &Told) -> Event {
    let event = Event::default().event("next");
    // JSON has no line breaks of its own.
    if told.is_refusal() {
        event.data(format!(r#"{{"errors":{}}}"#, told.json()))
    } else {
        event.data(told.json())
    }
}
