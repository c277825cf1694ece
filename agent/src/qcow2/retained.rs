//! What a snapshot keeps: the clusters that nothing else in the image refers to.
//!
//! A cluster's reference count says how often the disk and the snapshots refer to it. A snapshot
//! counts for each cluster behind its L2 tables, and for each of those tables. So what is behind a
//! table that is referred to twice is referred to twice as well, and only tables of the snapshot's
//! own need to be read: the work grows with what has changed, not with the disk.

use std::collections::HashMap;

use super::{Defect, Image, OFFSET_MASK, Snapshot, be, walk::Reference};

/// Blocks of reference counts that are kept while a snapshot is walked: 16 MiB at most as a rule.
const CACHED_BLOCKS: usize = 256;

impl Image {
    /// Bytes of data that would be freed by deleting this snapshot alone, metadata aside.
    ///
    /// Several compressed clusters may share one on disk; those of a snapshot count only where
    /// nothing else shares theirs.
    pub fn retained_bytes(&self, snapshot: &Snapshot) -> Result<u64, Defect> {
        let mut counts = ReferenceCounts::read(self)?;
        let mut retained = 0;
        for l2_offset in self.l2_tables(snapshot.l1_offset, snapshot.l1_entries)? {
            if counts.of(l2_offset)? != 1 {
                continue;
            }
            for reference in self.references(l2_offset)? {
                if counts.of(reference.offset())? != 1 {
                    continue;
                }
                retained += match reference {
                    Reference::Cluster { .. } => self.header().cluster_bytes(),
                    Reference::Compressed { bytes, .. } => bytes,
                };
            }
        }
        Ok(retained)
    }
}

/// The image's reference counts, read as they are needed.
pub(super) struct ReferenceCounts<'a> {
    image: &'a Image,
    table: Vec<u64>,
    blocks: HashMap<u64, Vec<u8>>,
}

impl<'a> ReferenceCounts<'a> {
    pub(super) fn read(image: &'a Image) -> Result<Self, Defect> {
        Ok(Self {
            image,
            table: image.refcount_table()?,
            blocks: HashMap::new(),
        })
    }

    /// How often a cluster is referred to.
    pub(super) fn of(&mut self, offset: u64) -> Result<u64, Defect> {
        let header = self.image.header();
        let bits = 1_u64 << header.refcount_order;
        let per_block = header.cluster_bytes() * 8 / bits;
        let cluster = offset >> header.cluster_bits;
        let block = usize::try_from(cluster / per_block).ok();
        let block = block
            .and_then(|block| self.table.get(block))
            .map_or(0, |e| e & OFFSET_MASK);
        if block == 0 {
            return Ok(0);
        }
        let at = usize::try_from(cluster % per_block * bits / 8).unwrap_or(usize::MAX);
        let shift = cluster % per_block * bits % 8;
        let counts = self.block(block)?;
        if bits < 8 {
            let byte = counts.get(at).map_or(0, |byte| u64::from(*byte));
            return Ok(byte >> shift & ((1 << bits) - 1));
        }
        let bytes = 1_usize << (header.refcount_order - 3);
        Ok(counts.get(at..at.saturating_add(bytes)).map_or(0, be))
    }

    fn block(&mut self, offset: u64) -> Result<&[u8], Defect> {
        if self.blocks.len() >= CACHED_BLOCKS && !self.blocks.contains_key(&offset) {
            self.blocks.clear();
        }
        let block = match self.blocks.remove(&offset) {
            Some(block) => block,
            None => self
                .image
                .read(offset, 1 << self.image.header().cluster_bits)?,
        };
        Ok(self.blocks.entry(offset).or_insert(block))
    }
}
