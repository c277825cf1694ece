//! BLAKE3 digests: of an object's bytes, and of a disk without hashing its holes.

use std::{fmt, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::BLOCK_BYTES;

/// A BLAKE3 digest, written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes))
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_hex())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        blake3::Hash::from_hex(&text)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

/// The digest of a disk's content, independent of how it is framed and compressed.
///
/// It is the BLAKE3 of a list: the BLAKE3 digests (32 bytes each, raw) of the disk's blocks of
/// 2 MiB in order, the last of which may be shorter. All blocks of zeros share one digest, so holes
/// cost 32 bytes of hashing for every 2 MiB. Anyone can compute it again from the raw disk:
///
/// ```sh
/// split -b 2M --filter='b3sum --no-names' disk.raw | xxd -r -p | b3sum
/// ```
#[derive(Debug, Default, Clone)]
pub struct DiskDigest(blake3::Hasher);

impl DiskDigest {
    /// The digest of an empty disk so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next block by its own digest.
    pub fn push_block(&mut self, block: Digest) {
        self.0.update(block.0.as_bytes());
    }

    /// Adds a run of zeros that begins on a block's boundary.
    pub fn push_zeros(&mut self, length: u64) {
        let block_bytes = u64::from(BLOCK_BYTES);
        for _ in 0..length / block_bytes {
            self.push_block(*ZERO_BLOCK);
        }
        let rest = length % block_bytes;
        if rest > 0 {
            self.push_block(zeros(rest));
        }
    }

    /// The digest of all blocks so far.
    pub fn finish(&self) -> Digest {
        Digest(self.0.finalize())
    }
}

static ZERO_BLOCK: LazyLock<Digest> = LazyLock::new(|| zeros(u64::from(BLOCK_BYTES)));

fn zeros(length: u64) -> Digest {
    static CHUNK: [u8; 64 << 10] = [0; 64 << 10];
    let mut hasher = blake3::Hasher::new();
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left).map_or(CHUNK.len(), |left| left.min(CHUNK.len()));
        hasher.update(&CHUNK[..part]);
        left -= part as u64;
    }
    Digest(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_hash_as_if_they_had_been_read() {
        let length = 2 * BLOCK_BYTES as usize + 12_345;
        let mut read = DiskDigest::new();
        for block in vec![0; length].chunks(BLOCK_BYTES as usize) {
            read.push_block(Digest::of(block));
        }
        let mut skipped = DiskDigest::new();
        skipped.push_zeros(length as u64);
        assert_eq!(read.finish(), skipped.finish());
    }
}
