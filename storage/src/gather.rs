//! Gathers the chunks of a stream into blocks of one size, which is what a destination wants written.

use bytes::{Bytes, BytesMut};

/// What has been appended and does not yet fill a block.
#[derive(Debug)]
pub(crate) struct Gather {
    block_bytes: usize,
    partial: BytesMut,
}

impl Gather {
    /// Gathers into blocks of `block_bytes`.
    pub(crate) fn new(block_bytes: usize) -> Self {
        Self {
            block_bytes: block_bytes.max(1),
            partial: BytesMut::new(),
        }
    }

    /// Adds a chunk, and gives the blocks that are full now. A chunk that holds whole blocks is not
    /// copied.
    pub(crate) fn push(&mut self, mut chunk: Bytes) -> Vec<Bytes> {
        let mut full = Vec::new();
        while !chunk.is_empty() {
            if self.partial.is_empty() && chunk.len() >= self.block_bytes {
                full.push(chunk.split_to(self.block_bytes));
                continue;
            }
            if self.partial.is_empty() {
                self.partial.reserve(self.block_bytes);
            }
            let missing = self.block_bytes - self.partial.len();
            let taken = chunk.split_to(missing.min(chunk.len()));
            self.partial.extend_from_slice(&taken);
            if self.partial.len() == self.block_bytes {
                full.push(self.partial.split().freeze());
            }
        }
        full
    }

    /// How much waits for its block to fill.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.partial.len() as u64
    }

    /// What is left at the end of the stream.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        (!self.partial.is_empty()).then(|| self.partial.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_have_one_size_and_lose_nothing(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            block_bytes in 1..17_usize,
        ) {
            let mut gather = Gather::new(block_bytes);
            let mut blocks: Vec<Bytes> =
                chunks.iter().flat_map(|chunk| gather.push(Bytes::copy_from_slice(chunk))).collect();
            prop_assert!(blocks.iter().all(|block| block.len() == block_bytes));
            let rest = gather.rest();
            prop_assert!(rest.as_ref().is_none_or(|rest| rest.len() < block_bytes));
            blocks.extend(rest);
            prop_assert_eq!(blocks.concat(), chunks.concat());
            prop_assert!(gather.rest().is_none());
        }
    }
}
