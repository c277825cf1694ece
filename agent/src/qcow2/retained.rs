//! What snapshots keep: the clusters that they refer to and the disk does not.
//!
//! A cluster's reference count says how often the disk and the snapshots refer to it. A snapshot
//! counts for each cluster behind its L2 tables, and for each of those tables. So what only snapshots
//! keep is counted as often as snapshots refer to it, and the disk's own tables need not be read, which
//! a guest may be writing. What is behind a table of the disk's is the disk's as well, and is not read
//! either: the work grows with what has changed, not with the disk.

use std::collections::HashMap;

use super::{Defect, Image, OFFSET_MASK, Snapshot, be, walk::Reference};

/// Blocks of reference counts that are kept while snapshots are walked: 16 MiB at most as a rule.
const CACHED_BLOCKS: usize = 256;

/// An L2 table at one place of the disk, and the snapshots that lead to it, by their numbers.
struct Table {
    offset: u64,
    snapshots: Vec<usize>,
}

/// What snapshots have at one place of the disk.
struct Kept {
    reference: Reference,
    references: u64,
    newest: Option<usize>,
}

impl Image {
    /// Bytes of data, metadata aside, that would be freed by deleting all snapshots, each charged to the newest of those
    /// that keep it and that `is_charged`. The snapshots come in the order in which they were taken.
    ///
    /// Several compressed clusters may share one on disk; those count only where nothing else shares theirs.
    pub fn retained_bytes(
        &self,
        is_charged: impl Fn(&Snapshot) -> bool,
    ) -> Result<Vec<(Snapshot, u64)>, Defect> {
        let snapshots = self.snapshots()?;
        let mut counts = ReferenceCounts::read(self)?;
        let mut l1_tables = Vec::with_capacity(snapshots.len());
        for snapshot in &snapshots {
            l1_tables.push(self.read_table(snapshot.l1_offset, snapshot.l1_entries)?);
        }
        let charged: Vec<bool> = snapshots.iter().map(is_charged).collect();
        let mut bytes = vec![0; snapshots.len()];
        for place in 0..l1_tables.iter().map(Vec::len).max().unwrap_or_default() {
            let mut tables = tables_at(&l1_tables, place);
            let mut of_snapshots = Vec::with_capacity(tables.len());
            for table in tables.drain(..) {
                self.check_place(table.offset)?;
                if counts.of(table.offset)? == table.snapshots.len() as u64 {
                    of_snapshots.push(table);
                }
            }
            self.charge(&of_snapshots, &charged, &mut counts, &mut bytes)?;
        }
        Ok(snapshots.into_iter().zip(bytes).collect())
    }

    /// Charges what is behind `tables`, which are at one place of the disk and none of its own.
    fn charge(
        &self,
        tables: &[Table],
        charged: &[bool],
        counts: &mut ReferenceCounts<'_>,
        bytes: &mut [u64],
    ) -> Result<(), Defect> {
        let cluster_bits = self.header().cluster_bits;
        let mut words = Vec::with_capacity(tables.len());
        for table in tables {
            words.push(self.l2_words(table.offset)?);
        }
        let mut here: Vec<Kept> = Vec::with_capacity(tables.len());
        for _ in 0..self.header().l2_entries() {
            here.clear();
            for (table, words) in tables.iter().zip(&mut words) {
                let reference = words
                    .next()
                    .and_then(|entry| Reference::of(entry, cluster_bits));
                let Some(reference) = reference else { continue };
                let is_charged = |snapshot: &&usize| charged[**snapshot];
                let newest = table.snapshots.iter().filter(is_charged).max().copied();
                let references = table.snapshots.len() as u64;
                match here.iter_mut().find(|kept| kept.reference == reference) {
                    Some(kept) => {
                        kept.references += references;
                        kept.newest = kept.newest.max(newest);
                    }
                    None => here.push(Kept {
                        reference,
                        references,
                        newest,
                    }),
                }
            }
            for kept in &here {
                if let Some(newest) = kept.newest
                    && counts.of(kept.reference.offset())? == kept.references
                {
                    bytes[newest] += match kept.reference {
                        Reference::Cluster { .. } => self.header().cluster_bytes(),
                        Reference::Compressed { bytes, .. } => bytes,
                    };
                }
            }
        }
        Ok(())
    }
}

/// The tables to which L1 tables lead at one place of the disk.
fn tables_at(l1_tables: &[Vec<u64>], place: usize) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for (snapshot, l1) in l1_tables.iter().enumerate() {
        let offset = l1.get(place).map_or(0, |entry| entry & OFFSET_MASK);
        match tables.iter_mut().find(|table| table.offset == offset) {
            _ if offset == 0 => {}
            Some(table) => table.snapshots.push(snapshot),
            None => tables.push(Table {
                offset,
                snapshots: vec![snapshot],
            }),
        }
    }
    tables
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
