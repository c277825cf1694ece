//! Frames: one block of data compressed by zstd, or a long run of zeros built by hand.

use std::io;

use zstd_safe::{CCtx, CParameter, DCtx};

use super::{BLOCK_BYTES, Corrupt, Place};

/// Fast enough to keep up with a disk; higher levels gain little on disk images.
const LEVEL: i32 = 1;
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Frame header descriptor: a content size of 4 bytes, no checksum, with a window descriptor.
const ZERO_DESCRIPTOR: u8 = 0x80;
/// A window of 128 KiB. A frame without one would need a window as large as its content, which
/// `zstd -d` refuses above 128 MiB.
const ZERO_WINDOW: u8 = 0x38;
const RLE_BLOCK_BYTES: u32 = 128 << 10;
const RLE_BLOCK: u32 = 1 << 1;
const LAST_BLOCK: u32 = 1;
/// Bit 2 of the frame header descriptor: a checksum of the content follows the content.
const CHECKSUM_FLAG: u8 = 1 << 2;

/// One frame's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Its number, from 0.
    pub index: u32,
    /// Where it begins in the object.
    pub object_offset: u64,
    /// How long it is in the object.
    pub object_bytes: u32,
    /// Where its content begins on the disk.
    pub disk_offset: u64,
    /// How long its content is.
    pub disk_bytes: u32,
}

impl Frame {
    /// How to name this frame to a person.
    pub fn place(&self) -> Place {
        Place::Frame {
            index: self.index,
            object_offset: self.object_offset,
            disk_offset: self.disk_offset,
        }
    }
}

/// How long the frame of `length` zeros is.
pub(super) fn zeros_bytes(length: u32) -> u64 {
    10 + 4 * u64::from(length.div_ceil(RLE_BLOCK_BYTES).max(1))
}

/// The most that a frame of `length` bytes takes, whether they are zeros or not.
pub(super) fn bound(length: u32) -> u64 {
    if length > BLOCK_BYTES {
        return zeros_bytes(length);
    }
    (zstd_safe::compress_bound(length as usize) as u64).max(zeros_bytes(length))
}

/// The frame that decodes to `length` zeros: blocks of 128 KiB of one repeated byte, 4 bytes each.
/// 1 GiB of zeros takes 32,778 bytes.
pub fn zeros(length: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(usize::try_from(zeros_bytes(length)).unwrap_or_default());
    frame.extend(MAGIC);
    frame.extend([ZERO_DESCRIPTOR, ZERO_WINDOW]);
    frame.extend(length.to_le_bytes());
    let mut left = length;
    loop {
        let block = left.min(RLE_BLOCK_BYTES);
        left -= block;
        let last = if left == 0 { LAST_BLOCK } else { 0 };
        let [a, b, c, _] = (last | RLE_BLOCK | block << 3).to_le_bytes();
        frame.extend([a, b, c, 0]);
        if left == 0 {
            return frame;
        }
    }
}

/// Whether a frame's bytes are exactly those of [`zeros`].
fn is_zeros(bytes: &[u8], length: u32) -> bool {
    bytes.get(4..6) == Some(&[ZERO_DESCRIPTOR, ZERO_WINDOW]) && bytes == zeros(length)
}

/// Whether all of `content` is zero, as fast as memory can be compared.
pub fn is_zero(content: &[u8]) -> bool {
    static ZEROS: [u8; 4096] = [0; 4096];
    content
        .chunks(ZEROS.len())
        .all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// Compresses blocks; reused for many, because creating one costs as much as a block.
pub struct Encoder(CCtx<'static>);

impl Encoder {
    /// A new compressor.
    pub fn new() -> io::Result<Self> {
        let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        for parameter in [
            CParameter::CompressionLevel(LEVEL),
            CParameter::ChecksumFlag(true),
        ] {
            context.set_parameter(parameter).map_err(zstd_error)?;
        }
        Ok(Self(context))
    }

    /// Compresses one block into `frame`, whose content is replaced and whose space is reused.
    pub fn encode(&mut self, block: &[u8], frame: &mut Vec<u8>) -> io::Result<()> {
        frame.clear();
        frame.reserve(zstd_safe::compress_bound(block.len()));
        self.0.compress2(frame, block).map_err(zstd_error)?;
        Ok(())
    }
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing but zeros.
    Zeros,
    /// Bytes, with which the decoder has filled the beginning of its buffer.
    Data,
}

/// Decompresses frames; reused for many.
pub struct Decoder(DCtx<'static>);

impl Decoder {
    /// A new decompressor.
    pub fn new() -> io::Result<Self> {
        DCtx::try_create()
            .map(Self)
            .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// Checks a frame and decodes it into `block`, which has room for [`BLOCK_BYTES`]. A run of zeros
    /// leaves `block` as it is.
    pub fn decode(
        &mut self,
        frame: &Frame,
        bytes: &[u8],
        block: &mut [u8],
    ) -> Result<Content, Corrupt> {
        if is_zeros(bytes, frame.disk_bytes) {
            return Ok(Content::Zeros);
        }
        let corrupt = |reason: &str| Corrupt::new(frame.place(), reason);
        if frame.disk_bytes > BLOCK_BYTES {
            return Err(corrupt("it should be a run of zeros and is not"));
        }
        if bytes.get(..4) != Some(&MAGIC) {
            return Err(corrupt("it does not begin as a frame does"));
        }
        if bytes
            .get(4)
            .is_none_or(|descriptor| descriptor & CHECKSUM_FLAG == 0)
        {
            return Err(corrupt("it has no checksum"));
        }
        if zstd_safe::find_frame_compressed_size(bytes) != Ok(bytes.len()) {
            return Err(corrupt("it does not end where the seek table says"));
        }
        let Some(block) = block.get_mut(..frame.disk_bytes as usize) else {
            return Err(corrupt("it is larger than a block"));
        };
        match self.0.decompress(block, bytes) {
            Ok(length) if length == frame.disk_bytes as usize => Ok(Content::Data),
            Ok(length) => Err(corrupt(&format!(
                "it decodes to {length} bytes instead of {}",
                frame.disk_bytes
            ))),
            Err(code) => Err(corrupt(zstd_safe::get_error_name(code))),
        }
    }
}

fn zstd_error(code: usize) -> io::Error {
    io::Error::other(format!("zstd: {}", zstd_safe::get_error_name(code)))
}
