//! The messages of graphql-transport-ws, and why a socket is closed.

use async_graphql::{Request, ServerError};
use axum::extract::ws::CloseFrame;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::response::Payload;

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
        payload: Option<Value>,
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
    /// The value of `authorization` in the payload of a `connection_init`.
    pub fn authorization(payload: Option<&Value>) -> Option<&str> {
        payload?
            .as_object()?
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
    /// An answer to an operation.
    Next {
        /// What the client calls it.
        id: &'a str,
        /// The answer.
        payload: Payload<'a>,
    },
    /// The operation was refused, and is over.
    Error {
        /// What the client calls it.
        id: &'a str,
        /// Why.
        payload: &'a [ServerError],
    },
    /// The operation is over.
    Complete {
        /// What the client calls it.
        id: &'a str,
    },
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The gateway stops.
    GoingAway,
    /// Something failed on our side.
    Internal,
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

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        let (code, reason) = match close {
            Close::GoingAway => (1001, "The gateway stops: connect again".to_owned()),
            Close::Internal => (1011, "Internal server error".to_owned()),
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
            code,
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
        for text in [r#"{"type":"ping"}"#, r#"{"type":"pong","payload":{"a":1}}"#] {
            assert!(
                serde_json::from_str::<ClientMessage>(text).is_ok(),
                "{text}"
            );
        }
        assert!(serde_json::from_str::<ClientMessage>(r#"{"type":"start"}"#).is_err());
    }
}
