//! The messages of graphql-transport-ws, and why a socket is closed.

use async_graphql::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    protocol::CloseFrame,
};

use crate::{
    graphql::{bound, told::Told},
    http::persisted,
};

/// The protocol's name in `Sec-WebSocket-Protocol`.
pub(super) const NAME: &str = "graphql-transport-ws";

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// Who it is.
    ConnectionInit {
        /// `{"authorization": "Bearer …"}`
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Whether we are there.
    Ping {},
    /// That it is there.
    Pong {},
    /// Begins an operation.
    Subscribe {
        /// What the client calls it.
        id: String,
        /// What it is.
        payload: Box<Request>,
    },
    /// Ends an operation.
    Complete {
        /// What the client calls it.
        id: String,
    },
}

impl ClientMessage {
    /// The message in `text`.
    pub fn read(text: &str) -> Result<Self, Close> {
        bound::json(text.as_bytes())
            .map_err(|excess| Close::BadRequest(format!("Invalid message: {excess}")))?;
        let message = serde_json::from_str(text)
            .map_err(|error| Close::BadRequest(format!("Invalid message: {error}")))?;
        match &message {
            Self::Subscribe { id, .. } | Self::Complete { id } if id.is_empty() => Err(
                Close::BadRequest("Invalid message: the id is empty".to_owned()),
            ),
            Self::Subscribe { payload, .. } if persisted::lacks_document(payload) => Err(
                Close::BadRequest("Invalid message: the payload has no query".to_owned()),
            ),
            _ => Ok(message),
        }
    }

    /// The value of `authorization` in the payload of a `connection_init`.
    pub fn authorization(payload: Option<&Map<String, Value>>) -> Option<&str> {
        payload?
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("authorization"))?
            .1
            .as_str()
    }
}

/// What the gateway sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    /// The client is known: it may begin operations.
    ConnectionAck,
    /// That we are there.
    Pong,
    /// The operation is over.
    Complete {
        /// What the client calls it.
        id: &'a str,
    },
}

/// What the gateway sends of an answer, which is JSON already. One that was refused ends its operation.
pub(super) fn answer(id: &str, told: &Told) -> serde_json::Result<String> {
    let kind = if told.is_refusal() { "error" } else { "next" };
    let (id, payload) = (serde_json::to_string(id)?, told.json());
    Ok(format!(
        r#"{{"type":"{kind}","id":{id},"payload":{payload}}}"#
    ))
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The gateway stops.
    GoingAway,
    /// Something failed on our side.
    Internal,
    /// The client has as many sockets as it may: it may come again, as this says.
    TryLater(String),
    /// The client sent what is no frame of a WebSocket.
    BrokenFrame(ProtocolError),
    /// The client sent a text that is not UTF-8.
    NotUtf8,
    /// The client sent a message of more bytes than this.
    TooLarge(usize),
    /// The client sent what is no message of the protocol.
    BadRequest(String),
    /// An operation before `connection_init`.
    Unauthorized,
    /// No token, or one that speaks for nobody.
    Forbidden,
    /// No `connection_init` in time.
    InitTimeout,
    /// An operation by a name that is in use.
    Duplicate(String),
    /// `connection_init` more than once.
    TooManyInits,
}

impl Close {
    /// Why a socket is closed from which nothing more can be read; `None` if it is gone.
    pub fn of(error: Error) -> Option<Self> {
        match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(error) => Some(Self::BrokenFrame(error)),
            Error::Utf8(_) => Some(Self::NotUtf8),
            Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
                Some(Self::TooLarge(max_size))
            }
            _ => None,
        }
    }
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        let (code, reason) = match close {
            Close::GoingAway => (1001, "The gateway stops: connect again".to_owned()),
            Close::Internal => (1011, "Internal server error".to_owned()),
            Close::TryLater(reason) => (1013, shortened(format!("RATE_LIMITED: {reason}"))),
            Close::BrokenFrame(error) => (1002, shortened(error.to_string())),
            Close::NotUtf8 => (1007, "A text is UTF-8".to_owned()),
            Close::TooLarge(limit) => (1009, format!("A message has at most {limit} bytes")),
            Close::BadRequest(reason) => (4400, shortened(reason)),
            Close::Unauthorized => (4401, "Unauthorized".to_owned()),
            Close::Forbidden => (4403, "Forbidden".to_owned()),
            Close::InitTimeout => (4408, "Connection initialisation timeout".to_owned()),
            Close::Duplicate(id) => (
                4409,
                shortened(format!("Subscriber for {id} already exists")),
            ),
            Close::TooManyInits => (4429, "Too many initialisation requests".to_owned()),
        };
        Self {
            code: u16::into(code),
            reason: reason.into(),
        }
    }
}

/// A close frame has room for 123 bytes of reason.
fn shortened(mut reason: String) -> String {
    const MAX_BYTES: usize = 123;
    reason.truncate(reason.floor_char_boundary(MAX_BYTES));
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame() {
        let frame = CloseFrame::from(Close::Duplicate("ü".repeat(200)));
        assert!(frame.reason.len() <= 123);
        assert!(frame.reason.starts_with("Subscriber for ü"));
    }

    #[test]
    fn a_message_may_have_a_payload_that_nobody_reads() {
        for text in [
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{"a":1}}"#,
            r#"{"type":"connection_init","payload":null}"#,
        ] {
            assert!(ClientMessage::read(text).is_ok(), "{text}");
        }
        assert!(ClientMessage::read(r#"{"type":"start"}"#).is_err());
    }
}
