//! A client of the Network Block Device protocol, for the disks that `qemu-nbd` serves.
//!
//! It speaks the fixed newstyle handshake with structured replies and `base:allocation` over a unix
//! socket, keeps many requests in flight on several connections, and cuts requests to what the
//! server allows. A request whose future is dropped does no harm to the others. When the server
//! dies, every request ends with an error at once.

mod client;
mod connection;
mod handshake;
mod wire;

pub use self::client::{Client, Patience, Region};

/// Why a request was not served. It is shared by all requests that one broken connection takes down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody listens on the socket, or not to us.
    #[error("disk server cannot be reached: {0}")]
    Connect(String),
    /// The server lacks what is needed, or does not speak the protocol.
    #[error("disk server does not speak the protocol: {0}")]
    Protocol(String),
    /// The connection ended with requests in flight.
    #[error("connection to the disk server was lost: {0}")]
    Lost(String),
    /// The server did not answer.
    #[error("disk server did not answer in {seconds} seconds")]
    TimedOut {
        /// How long it was given.
        seconds: u64,
    },
    /// The server refused a request.
    #[error("disk server reports {}{}", errno(*code), detail(message))]
    Refused {
        /// The protocol's error number.
        code: u32,
        /// What the server says about it.
        message: String,
    },
    /// A request of ours that no server can serve.
    #[error("request does not fit the disk: {0}")]
    Invalid(String),
}

impl Error {
    /// Whether the storage below the server has no space left.
    pub fn is_no_space(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: wire::ENOSPC,
                ..
            }
        )
    }

    /// Whether the storage below the server cannot read or write what it should.
    pub fn is_of_medium(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: wire::EIO,
                ..
            }
        )
    }
}

fn errno(code: u32) -> String {
    match code {
        1 => "that it is not permitted".into(),
        wire::EIO => "an input/output error".into(),
        12 => "that it is out of memory".into(),
        22 => "an invalid request".into(),
        wire::ENOSPC => "that no space is left".into(),
        75 => "that the request is too large".into(),
        95 => "that it cannot do that".into(),
        108 => "that it is shutting down".into(),
        other => format!("error {other}"),
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}
