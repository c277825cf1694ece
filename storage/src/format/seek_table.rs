//! The seek table: where each frame lies in the object and on the disk.
//!
//! It is the zstd project's own seekable format, a skippable frame at the very end of the object, so
//! that other tools find their way too. Read back, it has to be byte for byte what would be written,
//! and has to fit the object, the disk and the rules for frames.

use std::io;

use zeekstd::BytesWrapper;

use super::{BLOCK_BYTES, Corrupt, Frame, Place, ZERO_RUN_BYTES, frame::bound};

/// Skippable frame header and footer.
const FIXED_BYTES: u64 = 8 + 9;
const ENTRY_BYTES: u64 = 8;

/// The frames of an object, while it is written and once it is read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SeekTable {
    frames: Vec<(u32, u32)>,
}

impl SeekTable {
    /// A table without frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next frame: its length in the object and on the disk.
    pub fn push(&mut self, object_bytes: u32, disk_bytes: u32) {
        self.frames.push((object_bytes, disk_bytes));
    }

    /// How many frames there are.
    pub fn frame_count(&self) -> u64 {
        self.frames.len() as u64
    }

    /// The frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        let mut next = (0, 0, 0);
        self.frames.iter().map(move |&(object_bytes, disk_bytes)| {
            let (index, object_offset, disk_offset) = next;
            next = (
                index + 1,
                object_offset + u64::from(object_bytes),
                disk_offset + u64::from(disk_bytes),
            );
            Frame {
                index,
                object_offset,
                object_bytes,
                disk_offset,
                disk_bytes,
            }
        })
    }

    /// How many bytes the table takes at the end of an object with this many frames.
    pub fn encoded_bytes(frame_count: u64) -> u64 {
        FIXED_BYTES.saturating_add(frame_count.saturating_mul(ENTRY_BYTES))
    }

    /// The table as it is written.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut table = zeekstd::SeekTable::new();
        for &(object_bytes, disk_bytes) in &self.frames {
            table
                .log_frame(object_bytes, disk_bytes)
                .map_err(io::Error::other)?;
        }
        let mut serializer = table.into_serializer();
        let mut encoded = vec![0; serializer.encoded_len()];
        let mut written = 0;
        while written < encoded.len() {
            match serializer.write_into(&mut encoded[written..]) {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                more => written += more,
            }
        }
        Ok(encoded)
    }

    /// Reads a table back from the last [`encoded_bytes`](Self::encoded_bytes) of an object of
    /// `object_bytes`, which holds a disk of `disk_bytes`.
    pub fn parse(encoded: &[u8], object_bytes: u64, disk_bytes: u64) -> Result<Self, Corrupt> {
        let corrupt = |reason: String| Corrupt::new(Place::SeekTable, reason);
        let parsed = zeekstd::SeekTable::from_seekable(&mut BytesWrapper::new(encoded))
            .map_err(|error| corrupt(format!("it cannot be read: {error}")))?;
        let mut table = Self::new();
        for index in 0..parsed.num_frames() {
            let sizes = parsed.frame_size_comp(index).and_then(|object_bytes| {
                let disk_bytes = parsed.frame_size_decomp(index)?;
                Ok((u32::try_from(object_bytes), u32::try_from(disk_bytes)))
            });
            match sizes {
                Ok((Ok(object_bytes), Ok(disk_bytes))) => table.push(object_bytes, disk_bytes),
                _ => return Err(corrupt(format!("frame {index} has an impossible size"))),
            }
        }
        if table.encode().ok().as_deref() != Some(encoded) {
            return Err(corrupt("it has stray bits".into()));
        }
        table.check(object_bytes, disk_bytes)?;
        Ok(table)
    }

    fn check(&self, object_bytes: u64, disk_bytes: u64) -> Result<(), Corrupt> {
        let corrupt = |reason: String| Err(Corrupt::new(Place::SeekTable, reason));
        let mut object_end = 0;
        let mut disk_end = 0;
        for frame in self.frames() {
            let (index, length) = (frame.index, frame.disk_bytes);
            if !frame.disk_offset.is_multiple_of(u64::from(BLOCK_BYTES)) {
                return corrupt(format!("frame {index} does not begin with a block"));
            }
            if length == 0 || length > ZERO_RUN_BYTES || frame.object_bytes == 0 {
                return corrupt(format!("frame {index} has an impossible size"));
            }
            // A reader has room for what a writer can have written, not for what anybody claims.
            if u64::from(frame.object_bytes) > bound(length) {
                return corrupt(format!(
                    "frame {index} has {} bytes for {length} of the disk",
                    frame.object_bytes
                ));
            }
            object_end = frame.object_offset + u64::from(frame.object_bytes);
            disk_end = frame.disk_offset + u64::from(length);
        }
        if disk_end != disk_bytes {
            return corrupt(format!("its frames hold {disk_end} bytes of {disk_bytes}"));
        }
        let end = object_end.saturating_add(Self::encoded_bytes(self.frame_count()));
        if end != object_bytes {
            return corrupt(format!(
                "it describes {end} bytes, the object has {object_bytes}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::frame::{Encoder, zeros};

    /// Reads back the table of one frame, in an object that has the size it claims.
    fn parse(object_bytes: u32, disk_bytes: u32) -> Result<SeekTable, Corrupt> {
        let mut table = SeekTable::new();
        table.push(object_bytes, disk_bytes);
        let encoded = table.encode().unwrap();
        let size = u64::from(object_bytes) + encoded.len() as u64;
        SeekTable::parse(&encoded, size, disk_bytes.into())
    }

    #[test]
    fn a_frame_is_no_longer_than_a_writer_makes_it() {
        for (object_bytes, disk_bytes) in [
            (u32::MAX, BLOCK_BYTES),
            (3 << 20, BLOCK_BYTES),
            (BLOCK_BYTES, ZERO_RUN_BYTES),
            (32_779, ZERO_RUN_BYTES),
        ] {
            let corrupt = parse(object_bytes, disk_bytes).unwrap_err();
            let reason = format!("frame 0 has {object_bytes} bytes for {disk_bytes} of the disk");
            assert_eq!(corrupt.reason, reason);
        }
    }

    #[test]
    fn the_longest_frames_that_a_writer_makes_are_read_back() {
        for length in [1, 511, 4096, 100_000, BLOCK_BYTES] {
            let mut block = vec![0; length as usize];
            blake3::Hasher::new().finalize_xof().fill(&mut block);
            let mut frame = Vec::new();
            Encoder::new().unwrap().encode(&block, &mut frame).unwrap();
            parse(u32::try_from(frame.len()).unwrap(), length).unwrap();
        }
        for length in [
            1,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            ZERO_RUN_BYTES - 1,
            ZERO_RUN_BYTES,
        ] {
            let frame = zeros(length);
            parse(u32::try_from(frame.len()).unwrap(), length).unwrap();
        }
    }
}
