//! A disk behind one or more connections.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::future::try_join_all;

use super::{
    Error,
    connection::{Connection, Reply},
    handshake::Export,
    wire,
};

/// Larger requests are slower: the server handles each as a whole.
const REQUEST_BYTES: u32 = 1 << 20;
/// How much one question about allocation covers at most.
const STATUS_BYTES: u32 = 1 << 30;
const REQUEST_LIMIT: Duration = Duration::from_mins(1);
/// A flush may have to write gigabytes out.
const FLUSH_LIMIT: Duration = Duration::from_mins(10);

/// A stretch of the disk that is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub length: u64,
    /// Whether it reads as zeros. If not, it has to be read.
    pub zero: bool,
}

/// A disk that a server offers.
#[derive(Clone)]
pub struct Client {
    connections: Arc<Vec<Connection>>,
    export: Export,
    turn: Arc<AtomicUsize>,
}

impl Client {
    /// Connects to the default export behind a unix socket, several times if the server guarantees
    /// that its connections see each other's writes.
    pub async fn connect(socket: &Path, connections: usize) -> Result<Self, Error> {
        let (first, export) = Connection::open(socket).await?;
        let mut open = vec![first];
        if export.flags & wire::EXPORT_CAN_MULTI_CONN != 0 {
            while open.len() < connections {
                open.push(Connection::open(socket).await?.0);
            }
        }
        Ok(Self {
            connections: Arc::new(open),
            export,
            turn: Arc::default(),
        })
    }

    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        self.export.size_bytes
    }

    /// Whether the server refuses writes.
    pub fn is_read_only(&self) -> bool {
        self.export.flags & wire::EXPORT_READ_ONLY != 0
    }

    /// Fills `buffer`, whose length says how much, from `offset` on.
    pub async fn read(&self, offset: u64, mut buffer: BytesMut) -> Result<BytesMut, Error> {
        self.check(offset, buffer.len() as u64)?;
        let mut position = offset;
        let mut parts = Vec::new();
        while !buffer.is_empty() {
            let part = buffer.split_to(buffer.len().min(self.request_bytes() as usize));
            let length = part.len();
            parts.push(self.read_part(position, part));
            position += length as u64;
        }
        let mut whole = BytesMut::new();
        for part in try_join_all(parts).await? {
            // The parts are neighbours in one allocation, so this joins them without copying.
            whole.unsplit(part);
        }
        Ok(whole)
    }

    async fn read_part(&self, offset: u64, buffer: BytesMut) -> Result<BytesMut, Error> {
        let place = (offset, length(buffer.len())?);
        let reply = Reply::Data(buffer);
        match self
            .request(
                wire::COMMAND_READ,
                place,
                Bytes::new(),
                reply,
                REQUEST_LIMIT,
            )
            .await?
        {
            Reply::Data(buffer) => Ok(buffer),
            _ => Err(Error::Protocol(
                "it answers a read with something else".into(),
            )),
        }
    }

    /// Writes `content` at `offset`.
    pub async fn write(&self, offset: u64, mut content: Bytes) -> Result<(), Error> {
        self.check(offset, content.len() as u64)?;
        let mut position = offset;
        let mut parts = Vec::new();
        while !content.is_empty() {
            let part = content.split_to(content.len().min(self.request_bytes() as usize));
            let place = (position, length(part.len())?);
            position += part.len() as u64;
            parts.push(self.request(wire::COMMAND_WRITE, place, part, Reply::Done, REQUEST_LIMIT));
        }
        try_join_all(parts).await.map(drop)
    }

    /// Makes a stretch read as zeros, freeing what it took where that is possible.
    pub async fn write_zeroes(&self, offset: u64, length: u64) -> Result<(), Error> {
        self.check(offset, length)?;
        let end = offset + length;
        let mut position = offset;
        while position < end {
            let part = u32::try_from(end - position)
                .unwrap_or(u32::MAX)
                .min(self.export.max_block);
            let place = (position, part);
            let command = wire::COMMAND_WRITE_ZEROES;
            self.request(command, place, Bytes::new(), Reply::Done, REQUEST_LIMIT)
                .await?;
            position += u64::from(part);
        }
        Ok(())
    }

    /// Makes every finished write durable.
    pub async fn flush(&self) -> Result<(), Error> {
        let reply = Reply::Done;
        self.request(
            wire::COMMAND_FLUSH,
            (0, 0),
            Bytes::new(),
            reply,
            FLUSH_LIMIT,
        )
        .await
        .map(drop)
    }

    /// Regions from `offset` on, at least one: what the server answers to a single question.
    pub async fn regions(&self, offset: u64) -> Result<Vec<Region>, Error> {
        let left = self.export.size_bytes.saturating_sub(offset);
        if self.export.allocation.is_none() {
            return Ok(vec![Region {
                offset,
                length: left,
                zero: false,
            }]);
        }
        let asked = u32::try_from(left).unwrap_or(u32::MAX).min(STATUS_BYTES);
        let (command, reply) = (wire::COMMAND_BLOCK_STATUS, Reply::Status(Vec::new()));
        let place = (offset, asked);
        let reply = self
            .request(command, place, Bytes::new(), reply, REQUEST_LIMIT)
            .await?;
        let Reply::Status(states) = reply else {
            return Err(Error::Protocol(
                "it answers a question for status otherwise".into(),
            ));
        };
        let end = self.export.size_bytes;
        let mut position = offset;
        let mut regions = Vec::with_capacity(states.len());
        for (length, state) in states {
            // A server may describe more than was asked for, even beyond the end.
            let length = u64::from(length).min(end - position);
            if length > 0 {
                let zero = state & wire::STATE_ZERO != 0;
                regions.push(Region {
                    offset: position,
                    length,
                    zero,
                });
                position += length;
            }
        }
        if regions.is_empty() {
            return Err(Error::Protocol(
                "it says nothing about what it was asked".into(),
            ));
        }
        Ok(regions)
    }

    /// Says goodbye, upon which a server that serves nobody else ends.
    pub async fn close(self) {
        if let Some(connections) = Arc::into_inner(self.connections) {
            for connection in connections {
                connection.close().await;
            }
        }
    }

    async fn request(
        &self,
        command: u16,
        place: (u64, u32),
        payload: Bytes,
        reply: Reply,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        self.connections[turn]
            .request(command, place, payload, reply, limit)
            .await
    }

    /// The largest payload to send or ask for, a multiple of the server's block size.
    fn request_bytes(&self) -> u32 {
        REQUEST_BYTES
            .max(self.export.min_block)
            .min(self.export.max_block)
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), Error> {
        let block = u64::from(self.export.min_block);
        let size = self.export.size_bytes;
        if offset.checked_add(length).is_none_or(|end| end > size) {
            let what = format!("{length} bytes at {offset} go beyond its {size} bytes");
            return Err(Error::Invalid(what));
        }
        if !offset.is_multiple_of(block) || !length.is_multiple_of(block) {
            let what = format!("{length} bytes at {offset} are no whole blocks of {block} bytes");
            return Err(Error::Invalid(what));
        }
        Ok(())
    }
}

fn length(bytes: usize) -> Result<u32, Error> {
    u32::try_from(bytes).map_err(|_| Error::Invalid("it is too long".into()))
}
