//! Messages of QMP: one JSON object a line, either way.

use std::io;

use bytes::BytesMut;
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

/// An instance with hundreds of disks describes them in less.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
const READ_BYTES: usize = 64 << 10;

/// A message from QEMU. Which of the parts it has says what it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    /// In the greeting: who is there.
    #[serde(rename = "QMP")]
    pub(super) greeting: Option<Value>,
    /// In an answer: which command it is to.
    pub(super) id: Option<Value>,
    /// In an answer: what came of the command.
    #[serde(rename = "return")]
    pub(super) outcome: Option<Value>,
    /// In an answer: why nothing came of it.
    pub(super) error: Option<Refusal>,
}

/// QEMU's own words on what it does not do.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(default, rename = "desc")]
    pub(super) description: String,
}

/// A connection. Waiting for a message may be given up and begun again.
#[derive(Debug)]
pub(super) struct Wire {
    stream: UnixStream,
    received: BytesMut,
    /// How much of it is known to have no end of a line.
    searched: usize,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            received: BytesMut::new(),
            searched: 0,
        }
    }

    pub(super) fn peer(&self) -> Option<u32> {
        let pid = self.stream.peer_cred().ok()?.pid()?;
        u32::try_from(pid).ok()
    }

    pub(super) async fn send(&mut self, message: &Value) -> io::Result<()> {
        let line = format!("{message}\n");
        self.stream.write_all(line.as_bytes()).await
    }

    /// The next message, whatever it is.
    pub(super) async fn receive(&mut self) -> io::Result<Message> {
        loop {
            let unseen = &self.received[self.searched..];
            if let Some(end) = unseen.iter().position(|byte| *byte == b'\n') {
                let line = self.received.split_to(self.searched + end + 1);
                self.searched = 0;
                // An empty line is not the end of the connection.
                return serde_json::from_slice(&line)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
            }
            self.searched = self.received.len();
            if self.searched > MAX_MESSAGE_BYTES {
                return Err(io::Error::other("the message has no end"));
            }
            self.received.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
