//! WebSockets: the protocol graphql-transport-ws, and no other.
//!
//! ```text
//!            connection_init, token valid        subscribe / next… / complete
//!  opened ─────────────────────────────▶ ready ◀──────────────────────────────▶ (many at once)
//!    │  no or wrong token: 4403            │  the token ended: 4403, in mid stream too
//!    │  subscribe first:   4401            │  connection_init again: 4429
//!    │  nothing in time:   4408            │  an id that is in use:  4409
//!    │  its account has as many sockets as it may: 1013
//!    ├──────────── no message of the protocol: 4400, the gateway stops: 1001
//!    └──────────── no WebSocket's frame: 1002, no UTF-8: 1007, a message too large: 1009
//! ```
//!
//! The request that opens it may bring the token, or a browser's cookie: then `connection_init` need not.
//! Whoever closes it is answered: a client that does not read why it was closed only learns that it was
//! (1006).

mod handshake;
mod protocol;
mod session;

use axum::{
    extract::{Request, State},
    http::request::Parts,
    response::Response,
};
use tracing::Instrument;

use self::{handshake::Opening, session::Session};
use super::{
    Gateway, auth::Caller, connection::Connection, execution::Carrier, failure::Failure,
    media::Accepted, request_id::RequestId,
};

/// Turns a request into a WebSocket.
pub(super) async fn handle<E: Carrier>(
    State(gateway): State<Gateway<E>>,
    request: Request,
) -> Response {
    let accepted = Accepted::of(request.headers());
    let (parts, _) = request.into_parts();
    upgrade(gateway, parts)
        .await
        .unwrap_or_else(|failure| failure.into_response(accepted.refusal()))
}

async fn upgrade<E: Carrier>(gateway: Gateway<E>, mut parts: Parts) -> Result<Response, Failure> {
    let mut caller = Caller::of(&gateway, &parts).await?;
    let id = RequestId::of(&parts);
    let place = parts.extensions.get::<Connection>().cloned();
    let opening = Opening::of(&mut parts)?;
    let limit = usize::try_from(gateway.stream.message_limit_bytes).unwrap_or(usize::MAX);
    // From before the upgrade: a gateway that stops waits for this socket too.
    let running = gateway.running.token();
    let jar = caller.jar.clone();
    caller.jar.close();
    let (mut response, socket) = opening.grant(limit);
    let session = async move {
        match socket.await {
            Ok(socket) => Session::new(gateway, socket, caller, id, place).run().await,
            Err(error) => tracing::debug!(%error, "a WebSocket could not be opened"),
        }
        drop(running);
    };
    tokio::spawn(session.in_current_span());
    jar.put_into(&mut response);
    Ok(response)
}
