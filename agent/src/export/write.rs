//! From a disk to an object: frames are compressed in parallel and appended in order.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::{
    ObjectPath, ObjectWriter, Store,
    format::{
        BLOCK_BYTES, Digest, DiskDigest, SeekTable,
        frame::{self, Encoder},
    },
};
use tokio::{sync::mpsc, try_join};

use super::{
    Error, LANES, Source, blocking,
    plan::{Plan, Unit},
    pool::Pool,
};
use crate::{qcow2::buffer, report::Progress};

/// Blocks that are being read: enough that the disk has the next request when it has served one.
const READS: usize = 4;
/// Frames that are compressed and wait for the store.
const READY: usize = 2;

/// What has been stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Frames in the object.
    pub frame_count: u64,
    /// The object's size.
    pub stored_bytes: u64,
    /// The object's digest.
    pub object_blake3: Digest,
    /// The disk's digest.
    pub disk_blake3: Digest,
}

/// Writes `source` to the object `path`, and commits it.
pub async fn write(
    source: &Source,
    store: &dyn Store,
    path: &ObjectPath,
    progress: &Progress,
) -> Result<Written, Error> {
    let plan = Plan::of(source).await?;
    progress.expect(plan.data_bytes());
    progress.enter("Exporting");
    let compressor = Compressor::new(source.clone());
    let mut object = ObjectBuilder::new(store.create(path, plan.data_bytes()).await?);

    let (ready, mut appended) = mpsc::channel(READY);
    // Where each appended frame ends in the object, and what it counts for once it is confirmed.
    let mut unconfirmed = VecDeque::new();
    // Both ends are driven at once: reading goes on while the store takes its time.
    let produce = async {
        let ready = ready;
        let blocks = stream::iter(plan.units()).map(|unit| compressor.read(unit));
        let mut frames = blocks
            .buffered(READS)
            .map_ok(|block| compressor.compress(block))
            .try_buffered(compressors());
        while let Some(frame) = frames.try_next().await? {
            if ready.send(frame).await.is_err() {
                break;
            }
        }
        Ok::<_, Error>(())
    };
    let consume = async {
        while let Some(frame) = appended.recv().await {
            let moved = frame.moved_bytes;
            object.append(frame).await?;
            unconfirmed.push_back((object.stored_bytes, moved));
            let confirmed = object.confirmed_bytes();
            while let Some((_, moved)) = unconfirmed.pop_front_if(|(end, _)| *end <= confirmed) {
                progress.advance(moved);
            }
        }
        Ok(object)
    };
    let ((), object) = try_join!(produce, consume)?;
    let written = object.finish().await?;
    progress.advance(unconfirmed.iter().map(|(_, moved)| moved).sum());
    Ok(written)
}

/// A frame on its way to the store.
struct Compressed {
    bytes: Bytes,
    disk_bytes: u32,
    /// The block's digest; none for a run of zeros.
    digest: Option<Digest>,
    /// What it counts for in the progress.
    moved_bytes: u64,
}

impl Compressed {
    fn zeros(length: u32, moved_bytes: u64) -> Self {
        let bytes = frame::zeros(length).into();
        Self {
            bytes,
            disk_bytes: length,
            digest: None,
            moved_bytes,
        }
    }
}

/// What was read of a disk.
enum Block {
    /// A run of zeros of this length, which was not read at all.
    Zeros(u32),
    /// Bytes, and how many.
    Data(BytesMut, u32),
}

/// Reads and compresses units; holds what is used again.
struct Compressor {
    source: Source,
    blocks: Pool<BytesMut>,
    frames: Pool<Vec<u8>>,
    encoders: Pool<Encoder>,
}

impl Compressor {
    fn new(source: Source) -> Self {
        Self {
            source,
            blocks: Pool::new(),
            frames: Pool::new(),
            encoders: Pool::new(),
        }
    }

    async fn read(&self, unit: Unit) -> Result<Block, Error> {
        let (offset, length) = match unit {
            Unit::Zeros { length, .. } => return Ok(Block::Zeros(length)),
            Unit::Data { offset, length } => (offset, length),
        };
        let block = match self.blocks.take() {
            Some(block) if length == BLOCK_BYTES => block,
            _ => buffer(length as usize),
        };
        Ok(Block::Data(self.source.read(offset, block).await?, length))
    }

    async fn compress(&self, block: Block) -> Result<Compressed, Error> {
        let (block, length) = match block {
            Block::Zeros(length) => return Ok(Compressed::zeros(length, 0)),
            Block::Data(block, length) => (block, length),
        };
        let (blocks, frames) = (self.blocks.clone(), self.frames.clone());
        let encoders = self.encoders.clone();
        blocking(move || {
            let compressed = compress_block(&block, length, &frames, &encoders);
            if length == BLOCK_BYTES {
                blocks.give(block);
            }
            compressed
        })
        .await?
    }
}

/// More than there are processors, because frames are handed on in their order: behind one that takes
/// long, others have to be under way. Never so many that their memory counts.
fn compressors() -> usize {
    std::thread::available_parallelism().map_or(LANES, |processors| LANES.min(3 * processors.get()))
}

fn compress_block(
    block: &[u8],
    length: u32,
    frames: &Pool<Vec<u8>>,
    encoders: &Pool<Encoder>,
) -> Result<Compressed, Error> {
    if frame::is_zero(block) {
        return Ok(Compressed::zeros(length, u64::from(length)));
    }
    let mut encoder = encoders.take().map_or_else(Encoder::new, Ok)?;
    let mut bytes = frames.take().unwrap_or_default();
    encoder.encode(block, &mut bytes)?;
    encoders.give(encoder);
    Ok(Compressed {
        bytes: frames.lend(bytes),
        disk_bytes: length,
        digest: Some(Digest::of(block)),
        moved_bytes: u64::from(length),
    })
}

/// The object as it grows.
struct ObjectBuilder {
    writer: Box<dyn ObjectWriter>,
    table: SeekTable,
    stored_bytes: u64,
    object: blake3::Hasher,
    disk: DiskDigest,
}

impl ObjectBuilder {
    fn new(writer: Box<dyn ObjectWriter>) -> Self {
        let (object, disk) = (blake3::Hasher::new(), DiskDigest::new());
        Self {
            writer,
            table: SeekTable::new(),
            stored_bytes: 0,
            object,
            disk,
        }
    }

    async fn append(&mut self, frame: Compressed) -> Result<(), Error> {
        match frame.digest {
            Some(digest) => self.disk.push_block(digest),
            None => self.disk.push_zeros(u64::from(frame.disk_bytes)),
        }
        let object_bytes = u32::try_from(frame.bytes.len()).map_err(std::io::Error::other)?;
        self.table.push(object_bytes, frame.disk_bytes);
        self.append_bytes(frame.bytes).await
    }

    /// How much of the object the store has confirmed.
    fn confirmed_bytes(&self) -> u64 {
        self.stored_bytes - self.writer.unconfirmed_bytes()
    }

    async fn append_bytes(&mut self, bytes: Bytes) -> Result<(), Error> {
        let (mut object, hashed) = (self.object.clone(), bytes.clone());
        // The store takes the bytes while they are hashed.
        let hash = blocking(move || {
            object.update(&hashed);
            object
        });
        let append = async { Ok(self.writer.append(bytes.clone()).await?) };
        let (object, ()) = try_join!(hash, append)?;
        self.object = object;
        self.stored_bytes += bytes.len() as u64;
        Ok(())
    }

    async fn finish(mut self) -> Result<Written, Error> {
        let table = self.table.encode()?;
        self.append_bytes(table.into()).await?;
        let written = Written {
            frame_count: self.table.frame_count(),
            stored_bytes: self.stored_bytes,
            object_blake3: self.object.finalize().into(),
            disk_blake3: self.disk.finish(),
        };
        self.writer.commit().await?;
        Ok(written)
    }
}
