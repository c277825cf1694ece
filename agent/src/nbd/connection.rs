//! One connection: a task that writes requests, a task that reads replies, and a table between them.
//!
//! ```text
//! request ─▶ table (cookie → what waits) ─▶ queue ─▶ writer ─▶ server
//!    ▲                 │ taken out                              │
//!    └──── oneshot ────┴────────────── reader ◀─────────────────┘
//! ```
//!
//! A request's future only waits; it never touches the socket. So it may be dropped at any time.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::{
    Error,
    handshake::{Export, negotiate},
    wire::{self, Request},
};

/// Requests that wait for the socket; those in flight are bounded by who asks.
const QUEUE: usize = 32;
/// Small, so that large payloads go straight into their buffers.
const READ_BUFFER: usize = 8 << 10;

/// What a request waits for.
pub(super) enum Reply {
    Data(BytesMut),
    Status(Vec<(u32, u32)>),
    Done,
}

/// A request in flight.
struct Waiting {
    offset: u64,
    reply: Reply,
    /// How much of a read's buffer has been filled.
    filled: usize,
    refusal: Option<Error>,
    answer: oneshot::Sender<Result<Reply, Error>>,
}

impl Waiting {
    fn finish(self) {
        let outcome = match (self.refusal, &self.reply) {
            (Some(refusal), _) => Err(refusal),
            (None, Reply::Data(buffer)) if self.filled != buffer.len() => Err(Error::Protocol(
                "it sends fewer bytes than were asked for".into(),
            )),
            (None, _) => Ok(self.reply),
        };
        // Whoever asked may have gone.
        drop(self.answer.send(outcome));
    }
}

#[derive(Default)]
struct Table {
    waiting: HashMap<u64, Waiting>,
    lost: Option<Error>,
}

struct Shared(Mutex<Table>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every request in flight, and every later one.
    fn lose(&self, error: &Error) {
        let mut table = self.lock();
        let error = table.lost.get_or_insert_with(|| error.clone()).clone();
        for (_, waiting) in table.waiting.drain() {
            drop(waiting.answer.send(Err(error.clone())));
        }
    }
}

/// A negotiated connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    queue: mpsc::Sender<([u8; 28], Bytes)>,
    next_cookie: AtomicU64,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
    /// How long the server may take to greet us, and to let us go.
    ceremony: Duration,
}

impl Connection {
    pub(super) async fn open(socket: &Path, ceremony: Duration) -> Result<(Self, Export), Error> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|error| Error::Connect(error.to_string()))?;
        let (stream, export) =
            timeout(ceremony, negotiate(stream))
                .await
                .map_err(|_| Error::TimedOut {
                    seconds: ceremony.as_secs(),
                })??;
        let (incoming, outgoing) = stream.into_split();
        let shared = Arc::new(Shared(Mutex::default()));
        let (queue, queued) = mpsc::channel(QUEUE);
        let reader = tokio::spawn(read_replies(
            incoming,
            Arc::clone(&shared),
            export.allocation,
        ));
        let writer = tokio::spawn(write_requests(outgoing, queued, Arc::clone(&shared)));
        let next_cookie = AtomicU64::new(1);
        Ok((
            Self {
                shared,
                queue,
                next_cookie,
                reader,
                writer,
                ceremony,
            },
            export,
        ))
    }

    /// Sends a request and waits for its reply.
    pub(super) async fn request(
        &self,
        command: u16,
        (offset, length): (u64, u32),
        payload: Bytes,
        reply: Reply,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let (answer, answered) = oneshot::channel();
        let cookie = self.next_cookie.fetch_add(1, Ordering::Relaxed);
        let served = async {
            if let Some(lost) = self.shared.lock().lost.clone() {
                return Err(lost);
            }
            let Ok(slot) = self.queue.reserve().await else {
                return Err(self.lost());
            };
            {
                let mut table = self.shared.lock();
                if let Some(lost) = &table.lost {
                    return Err(lost.clone());
                }
                let waiting = Waiting {
                    offset,
                    reply,
                    filled: 0,
                    refusal: None,
                    answer,
                };
                table.waiting.insert(cookie, waiting);
            }
            slot.send((
                Request {
                    command,
                    cookie,
                    offset,
                    length,
                }
                .encode(),
                payload,
            ));
            answered.await.unwrap_or_else(|_| Err(self.lost()))
        };
        let Ok(outcome) = timeout(limit, served).await else {
            let late = Error::TimedOut {
                seconds: limit.as_secs(),
            };
            self.shared.lose(&late);
            return Err(late);
        };
        outcome
    }

    /// Fails if it is lost.
    pub(super) fn ensure_open(&self) -> Result<(), Error> {
        self.shared.lock().lost.clone().map_or(Ok(()), Err)
    }

    fn lost(&self) -> Error {
        let lost = self.shared.lock().lost.clone();
        lost.unwrap_or_else(|| Error::Lost("it was closed".into()))
    }

    /// Says goodbye and waits until the server has hung up.
    pub(super) async fn close(mut self) {
        let goodbye = Request {
            command: wire::COMMAND_DISCONNECT,
            cookie: 0,
            offset: 0,
            length: 0,
        };
        let leave = async {
            if self
                .queue
                .send((goodbye.encode(), Bytes::new()))
                .await
                .is_ok()
            {
                drop((&mut self.reader).await);
            }
        };
        // Whoever does not answer any more is left without a word.
        drop(timeout(self.ceremony, leave).await);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

async fn write_requests(
    mut outgoing: OwnedWriteHalf,
    mut queued: mpsc::Receiver<([u8; 28], Bytes)>,
    shared: Arc<Shared>,
) {
    while let Some((header, payload)) = queued.recv().await {
        let mut message = bytes::Buf::chain(&header[..], payload);
        if let Err(error) = outgoing.write_all_buf(&mut message).await {
            shared.lose(&Error::Lost(error.to_string()));
            return;
        }
    }
}

async fn read_replies(incoming: OwnedReadHalf, shared: Arc<Shared>, allocation: Option<u32>) {
    let mut incoming = BufReader::with_capacity(READ_BUFFER, incoming);
    loop {
        if let Err(error) = read_reply(&mut incoming, &shared, allocation).await {
            shared.lose(&error);
            return;
        }
    }
}

async fn read_reply(
    incoming: &mut BufReader<OwnedReadHalf>,
    shared: &Shared,
    allocation: Option<u32>,
) -> Result<(), Error> {
    match incoming.read_u32().await? {
        wire::STRUCTURED_REPLY_MAGIC => {}
        wire::SIMPLE_REPLY_MAGIC => return read_simple_reply(incoming, shared).await,
        _ => {
            return Err(Error::Protocol(
                "a reply begins with the wrong number".into(),
            ));
        }
    }
    let (flags, kind) = (incoming.read_u16().await?, incoming.read_u16().await?);
    let (cookie, length) = (incoming.read_u64().await?, incoming.read_u32().await?);
    // Only this task completes requests, so one may be outside the table while its chunk is read.
    let mut waiting = take(shared, cookie)?;
    if let Err(error) = read_chunk(incoming, kind, length, &mut waiting, allocation).await {
        drop(waiting.answer.send(Err(error.clone())));
        return Err(error);
    }
    if flags & wire::CHUNK_DONE != 0 {
        waiting.finish();
        return Ok(());
    }
    let mut table = shared.lock();
    if let Some(lost) = table.lost.clone() {
        drop(waiting.answer.send(Err(lost)));
    } else {
        table.waiting.insert(cookie, waiting);
    }
    Ok(())
}

async fn read_simple_reply(
    incoming: &mut BufReader<OwnedReadHalf>,
    shared: &Shared,
) -> Result<(), Error> {
    let (code, cookie) = (incoming.read_u32().await?, incoming.read_u64().await?);
    let mut waiting = take(shared, cookie)?;
    if code != 0 {
        waiting.refusal = Some(Error::Refused {
            code,
            message: String::new(),
        });
    } else if let Reply::Data(buffer) = &mut waiting.reply {
        // Without structured replies the content follows at once.
        if let Err(error) = incoming.read_exact(buffer).await {
            let error = Error::from(error);
            drop(waiting.answer.send(Err(error.clone())));
            return Err(error);
        }
        waiting.filled = buffer.len();
    }
    waiting.finish();
    Ok(())
}

fn take(shared: &Shared, cookie: u64) -> Result<Waiting, Error> {
    let waiting = shared.lock().waiting.remove(&cookie);
    waiting.ok_or_else(|| Error::Protocol("it answers what was not asked".into()))
}

/// Reads one chunk of a structured reply into the request that it belongs to.
async fn read_chunk(
    incoming: &mut BufReader<OwnedReadHalf>,
    kind: u16,
    length: u32,
    waiting: &mut Waiting,
    allocation: Option<u32>,
) -> Result<(), Error> {
    match (kind, &mut waiting.reply) {
        (wire::CHUNK_NONE, _) if length == 0 => Ok(()),
        (wire::CHUNK_DATA, Reply::Data(buffer)) if length > 8 => {
            let offset = incoming.read_u64().await?;
            let part = part_of(buffer, waiting.offset, offset, length - 8)?;
            incoming.read_exact(part).await?;
            waiting.filled += part.len();
            Ok(())
        }
        (wire::CHUNK_HOLE, Reply::Data(buffer)) if length == 12 => {
            let (offset, hole) = (incoming.read_u64().await?, incoming.read_u32().await?);
            let part = part_of(buffer, waiting.offset, offset, hole)?;
            part.fill(0);
            waiting.filled += part.len();
            Ok(())
        }
        (wire::CHUNK_BLOCK_STATUS, Reply::Status(regions)) if length % 8 == 4 => {
            let mut chunk = read_payload(incoming, length).await?;
            if Some(chunk.get_u32()) == allocation {
                while chunk.has_remaining() {
                    regions.push((chunk.get_u32(), chunk.get_u32()));
                }
            }
            Ok(())
        }
        (kind, _) if kind & wire::CHUNK_ERROR != 0 && length >= 6 => {
            let mut chunk = read_payload(incoming, length).await?;
            let (code, words) = (chunk.get_u32(), usize::from(chunk.get_u16()));
            let message = String::from_utf8_lossy(&chunk[..words.min(chunk.len())]).into_owned();
            waiting.refusal = Some(Error::Refused { code, message });
            Ok(())
        }
        (kind, _) => Err(Error::Protocol(format!(
            "a chunk of kind {kind} is out of place"
        ))),
    }
}

/// A chunk that is kept whole: never long from a server that follows the protocol.
async fn read_payload(
    incoming: &mut BufReader<OwnedReadHalf>,
    length: u32,
) -> Result<Bytes, Error> {
    if length > 16 << 20 {
        return Err(Error::Protocol("a chunk is too long".into()));
    }
    let mut payload = vec![0; length as usize];
    incoming.read_exact(&mut payload).await?;
    Ok(payload.into())
}

/// The part of a read's buffer that a chunk is for.
fn part_of(buffer: &mut [u8], start: u64, offset: u64, length: u32) -> Result<&mut [u8], Error> {
    let part = offset
        .checked_sub(start)
        .and_then(|begin| usize::try_from(begin).ok())
        .and_then(|begin| buffer.get_mut(begin..begin.checked_add(length as usize)?));
    part.ok_or_else(|| Error::Protocol("a chunk lies outside what was asked for".into()))
}
