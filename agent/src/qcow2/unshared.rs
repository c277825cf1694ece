//! Which clusters a disk shares with nobody, by everything that an image says about it.
//!
//! The flag `COPIED` alone says so to QEMU, which writes such a cluster where it lies. The flag may be wrong:
//! then that write changes a snapshot. So the flag is held against the reference count and against what the
//! snapshots lead to, and an image whose tables contradict each other is refused before anything is
//! written. A cluster of a snapshot that nobody counts is refused as well: the next write would take it for
//! free.

use std::collections::HashSet;

use super::{
    COMPRESSED, COPIED, Defect, Image, OFFSET_MASK,
    retained::ReferenceCounts,
    walk::{Reference, Tables},
};

/// A set of clusters of a file: a bit for each.
#[derive(Debug)]
pub(super) struct Clusters {
    cluster_bits: u32,
    words: Vec<u64>,
    count: u64,
}

impl Clusters {
    pub(super) fn of(image: &Image) -> Result<Self, Defect> {
        let cluster_bits = image.header().cluster_bits;
        let clusters = image.file_bytes.div_ceil(1 << cluster_bits);
        let words = usize::try_from(clusters.div_ceil(64));
        let words = words.map_err(|_| Defect::Damaged("it is larger than any image"))?;
        Ok(Self {
            cluster_bits,
            words: vec![0; words],
            count: 0,
        })
    }

    /// Whether the cluster that begins at `place` is among them.
    pub(super) fn contains(&self, place: u64) -> bool {
        let (word, bit) = self.position(place);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the cluster at `place`, and says whether it is a new one that lies within the file.
    pub(super) fn insert(&mut self, place: u64) -> bool {
        let (word, bit) = self.position(place);
        let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) else {
            return false;
        };
        *word |= bit;
        self.count += 1;
        true
    }

    fn position(&self, place: u64) -> (usize, u64) {
        let cluster = place >> self.cluster_bits;
        let word = usize::try_from(cluster / 64).unwrap_or(usize::MAX);
        (word, 1 << (cluster % 64))
    }
}

impl Image {
    /// How many bytes of the disk can be written without taking more space.
    pub fn own_bytes(&self) -> Result<u64, Defect> {
        Ok(self.unshared()?.count << self.header().cluster_bits)
    }

    /// The clusters of data that the disk shares with nobody. Reads all tables. The caller sees to it that
    /// nobody writes the image.
    pub(super) fn unshared(&self) -> Result<Clusters, Defect> {
        let mut counts = ReferenceCounts::read(self)?;
        let tables = self.tables(true)?;
        let (mut own, mut own_tables) = (Clusters::of(self)?, HashSet::new());
        let header = self.header();
        for entry in self.read_table(header.l1_offset, header.l1_entries)? {
            let table = entry & OFFSET_MASK;
            if table == 0 || entry & COPIED == 0 {
                continue;
            }
            if counts.of(table)? != 1 || !own_tables.insert(table) {
                return Err(Defect::Damaged("a table that it shares passes for its own"));
            }
            for entry in self.l2_words(table)? {
                let place = entry & OFFSET_MASK;
                if entry & COPIED == 0 || entry & COMPRESSED != 0 || place == 0 {
                    continue;
                }
                // What points into the tables is QEMU's to refuse.
                let is_data =
                    place.is_multiple_of(header.cluster_bytes()) && !tables.contains(place);
                if is_data && (counts.of(place)? != 1 || !own.insert(place)) {
                    return Err(Defect::Damaged(
                        "a cluster that it shares passes for its own",
                    ));
                }
            }
        }
        self.check_snapshots_against(&own, &own_tables, &tables, &mut counts)?;
        Ok(own)
    }

    /// Checks that no snapshot leads to what passes for the disk's own, to what nobody counts, nor to other tables.
    pub(super) fn check_snapshots_against(
        &self,
        own: &Clusters,
        own_tables: &HashSet<u64>,
        tables: &Tables,
        counts: &mut ReferenceCounts<'_>,
    ) -> Result<(), Defect> {
        // Snapshots have most of their tables in common.
        let mut seen = HashSet::new();
        for snapshot in self.snapshots()? {
            for table in self.l2_tables(snapshot.l1_offset, snapshot.l1_entries)? {
                if !seen.insert(table) {
                    continue;
                }
                if tables.fixed.contains(&table) {
                    return Err(Defect::Damaged("two of its tables lie in one place"));
                }
                if own.contains(table) || own_tables.contains(&table) {
                    return Err(Defect::Damaged(
                        "a table of a snapshot passes for the disk's",
                    ));
                }
                if counts.of(table)? == 0 {
                    return Err(Defect::Damaged("a table of a snapshot passes for free"));
                }
                for reference in self.references(table)? {
                    let place = reference.offset();
                    if own.contains(place) {
                        return Err(Defect::Damaged(
                            "a cluster of a snapshot passes for the disk's",
                        ));
                    }
                    if tables.contains(place - place % self.header().cluster_bytes()) {
                        return Err(Defect::Damaged(
                            "one of its tables passes for a snapshot's data",
                        ));
                    }
                    let is_counted = match reference {
                        Reference::Cluster { .. } => counts.of(place)? != 0,
                        Reference::Compressed { bytes, .. } => {
                            counts.of(place)? != 0 && counts.of(place + bytes - 1)? != 0
                        }
                    };
                    if !is_counted {
                        return Err(Defect::Damaged("a cluster of a snapshot passes for free"));
                    }
                }
            }
        }
        Ok(())
    }
}
