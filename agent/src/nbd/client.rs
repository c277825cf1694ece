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
use futures_util::{
    TryStreamExt as _,
    future::{join_all, try_join_all},
    stream,
};

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
/// Requests without a payload of ours that are sent at once where many are needed.
const ZEROES_AT_ONCE: usize = 4;

/// How long a server may take before it is given up. One that is gone is noticed at once.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the handshake, and for hanging up.
    pub ceremony: Duration,
    /// For any request.
    pub request: Duration,
    /// For a flush, which may have to write gigabytes out.
    pub flush: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            ceremony: Duration::from_secs(10),
            request: Duration::from_mins(1),
            flush: Duration::from_mins(10),
        }
    }
}

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
    patience: Patience,
    turn: Arc<AtomicUsize>,
}

impl Client {
    /// Connects to the default export behind a unix socket, several times if the server guarantees
    /// that its connections see each other's writes.
    pub async fn connect(socket: &Path, connections: usize) -> Result<Self, Error> {
        Self::connect_with(socket, connections, Patience::default()).await
    }

    /// [`connect`](Self::connect), with a patience of one's own.
    pub async fn connect_with(
        socket: &Path,
        connections: usize,
        patience: Patience,
    ) -> Result<Self, Error> {
        let (first, export) = Connection::open(socket, patience.ceremony).await?;
        let mut open = vec![first];
        if export.flags & wire::EXPORT_CAN_MULTI_CONN != 0 {
            while open.len() < connections {
                let (next, same) = Connection::open(socket, patience.ceremony).await?;
                let allocation = export.allocation;
                if (Export { allocation, ..same }) != export {
                    return Err(Error::Protocol("it describes its disk differently".into()));
                }
                open.push(next);
            }
        }
        Ok(Self {
            connections: Arc::new(open),
            export,
            patience,
            turn: Arc::default(),
        })
    }

    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        self.export.size_bytes
    }

    /// The same disk without what lies beyond `bytes`, for a server that offers more than it should.
    #[must_use]
    pub fn cut_to(mut self, bytes: u64) -> Self {
        self.export.size_bytes = self.export.size_bytes.min(bytes);
        self
    }

    /// Fails if the server is gone, or what it says has stopped making sense. That is noticed at once,
    /// also where nothing is asked of it.
    pub fn ensure_connected(&self) -> Result<(), Error> {
        self.connections
            .iter()
            .try_for_each(Connection::ensure_open)
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
            .request(wire::COMMAND_READ, place, Bytes::new(), reply)
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
            parts.push(self.request(wire::COMMAND_WRITE, place, part, Reply::Done));
        }
        try_join_all(parts).await.map(drop)
    }

    /// Makes a stretch read as zeros, freeing what it took where that is possible. A server that
    /// cannot do so by itself is sent the zeros.
    pub async fn write_zeroes(&self, offset: u64, length: u64) -> Result<(), Error> {
        self.check(offset, length)?;
        let by_itself = self.export.flags & wire::EXPORT_CAN_WRITE_ZEROES != 0;
        let step = if by_itself {
            self.export.max_block
        } else {
            self.request_bytes()
        };
        let end = offset + length;
        let parts = (offset..end).step_by(step as usize).map(|position| {
            let left = u32::try_from(end - position).unwrap_or(u32::MAX);
            Ok((position, left.min(step)))
        });
        stream::iter(parts)
            .try_for_each_concurrent(ZEROES_AT_ONCE, |place| async move {
                let (command, payload) = if by_itself {
                    (wire::COMMAND_WRITE_ZEROES, Bytes::new())
                } else {
                    (wire::COMMAND_WRITE, zeros(place.1))
                };
                self.request(command, place, payload, Reply::Done)
                    .await
                    .map(drop)
            })
            .await
    }

    /// Makes every finished write durable.
    pub async fn flush(&self) -> Result<(), Error> {
        if self.export.flags & wire::EXPORT_CAN_FLUSH == 0 {
            let what = "it cannot say when its writes are durable";
            return Err(Error::Protocol(what.into()));
        }
        self.request(wire::COMMAND_FLUSH, (0, 0), Bytes::new(), Reply::Done)
            .await
            .map(drop)
    }

    /// Regions from `offset` on, at least one: what the server answers to a single question.
    pub async fn regions(&self, offset: u64) -> Result<Vec<Region>, Error> {
        self.regions_within(offset, u64::MAX).await
    }

    /// The same, as far as `length` at most.
    pub async fn regions_within(&self, offset: u64, length: u64) -> Result<Vec<Region>, Error> {
        let left = self.export.size_bytes.saturating_sub(offset).min(length);
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
        let reply = self.request(command, place, Bytes::new(), reply).await?;
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
            join_all(connections.into_iter().map(Connection::close)).await;
        }
    }

    async fn request(
        &self,
        command: u16,
        place: (u64, u32),
        payload: Bytes,
        reply: Reply,
    ) -> Result<Reply, Error> {
        let limit = match command {
            wire::COMMAND_FLUSH => self.patience.flush,
            _ => self.patience.request,
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        self.connections[turn]
            .request(command, place, payload, reply, limit)
            .await
    }

    /// The largest payload to send or ask for, whole blocks of the server's.
    fn request_bytes(&self) -> u32 {
        REQUEST_BYTES.min(self.export.max_block)
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

/// That many zeros, at most [`REQUEST_BYTES`] of which are kept in memory.
fn zeros(length: u32) -> Bytes {
    static ZEROS: [u8; REQUEST_BYTES as usize] = [0; REQUEST_BYTES as usize];
    Bytes::from_static(&ZEROS[..ZEROS.len().min(length as usize)])
}

fn length(bytes: usize) -> Result<u32, Error> {
    u32::try_from(bytes).map_err(|_| Error::Invalid("it is too long".into()))
}
