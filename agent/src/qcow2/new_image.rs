//! An image that is written from nothing: a new volume that is being filled.
//!
//! Its clusters are handed out in the order in which they are written, and each is referred to once, so
//! that all reference counts are known when the last of them is written. Until the header is, last of
//! all, the file is no image: there is no moment at which it would pass for a finished one.
//!
//! Version 3, with clusters of 64 KiB and reference counts of 16 bits, as `qemu-img create` makes them.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{COPIED, OFFSET_MASK, direct::DirectFile, direct::buffer, header};

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// Entries of 8 bytes in a cluster.
const ENTRIES: u64 = CLUSTER / 8;
/// Reference counts of 16 bits in a cluster.
const COUNTS: u64 = CLUSTER / 2;
const REFCOUNT_ORDER: u32 = 4;
/// L2 tables that are kept in memory, of 64 KiB for 512 MiB of disk each.
const TABLES: usize = 32;

/// An image that is being written. Its functions wait for the disk.
#[derive(Debug)]
pub struct NewImage {
    file: File,
    direct: DirectFile,
    size_bytes: u64,
    maker: Option<Uuid>,
    layout: Mutex<Layout>,
}

/// What lies where.
#[derive(Debug)]
struct Layout {
    /// The first cluster that is not in use.
    next: u64,
    /// Where the L2 tables lie, in bytes; 0 for none.
    l1: Vec<u64>,
    /// L2 tables that may change.
    tables: BTreeMap<usize, Vec<u64>>,
}

impl NewImage {
    /// Creates the file, for a disk of `size_bytes` that is all zeros.
    pub fn create(path: &Path, size_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            // What a customer keeps is no other user's to read.
            .mode(0o600)
            .open(path)?;
        let direct = DirectFile::reopen(&file, true)?;
        let tables = size_bytes.div_ceil(CLUSTER).div_ceil(ENTRIES).max(1);
        let layout = Layout {
            next: 1 + tables.div_ceil(ENTRIES),
            l1: vec![0; usize::try_from(tables).map_err(io::Error::other)?],
            tables: BTreeMap::new(),
        };
        Ok(Self {
            file,
            direct,
            size_bytes,
            maker: None,
            layout: Mutex::new(layout),
        })
    }

    /// Has its header say which operation makes it, to put it in the place of another.
    #[must_use]
    pub fn made_by(mut self, operation: Uuid) -> Self {
        self.maker = Some(operation);
        self
    }

    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Writes whole clusters, the last of which may be cut off by the end of the disk. None of them may
    /// have been written before.
    pub fn write(&self, offset: u64, content: &[u8]) -> io::Result<()> {
        let end = offset.saturating_add(content.len() as u64);
        let is_whole = offset.is_multiple_of(CLUSTER)
            && (end.is_multiple_of(CLUSTER) || end == self.size_bytes);
        if end > self.size_bytes || !is_whole {
            let what = "what is written are no whole clusters of the disk";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let place = self.allocate(offset / CLUSTER, end.div_ceil(CLUSTER))?;
        let padded_bytes = content.len().next_multiple_of(1 << CLUSTER_BITS);
        if content.len() == padded_bytes {
            return self.direct.write(place, content);
        }
        let mut padded = buffer(padded_bytes);
        padded[..content.len()].copy_from_slice(content);
        self.direct.write(place, &padded)
    }

    /// Writes what makes an image of it, and makes all of it durable.
    pub fn finish(&self) -> io::Result<()> {
        let mut layout = self.layout();
        while let Some((number, table)) = layout.tables.pop_first() {
            self.write_table(layout.l1[number], &table)?;
        }
        let l1: Vec<_> = layout.l1.iter().map(|table| copied(*table)).collect();
        self.write_table(CLUSTER, &l1)?;
        let counts = Counts::of(layout.next);
        self.write_counts(counts)?;
        self.file.set_len(counts.clusters * CLUSTER)?;
        self.file.sync_all()?;
        let header = header::encode(&header::Fields {
            cluster_bits: CLUSTER_BITS,
            virtual_bytes: self.size_bytes,
            l1_entries: u32::try_from(l1.len()).map_err(io::Error::other)?,
            l1_offset: CLUSTER,
            refcount_table_offset: layout.next * CLUSTER,
            refcount_table_clusters: u32::try_from(counts.table).map_err(io::Error::other)?,
            refcount_order: REFCOUNT_ORDER,
            maker: self.maker,
        });
        self.file.write_all_at(&header, 0)?;
        self.file.sync_all()
    }

    /// Puts the disk's clusters from `first` to `end` next to each other in the file, and says where.
    fn allocate(&self, first: u64, end: u64) -> io::Result<u64> {
        let mut layout = self.layout();
        let start = layout.next;
        layout.next += end - first;
        for cluster in first..end {
            let number = usize::try_from(cluster / ENTRIES).map_err(io::Error::other)?;
            let entry = usize::try_from(cluster % ENTRIES).map_err(io::Error::other)?;
            let place = (start + cluster - first) * CLUSTER;
            self.table(&mut layout, number)?[entry] = copied(place);
        }
        Ok(start * CLUSTER)
    }

    /// An L2 table in memory. The oldest has to make room: as the disk is written from its beginning to
    /// its end, it is as a rule complete.
    fn table<'a>(&self, layout: &'a mut Layout, number: usize) -> io::Result<&'a mut Vec<u64>> {
        if !layout.tables.contains_key(&number) {
            if layout.tables.len() >= TABLES
                && let Some((oldest, table)) = layout.tables.pop_first()
            {
                self.write_table(layout.l1[oldest], &table)?;
            }
            let table = match layout.l1[number] {
                0 => {
                    layout.l1[number] = layout.next * CLUSTER;
                    layout.next += 1;
                    vec![0; 1 << (CLUSTER_BITS - 3)]
                }
                place => self.read_table(place)?,
            };
            layout.tables.insert(number, table);
        }
        Ok(layout.tables.entry(number).or_default())
    }

    fn read_table(&self, place: u64) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; 1 << CLUSTER_BITS];
        self.file.read_exact_at(&mut bytes, place)?;
        let entries = bytes.chunks_exact(8).map(super::be);
        Ok(entries.collect())
    }

    /// Writes a table from a cluster's beginning on, and zeros to the last cluster's end.
    fn write_table(&self, place: u64, table: &[u64]) -> io::Result<()> {
        let mut bytes: Vec<_> = table.iter().flat_map(|entry| entry.to_be_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(1 << CLUSTER_BITS), 0);
        self.file.write_all_at(&bytes, place)
    }

    /// Writes the reference counts behind everything else: one for each cluster, themselves included.
    fn write_counts(&self, counts: Counts) -> io::Result<()> {
        let table_start = counts.clusters - counts.blocks - counts.table;
        let blocks_start = counts.clusters - counts.blocks;
        let table: Vec<_> = (blocks_start..counts.clusters)
            .map(|block| block * CLUSTER)
            .collect();
        self.write_table(table_start * CLUSTER, &table)?;
        for (number, place) in (0..counts.blocks).zip(&table) {
            let counted = counts.clusters - number * COUNTS;
            let ones = usize::try_from(counted.min(COUNTS)).map_err(io::Error::other)?;
            let mut block = 1_u16.to_be_bytes().repeat(ones);
            block.resize(1 << CLUSTER_BITS, 0);
            self.file.write_all_at(&block, *place)?;
        }
        Ok(())
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many clusters the reference counts take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    /// For the table of blocks.
    table: u64,
    blocks: u64,
    /// All clusters of the file.
    clusters: u64,
}

impl Counts {
    /// Behind so many clusters. The counts have counts as well.
    fn of(used: u64) -> Self {
        let (mut table, mut blocks) = (1, 1);
        loop {
            let clusters = used + table + blocks;
            let needed = clusters.div_ceil(COUNTS);
            if needed <= blocks && blocks.div_ceil(ENTRIES) <= table {
                return Self {
                    table,
                    blocks,
                    clusters,
                };
            }
            blocks = blocks.max(needed);
            table = table.max(blocks.div_ceil(ENTRIES));
        }
    }
}

/// A table's entry for what is referred to once; 0 for nothing.
fn copied(place: u64) -> u64 {
    if place & OFFSET_MASK == 0 {
        0
    } else {
        place | COPIED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_cover_themselves() {
        for (used, table, blocks) in [
            (2, 1, 1),
            (COUNTS - 2, 1, 1),
            (COUNTS - 1, 1, 2),
            (COUNTS * ENTRIES - ENTRIES - 1, 1, ENTRIES),
            (COUNTS * ENTRIES - ENTRIES, 2, ENTRIES + 1),
        ] {
            let clusters = used + table + blocks;
            let expected = Counts {
                table,
                blocks,
                clusters,
            };
            assert_eq!(Counts::of(used), expected);
        }
    }
}
