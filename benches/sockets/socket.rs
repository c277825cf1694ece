//! A client's socket, as cheap as it can be: it reads frames, finds the number in each, and answers pings.

use std::{cell::RefCell, net::SocketAddr};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
const NUMBER: &[u8] = b"\"bytesDone\":";

/// A socket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// What was read of a frame whose rest is to come.
    part: Vec<u8>,
}

impl Socket {
    /// Opens `path` for the bearer of `token`.
    pub async fn open(address: SocketAddr, path: &str, token: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Authorization: Bearer {token}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        ensure!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        Ok(Self {
            stream,
            part: Vec::new(),
        })
    }

    /// Sends a text.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self
            .stream
            .write_all(&frame(TEXT, text.as_bytes())?)
            .await?)
    }

    /// The next text.
    pub async fn receive(&mut self) -> Result<String> {
        let mut found = None;
        while found.is_none() {
            self.read(|text| {
                found.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            })
            .await?;
        }
        found.context("nothing")
    }

    /// Reads what is there, and gives each text to `take`.
    pub async fn read(&mut self, mut take: impl FnMut(&[u8])) -> Result<()> {
        self.stream.readable().await?;
        let pings = SCRATCH.with_borrow_mut(|scratch| {
            let length = match self.stream.try_read(scratch) {
                Ok(0) => anyhow::bail!("the socket was closed"),
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) => return Err(error.into()),
            };
            let new = &scratch[..length];
            if self.part.is_empty() {
                let (rest, pings) = frames(new, &mut take)?;
                self.part.extend_from_slice(rest);
                return Ok(pings);
            }
            self.part.extend_from_slice(new);
            let part = std::mem::take(&mut self.part);
            let (rest, pings) = frames(&part, &mut take)?;
            self.part.extend_from_slice(rest);
            Ok(pings)
        })?;
        for _ in 0..pings {
            self.stream.write_all(&frame(PONG, &[])?).await?;
        }
        Ok(())
    }
}

/// The number in a message.
pub fn number(text: &[u8]) -> Option<usize> {
    let at = text
        .windows(NUMBER.len())
        .position(|window| window == NUMBER)?;
    let mut number = 0;
    for digit in &text[at + NUMBER.len()..] {
        match digit {
            // As a text, where the number may be larger than a program's.
            b'"' => {}
            b'0'..=b'9' => number = number * 10 + usize::from(digit - b'0'),
            _ => break,
        }
    }
    Some(number)
}

/// Gives the texts of whole frames to `take`; what is left, and how many pings there were.
fn frames<'a>(mut bytes: &'a [u8], take: &mut impl FnMut(&[u8])) -> Result<(&'a [u8], usize)> {
    let mut pings = 0;
    loop {
        let (head, length) = match bytes {
            [_, length @ 0..=125, ..] => (2, usize::from(*length)),
            [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            [_, 127, ..] => anyhow::bail!("a long frame"),
            _ => return Ok((bytes, pings)),
        };
        let Some(text) = bytes.get(head..head + length) else {
            return Ok((bytes, pings));
        };
        match bytes[0] {
            TEXT => take(text),
            PING => pings += 1,
            PONG => {}
            other => anyhow::bail!("a frame {other:x}: {}", String::from_utf8_lossy(text)),
        }
        bytes = &bytes[head + length..];
    }
}

/// A frame of a client, which is masked: by nothing.
fn frame(kind: u8, payload: &[u8]) -> Result<Vec<u8>> {
    let mut frame = vec![kind];
    if let Ok(length @ 0..=125) = u8::try_from(payload.len()) {
        frame.push(0x80 | length);
    } else {
        // The length follows in two bytes.
        frame.push(0xfe);
        frame.extend(u16::try_from(payload.len())?.to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    Ok(frame)
}
