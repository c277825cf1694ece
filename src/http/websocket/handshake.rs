//! How a request becomes a WebSocket (RFC 6455, section 4.2).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::protocol;
use crate::{domain::ErrorCode, http::failure::Failure};

/// The gateway's side of a WebSocket.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Of each direction of each socket: thousands are open, and their messages are short.
const BUFFER_BYTES: usize = 4096;

/// A request to open a WebSocket that may be granted.
pub(super) struct Opening {
    accept: String,
    upgrade: OnUpgrade,
}

impl Opening {
    /// What `parts` ask for, if it is a WebSocket of our protocol.
    pub fn of(parts: &mut Parts) -> Result<Self, Failure> {
        let headers = &parts.headers;
        if !lists(headers, &header::CONNECTION, "upgrade")
            || !lists(headers, &header::UPGRADE, "websocket")
        {
            return Err(Failure::bad_request(
                "Here a WebSocket is opened: send Connection: Upgrade and Upgrade: websocket.",
            ));
        }
        if headers
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_none_or(|version| version != "13")
        {
            return Err(Failure::new(
                StatusCode::UPGRADE_REQUIRED,
                ErrorCode::InvalidInput,
                "The version of WebSockets that is spoken here is 13.",
            )
            .with_header("sec-websocket-version", "13"));
        }
        let key = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .map(HeaderValue::as_bytes)
            .filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16))
            .ok_or_else(|| Failure::bad_request("Sec-WebSocket-Key is missing or no key."))?;
        if !lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, protocol::NAME) {
            return Err(Failure::bad_request(
                "The WebSocket's protocol is graphql-transport-ws: ask for it by \
                 Sec-WebSocket-Protocol.",
            ));
        }
        let accept = derive_accept_key(key);
        let upgrade = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| Failure::bad_request("This connection cannot become a WebSocket."))?;
        Ok(Self { accept, upgrade })
    }

    /// The answer that grants it, and what waits for the socket.
    pub fn grant(
        self,
        message_limit: usize,
    ) -> (Response, impl Future<Output = hyper::Result<Socket>>) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(protocol::NAME),
        );
        // It is Base64, which a header takes.
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(message_limit))
            .max_frame_size(Some(message_limit));
        let socket = async move {
            let stream = TokioIo::new(self.upgrade.await?);
            Ok(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
        };
        (response, socket)
    }
}

/// Whether `word` is in the list that the header `name` holds.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(word))
}
