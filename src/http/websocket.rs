//! WebSockets: the protocol graphql-transport-ws, and no other.
//!
//! ```text
//!            connection_init, token valid        subscribe / next… / complete
//!  opened ─────────────────────────────▶ ready ◀──────────────────────────────▶ (many at once)
//!    │  no or wrong token: 4403            │  the token ended: 4403
//!    │  subscribe first:   4401            │  connection_init again: 4429
//!    │  nothing in time:   4408            │  an id that is in use:  4409
//!    └──────────── no message of the protocol: 4400, the gateway stops: 1001 ────────────
//! ```
//!
//! The request that opens it may bring the token, or a browser's cookie: then `connection_init` need not.

mod protocol;
mod session;

use async_graphql::Executor;
use axum::{
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    http::request::Parts,
    response::Response,
};
use tracing::Instrument;

use self::session::Session;
use super::{
    Gateway, auth::Caller, failure::Failure, media::Accepted, server::Place, trace::RequestId,
};

/// Of each direction of each socket: thousands are open, and their messages are short.
const BUFFER_BYTES: usize = 4096;

/// Turns a request into a WebSocket.
pub(super) async fn handle<E: Executor>(
    State(gateway): State<Gateway<E>>,
    request: Request,
) -> Response {
    let accepted = Accepted::of(request.headers());
    let (parts, _) = request.into_parts();
    upgrade(gateway, parts)
        .await
        .unwrap_or_else(|failure| failure.into_response(accepted.refusal()))
}

async fn upgrade<E: Executor>(gateway: Gateway<E>, mut parts: Parts) -> Result<Response, Failure> {
    let caller = Caller::of(&gateway.app, &gateway.http, &parts).await?;
    let id = RequestId::of(&parts);
    let place = parts.extensions.get::<Place>().cloned();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|rejection| Failure::bad_request(format!("{}.", rejection.body_text())))?
        .protocols([protocol::NAME]);
    if upgrade.selected_protocol().is_none() {
        return Err(Failure::bad_request(
            "The WebSocket's protocol is graphql-transport-ws: ask for it by \
             Sec-WebSocket-Protocol.",
        ));
    }
    let limit = usize::try_from(gateway.stream.message_limit_bytes).unwrap_or(usize::MAX);
    // From before the upgrade: a gateway that stops waits for this socket too.
    let running = gateway.running.token();
    let jar = caller.jar.clone();
    let mut response = upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| {
            async move {
                Session::new(gateway, socket, caller, id).run().await;
                drop((running, place));
            }
            .in_current_span()
        });
    jar.put_into(&mut response);
    Ok(response)
}
