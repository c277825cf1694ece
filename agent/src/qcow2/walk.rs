//! Walking from an L1 table to every cluster that it leads to.

use std::collections::HashSet;

use super::{COMPRESSED, Defect, Image, OFFSET_MASK, Snapshot};

/// What an entry of an L2 table leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    /// One whole cluster.
    Cluster { offset: u64 },
    /// A compressed cluster: some bytes, anywhere.
    Compressed { offset: u64, bytes: u64 },
}

impl Reference {
    pub(super) fn of(entry: u64, cluster_bits: u32) -> Option<Self> {
        if entry & COMPRESSED == 0 {
            let offset = entry & OFFSET_MASK;
            return (offset != 0).then_some(Self::Cluster { offset });
        }
        let offset_bits = 62 - (cluster_bits - 8);
        let offset = entry & ((1 << offset_bits) - 1);
        let sectors = (entry & !COMPRESSED & !(1 << 63)) >> offset_bits;
        Some(Self::Compressed {
            offset,
            bytes: (sectors + 1) * 512 - (offset & 511),
        })
    }

    pub(super) fn offset(self) -> u64 {
        match self {
            Self::Cluster { offset } | Self::Compressed { offset, .. } => offset,
        }
    }
}

/// Where the tables of an image lie.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// All but those that an L1 table leads to.
    pub(super) fixed: HashSet<u64>,
    /// Those that the disk's L1 table leads to.
    pub(super) of_disk: HashSet<u64>,
}

impl Tables {
    pub(super) fn contains(&self, cluster: u64) -> bool {
        self.fixed.contains(&cluster) || self.of_disk.contains(&cluster)
    }
}

/// What was found out about a snapshot while it was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Whether any of its clusters is compressed.
    pub has_compressed: bool,
}

impl Image {
    /// Checks that the disk, as it is now, lies within the file. QEMU reads what lies beyond a
    /// file's end as zeros, so a truncated image would pass for one with holes.
    pub fn check_active(&self) -> Result<(), Defect> {
        self.check_mark()?;
        let header = self.header();
        self.check_extent(header.l1_offset, header.l1_entries)?;
        Ok(())
    }

    /// Checks that its tables say of the disk, as it is now, only what this version of the format has words for. Where
    /// QEMU comes upon anything else, it fails in the midst of writing.
    pub fn check_words(&self) -> Result<(), Defect> {
        let header = self.header();
        for l2_offset in self.l2_tables(header.l1_offset, header.l1_entries)? {
            if self
                .l2_words(l2_offset)?
                .any(|entry| header.is_impossible(entry))
            {
                return Err(Defect::Damaged(
                    "its tables have zeros that its version does not know",
                ));
            }
        }
        Ok(())
    }

    /// Checks that QEMU would write it.
    pub fn check_mark(&self) -> Result<(), Defect> {
        if self.header().is_marked_corrupt() {
            return Err(Defect::Damaged("QEMU has marked it corrupt"));
        }
        Ok(())
    }

    /// Checks that a snapshot lies within the file.
    pub fn check_snapshot(&self, snapshot: &Snapshot) -> Result<Extent, Defect> {
        self.check_extent(snapshot.l1_offset, snapshot.l1_entries)
    }

    fn check_extent(&self, l1_offset: u64, l1_entries: usize) -> Result<Extent, Defect> {
        if l1_entries > 0 {
            self.check_place(l1_offset)?;
        }
        let mut extent = Extent::default();
        for l2_offset in self.l2_tables(l1_offset, l1_entries)? {
            for reference in self.references(l2_offset)? {
                extent.has_compressed |= matches!(reference, Reference::Compressed { .. });
                // The last cluster of a file need not be written to its end.
                let needed = reference.offset();
                if needed >= self.file_bytes {
                    return Err(Defect::Truncated {
                        needed,
                        size: self.file_bytes,
                    });
                }
            }
        }
        Ok(extent)
    }

    /// Checks that a table begins where a cluster does: QEMU reads no other.
    pub(super) fn check_place(&self, table: u64) -> Result<(), Defect> {
        if table.is_multiple_of(self.header().cluster_bytes()) {
            return Ok(());
        }
        Err(Defect::Damaged("one of its tables is no whole cluster"))
    }

    /// The clusters of the tables by which the image is read: what QEMU itself looks at before it writes a cluster
    /// (`overlap-check=cached`). Those that an L1 table leads to belong to the disk, which somebody may be writing.
    pub(super) fn tables(&self, with_disk: bool) -> Result<Tables, Defect> {
        let mut tables = Tables::default();
        for cluster in self.fixed_clusters()? {
            if !tables.fixed.insert(cluster) {
                return Err(Defect::Damaged("two of its tables lie in one place"));
            }
        }
        if with_disk {
            let header = self.header();
            for table in self.l2_tables(header.l1_offset, header.l1_entries)? {
                if tables.fixed.contains(&table) {
                    return Err(Defect::Damaged("two of its tables lie in one place"));
                }
                tables.of_disk.insert(table);
            }
        }
        Ok(tables)
    }

    /// The clusters of the header, of L1 tables, of reference counts and of the table of snapshots.
    fn fixed_clusters(&self) -> Result<Vec<u64>, Defect> {
        let header = self.header();
        let refcount_table = self.refcount_table()?;
        let (snapshots, end) = self.snapshot_table()?;
        let l1_tables = snapshots
            .iter()
            .map(|snapshot| (snapshot.l1_offset, snapshot.l1_entries))
            .chain([(header.l1_offset, header.l1_entries)]);
        let tables = l1_tables
            .map(|(offset, entries)| (offset, entries as u64 * 8))
            .chain([
                (0, header.cluster_bytes()),
                (
                    header.refcount_table_offset,
                    refcount_table.len() as u64 * 8,
                ),
                (header.snapshots_offset, end - header.snapshots_offset),
            ]);
        let cluster_bytes = header.cluster_bytes();
        let blocks = refcount_table.iter().map(|entry| entry & OFFSET_MASK);
        let clusters = tables
            .filter(|(_, bytes)| *bytes > 0)
            .flat_map(|(offset, bytes)| {
                let first = offset - offset % cluster_bytes;
                (first..offset.saturating_add(bytes)).step_by(1 << header.cluster_bits)
            })
            .chain(blocks.filter(|block| *block != 0));
        Ok(clusters.collect())
    }

    /// Where the blocks of reference counts lie.
    pub(super) fn refcount_table(&self) -> Result<Vec<u64>, Defect> {
        let header = self.header();
        let bytes = header.refcount_table_clusters << header.cluster_bits;
        let entries = usize::try_from(bytes / 8)
            .map_err(|_| Defect::Damaged("its reference counts make no sense"))?;
        self.read_table(header.refcount_table_offset, entries)
    }

    /// The L2 tables that an L1 table leads to.
    pub(super) fn l2_tables(
        &self,
        l1_offset: u64,
        l1_entries: usize,
    ) -> Result<impl Iterator<Item = u64>, Defect> {
        let mut l1 = self.read_table(l1_offset, l1_entries)?;
        for entry in &mut l1 {
            *entry &= OFFSET_MASK;
            self.check_place(*entry)?;
        }
        Ok(l1.into_iter().filter(|offset| *offset != 0))
    }

    /// The entries of an L2 table: of each the word that says where its cluster lies.
    pub(super) fn l2_words(&self, l2_offset: u64) -> Result<impl Iterator<Item = u64>, Defect> {
        let words = self.header().l2_entry_words();
        let l2 = self.read_table(l2_offset, self.header().l2_entries() * words)?;
        Ok(l2.into_iter().step_by(words))
    }

    /// The clusters that an L2 table leads to.
    pub(super) fn references(
        &self,
        l2_offset: u64,
    ) -> Result<impl Iterator<Item = Reference>, Defect> {
        let cluster_bits = self.header().cluster_bits;
        let l2 = self.l2_words(l2_offset)?;
        Ok(l2.filter_map(move |entry| Reference::of(entry, cluster_bits)))
    }
}
