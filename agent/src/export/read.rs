//! From a backup back to a disk, or only through all of its checks.
//!
//! Each frame carries a checksum of its content; the manifest has a digest of the object and one of
//! the disk. A pass over the backup checks all of them, whether it writes or not.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::format::{
    BLOCK_BYTES, Corrupt, Digest, DiskDigest, Frame, Place,
    frame::{Content, Decoder},
};
use tokio::{sync::mpsc, try_join};

use super::{Backup, Error, LANES, Target, blocking, pool::Pool};
use crate::report::Progress;

/// Frames that are checked and wait to be hashed in order.
const READY: usize = 2;

impl Backup {
    /// Reads all of the backup and checks it, without writing anything.
    ///
    /// A restore in place does this first, so that a corrupt backup does not cost the volume.
    pub async fn verify(&self, progress: &Progress) -> Result<(), Error> {
        // Nothing reaches the destination yet, so nothing is counted.
        progress.enter("Verifying");
        self.pass(None, &Progress::default()).await
    }

    /// Writes the backup to a disk of at least its size, checking it again on the way.
    pub async fn restore(&self, target: &Target, progress: &Progress) -> Result<(), Error> {
        let size_bytes = self.manifest().volume_size_bytes;
        target.ensure_holds(size_bytes)?;
        progress.expect(self.data_bytes());
        progress.enter("Restoring");
        self.pass(Some(target), progress).await?;
        progress.enter("Flushing");
        target.finish(size_bytes).await
    }

    async fn pass(&self, target: Option<&Target>, progress: &Progress) -> Result<(), Error> {
        let reader = Reader {
            backup: self,
            target,
            blocks: Pool::new(),
            decoders: Pool::new(),
        };
        let (ready, mut checked) = mpsc::channel(READY);
        let produce = async {
            let ready = ready;
            let frames = stream::iter(self.frames()).map(|frame| reader.take(frame));
            let mut frames = frames.buffered(LANES);
            while let Some(frame) = frames.try_next().await? {
                if ready.send(frame).await.is_err() {
                    break;
                }
            }
            Ok::<_, Error>(())
        };
        let consume = async {
            let mut digests = Digests::default();
            while let Some(frame) = checked.recv().await {
                let moved = moved_bytes(&frame.frame);
                digests.add(frame).await?;
                progress.advance(moved);
            }
            Ok(digests)
        };
        let ((), mut digests) = try_join!(produce, consume)?;
        digests.add_bytes(self.read_table().await?).await?;
        Ok(self.compare(digests.object.finalize().into(), digests.disk.finish())?)
    }

    /// What a pass counts: the frames that are blocks. Longer ones are runs of zeros.
    fn data_bytes(&self) -> u64 {
        self.frames().map(|frame| moved_bytes(&frame)).sum()
    }

    fn compare(&self, object: Digest, disk: Digest) -> Result<(), Corrupt> {
        let manifest = self.manifest();
        if disk != manifest.disk_blake3 {
            return Err(Corrupt::new(
                Place::Object,
                format!(
                    "the disk in it has the digest {disk} instead of {}",
                    manifest.disk_blake3
                ),
            ));
        }
        if object != manifest.object_blake3 {
            return Err(Corrupt::new(
                Place::Object,
                format!(
                    "it has the digest {object} instead of {}",
                    manifest.object_blake3
                ),
            ));
        }
        Ok(())
    }
}

fn moved_bytes(frame: &Frame) -> u64 {
    if frame.disk_bytes > BLOCK_BYTES {
        0
    } else {
        u64::from(frame.disk_bytes)
    }
}

/// The digests of all that has been read so far.
#[derive(Default)]
struct Digests {
    object: blake3::Hasher,
    disk: DiskDigest,
}

impl Digests {
    async fn add(&mut self, checked: Checked) -> Result<(), Error> {
        match checked.digest {
            Some(digest) => self.disk.push_block(digest),
            None => self.disk.push_zeros(u64::from(checked.frame.disk_bytes)),
        }
        self.add_bytes(checked.bytes).await
    }

    async fn add_bytes(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut object = self.object.clone();
        self.object = blocking(move || {
            object.update(&bytes);
            object
        })
        .await?;
        Ok(())
    }
}

/// A frame that holds what its checksum says, and has been written if there is a target.
struct Checked {
    frame: Frame,
    bytes: Bytes,
    /// The block's digest; none for a run of zeros.
    digest: Option<Digest>,
}

struct Reader<'a> {
    backup: &'a Backup,
    target: Option<&'a Target>,
    blocks: Pool<Vec<u8>>,
    decoders: Pool<Decoder>,
}

impl Reader<'_> {
    async fn take(&self, frame: Frame) -> Result<Checked, Error> {
        let end = frame.object_offset + u64::from(frame.object_bytes);
        let range = frame.object_offset..end;
        let bytes = self
            .backup
            .store
            .read(&self.backup.location.disk, range)
            .await?;

        let (blocks, decoders, encoded) =
            (self.blocks.clone(), self.decoders.clone(), bytes.clone());
        let decoded = blocking(move || decode(&frame, &encoded, &blocks, &decoders)).await??;
        let digest = decoded.as_ref().map(|(_, digest)| *digest);
        if let Some(target) = self.target {
            match decoded {
                Some((block, _)) => target.put(frame.disk_offset, block).await?,
                None => {
                    target
                        .put_zeros(frame.disk_offset, u64::from(frame.disk_bytes))
                        .await?;
                }
            }
        }
        Ok(Checked {
            frame,
            bytes,
            digest,
        })
    }
}

/// The frame's block and its digest, or nothing for a run of zeros.
fn decode(
    frame: &Frame,
    bytes: &[u8],
    blocks: &Pool<Vec<u8>>,
    decoders: &Pool<Decoder>,
) -> Result<Option<(Bytes, Digest)>, Error> {
    let mut decoder = decoders.take().map_or_else(Decoder::new, Ok)?;
    let mut block = blocks.take().unwrap_or_default();
    let content = decoder.decode(frame, bytes, &mut block)?;
    decoders.give(decoder);
    match content {
        Content::Zeros => {
            blocks.give(block);
            Ok(None)
        }
        Content::Data => {
            let digest = Digest::of(&block);
            Ok(Some((blocks.lend(block), digest)))
        }
    }
}
