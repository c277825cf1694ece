//! From a backup back to a disk, or only through all of its checks.
//!
//! Each frame carries a checksum of its content; the manifest has a digest of the object and one of
//! the disk. A restore checks every frame before it is written, and the whole disk at the end; or, where
//! that was done before, that each frame is still the one that it was then.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::format::{
    BLOCK_BYTES, Corrupt, Digest, DiskDigest, Frame, Place,
    frame::{Content, Decoder},
};
use tokio::{sync::mpsc, try_join};

use super::{
    Backup, Error, LANES, Target,
    backup::{Checksum, Verified},
    blocking,
    pool::Pool,
    span::{Span, spans},
    target::data_bytes,
};
use crate::{qcow2::buffer, report::Progress};

/// Reads of the object that are under way at once. With those whose frames are being worked on,
/// some 28 MiB.
const READS: usize = 4;

impl Backup {
    /// Decodes and checks every frame and the whole disk, without writing anything.
    ///
    /// A restore in place does this first, so that a corrupt backup does not cost the volume. The
    /// object's digest alone would not do: a frame that memory damaged before it was hashed agrees
    /// with it, and is noticed by nothing but its own checksum. Decoding each frame once more when it
    /// is written would tell earlier; but it costs every backup more than a quarter of what compressing
    /// does, and this costs only the restores that overwrite something.
    pub async fn verify(&mut self, progress: &Progress) -> Result<(), Error> {
        // Progress counts what the destination has taken, and nothing reaches it yet.
        progress.enter("Verifying");
        self.verified = Some(self.pass(None, &Progress::default()).await?);
        Ok(())
    }

    /// Writes the backup to a disk of at least its size, checking every frame on the way.
    pub async fn restore(&self, target: &Target, progress: &Progress) -> Result<(), Error> {
        let size_bytes = self.manifest().volume_size_bytes;
        target.ensure_holds(size_bytes)?;
        progress.expect(self.data_bytes());
        progress.enter("Restoring");
        self.pass(Some(target), progress).await?;
        progress.enter("Flushing");
        target.finish(size_bytes).await
    }

    /// Says what all of it was found to be, unless that was known.
    async fn pass(&self, target: Option<&Target>, progress: &Progress) -> Result<Verified, Error> {
        let verified = self
            .verified
            .as_ref()
            .map(|verified| &verified.checksums[..]);
        let worker = Worker {
            target,
            verified,
            blocks: Pool::new(),
            decoders: Pool::new(),
        };
        let (fetched, mut spans_read) = mpsc::channel(1);
        // Both ends are driven at once: what is written does not keep the next bytes from coming.
        let fetch = async move {
            let reads = stream::iter(spans(self.frames())).map(|span| self.fetch(span));
            forward(reads.buffered(READS), fetched).await
        };
        let work = async {
            let (mut disk, mut found) = (DiskDigest::new(), Verified::default());
            let mut blocks = stream::poll_fn(|context| spans_read.poll_recv(context))
                .flat_map(|(span, bytes): (Span, Bytes)| stream::iter(span.split(bytes)))
                .map(|(frame, bytes)| worker.take(frame, bytes))
                .buffered(LANES);
            while let Some(taken) = blocks.try_next().await? {
                if verified.is_none() {
                    match taken.digest {
                        Some(digest) => disk.push_block(digest),
                        None => disk.push_zeros(u64::from(taken.frame.disk_bytes)),
                    }
                    found.checksums.push(taken.checksum);
                    found.data_bytes += taken.data_bytes;
                }
                progress.advance(moved_bytes(&taken.frame));
            }
            Ok((disk.finish(), found))
        };
        let ((), (digest, found)) = try_join!(fetch, work)?;
        let expected = self.manifest().disk_blake3;
        if verified.is_none() && digest != expected {
            let reason = format!("the disk in it has the digest {digest} instead of {expected}");
            return Err(Corrupt::new(Place::Object, reason).into());
        }
        Ok(found)
    }

    async fn fetch(&self, span: Span) -> Result<(Span, Bytes), Error> {
        let bytes = self.read(span.range()).await?;
        Ok((span, bytes))
    }

    /// What a restore counts: the frames that are blocks. Longer ones are runs of zeros.
    fn data_bytes(&self) -> u64 {
        self.frames().map(|frame| moved_bytes(&frame)).sum()
    }
}

/// Hands on what comes, until it ends or nobody wants it any more.
async fn forward<T>(
    mut source: impl stream::Stream<Item = Result<T, Error>> + Unpin,
    next: mpsc::Sender<T>,
) -> Result<(), Error> {
    while let Some(thing) = source.try_next().await? {
        if next.send(thing).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn moved_bytes(frame: &Frame) -> u64 {
    if frame.disk_bytes > BLOCK_BYTES {
        0
    } else {
        u64::from(frame.disk_bytes)
    }
}

/// A frame that holds what its checksum says, and has been written if there is a target.
struct Taken {
    frame: Frame,
    checksum: Checksum,
    /// The block's digest; none for a run of zeros, and where nobody asks for it.
    digest: Option<Digest>,
    /// How much of it is not zeros, where nothing is written.
    data_bytes: u64,
}

struct Worker<'a> {
    target: Option<&'a Target>,
    /// What the frames end with, if the digest of the disk is known to be right.
    verified: Option<&'a [Checksum]>,
    blocks: Pool<BytesMut>,
    decoders: Pool<Decoder>,
}

impl Worker<'_> {
    async fn take(&self, frame: Frame, bytes: Bytes) -> Result<Taken, Error> {
        let (blocks, decoders) = (self.blocks.clone(), self.decoders.clone());
        let (hashes, counts) = (self.verified.is_none(), self.target.is_none());
        let checksum = bytes.last_chunk().copied().unwrap_or_default();
        let is_as_verified =
            |verified: &[Checksum]| verified.get(frame.index as usize) == Some(&checksum);
        if !self.verified.is_none_or(is_as_verified) {
            let reason = "it has changed since it was checked";
            return Err(Corrupt::new(frame.place(), reason).into());
        }
        let (block, digest, data_bytes) = blocking(move || {
            let block = decode(&frame, &bytes, &blocks, &decoders)?;
            let digest = block.as_ref().filter(|_| hashes);
            let digest = digest.map(|block| Digest::of(block));
            let data = block.as_ref().filter(|_| counts);
            let data_bytes = data.map_or(0, |block| data_bytes(block));
            Ok::<_, Error>((block, digest, data_bytes))
        })
        .await??;
        if let Some(target) = self.target {
            match block {
                Some(block) => target.put(frame.disk_offset, block).await?,
                None => {
                    target
                        .put_zeros(frame.disk_offset, u64::from(frame.disk_bytes))
                        .await?;
                }
            }
        }
        Ok(Taken {
            frame,
            checksum,
            digest,
            data_bytes,
        })
    }
}

/// The frame's block, or nothing for a run of zeros.
fn decode(
    frame: &Frame,
    bytes: &[u8],
    blocks: &Pool<BytesMut>,
    decoders: &Pool<Decoder>,
) -> Result<Option<Bytes>, Error> {
    let mut decoder = decoders.take().map_or_else(Decoder::new, Ok)?;
    let block = blocks.take();
    let mut block = block.unwrap_or_else(|| buffer(BLOCK_BYTES as usize));
    let content = decoder.decode(frame, bytes, &mut block)?;
    decoders.give(decoder);
    match content {
        Content::Zeros => {
            blocks.give(block);
            Ok(None)
        }
        Content::Data => {
            let block = blocks.lend(block).slice(..frame.disk_bytes as usize);
            Ok(Some(block))
        }
    }
}
