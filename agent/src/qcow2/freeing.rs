//! Whether what QEMU does to the counts of an image, by them alone, is right by what the tables lead to.
//!
//! A snapshot that is deleted takes one from the count of each cluster that it refers to, and what nobody counts any
//! more is free: the next write takes it. Where another snapshot, or the disk, refers to it as well and a count was too
//! low, that write changes them. Going back to a snapshot first adds one to each count, which has to be able to.

use std::collections::{HashMap, HashSet};

use super::{
    Defect, Image, Snapshot,
    retained::ReferenceCounts,
    unshared::Clusters,
    walk::{Reference, Tables},
};

impl Image {
    /// Checks that what goes with a snapshot is nobody else's. The disk's own tables are looked at where nobody writes
    /// them; counts that are deferred are made anew before anything is freed, and say nothing until then.
    pub fn check_freeing(&self, snapshot: &Snapshot, nobody_writes: bool) -> Result<(), Defect> {
        if self.header().is_dirty() {
            return Ok(());
        }
        let freed = self.freed_with(snapshot)?;
        if freed.is_empty() {
            return Ok(());
        }
        let snapshots = self.snapshots()?;
        let others = snapshots.iter().filter(|other| *other != snapshot);
        let header = self.header();
        let disk = nobody_writes.then_some((header.l1_offset, header.l1_entries));
        let tables = others.map(|other| (other.l1_offset, other.l1_entries));
        // Most tables belong to several.
        let mut seen = HashSet::new();
        for (l1_offset, l1_entries) in tables.chain(disk) {
            for table in self.l2_tables(l1_offset, l1_entries)? {
                if !seen.insert(table) {
                    continue;
                }
                if freed.contains(table) {
                    return Err(Defect::Damaged(
                        "a table that others use passes for a snapshot's",
                    ));
                }
                for reference in self.references(table)? {
                    if self
                        .clusters_of(reference)
                        .any(|cluster| freed.contains(cluster))
                    {
                        return Err(Defect::Damaged(
                            "a cluster that others use passes for a snapshot's",
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// What nobody counts any more once a snapshot is deleted.
    fn freed_with(&self, snapshot: &Snapshot) -> Result<Clusters, Defect> {
        let mut counts = ReferenceCounts::read(self)?;
        let mut freed = Clusters::of(self)?;
        // A cluster may hold several that are compressed.
        let mut compressed: HashMap<u64, u64> = HashMap::new();
        for table in self.l2_tables(snapshot.l1_offset, snapshot.l1_entries)? {
            if counts.of(table)? <= 1 {
                freed.insert(table);
            }
            for reference in self.references(table)? {
                match reference {
                    Reference::Cluster { offset } if counts.of(offset)? <= 1 => {
                        freed.insert(offset);
                    }
                    Reference::Cluster { .. } => {}
                    Reference::Compressed { .. } => {
                        for cluster in self.clusters_of(reference) {
                            *compressed.entry(cluster).or_default() += 1;
                        }
                    }
                }
            }
        }
        for (cluster, references) in compressed {
            if counts.of(cluster)? <= references {
                freed.insert(cluster);
            }
        }
        Ok(freed)
    }

    /// Whether each cluster that a snapshot refers to can be counted once more.
    pub fn can_count_up(&self, snapshot: &Snapshot) -> Result<bool, Defect> {
        let bits = self.header().refcount_bits();
        if bits >= 16 {
            // More than an image can have snapshots.
            return Ok(true);
        }
        let most = (1_u64 << bits) - 1;
        let mut counts = ReferenceCounts::read(self)?;
        let mut compressed: HashMap<u64, u64> = HashMap::new();
        for table in self.l2_tables(snapshot.l1_offset, snapshot.l1_entries)? {
            if counts.of(table)? >= most {
                return Ok(false);
            }
            for reference in self.references(table)? {
                match reference {
                    Reference::Cluster { offset } if counts.of(offset)? >= most => {
                        return Ok(false);
                    }
                    Reference::Cluster { .. } => {}
                    Reference::Compressed { .. } => {
                        for cluster in self.clusters_of(reference) {
                            *compressed.entry(cluster).or_default() += 1;
                        }
                    }
                }
            }
        }
        for (cluster, references) in compressed {
            if counts.of(cluster)?.saturating_add(references) > most {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks that all that the disk and the snapshots refer to is counted: what passes for free is overwritten by what
    /// is next allocated, such as for another snapshot, and what passes for the disk's own is written where it lies. The
    /// disk is looked at where nobody writes it. Like [`check_freeing`](Self::check_freeing), nothing where counts are
    /// deferred.
    pub fn check_counted(&self, nobody_writes: bool) -> Result<(), Defect> {
        if self.header().is_dirty() {
            return Ok(());
        }
        let mut counts = ReferenceCounts::read(self)?;
        let tables = self.tables(nobody_writes)?;
        let (mut own, mut own_tables) = (Clusters::of(self)?, HashSet::new());
        if nobody_writes {
            for table in tables.fixed.iter().chain(&tables.of_disk) {
                if counts.of(*table)? == 0 {
                    return Err(Defect::Damaged("a table that it uses passes for free"));
                }
            }
            for table in &tables.of_disk {
                if counts.of(*table)? == 1 {
                    own_tables.insert(*table);
                }
                self.check_table_counted(*table, &tables, &mut counts, &mut own)?;
            }
        }
        self.check_snapshots_against(&own, &own_tables, &tables, &mut counts)
    }

    /// Checks that all that a table of the disk refers to is counted and no table, and notes what is counted once,
    /// which is the disk's own.
    fn check_table_counted(
        &self,
        table: u64,
        tables: &Tables,
        counts: &mut ReferenceCounts<'_>,
        own: &mut Clusters,
    ) -> Result<(), Defect> {
        for reference in self.references(table)? {
            for cluster in self.clusters_of(reference) {
                if tables.contains(cluster) {
                    return Err(Defect::Damaged("one of its tables passes for data"));
                }
                match counts.of(cluster)? {
                    0 => return Err(Defect::Damaged("a cluster that it uses passes for free")),
                    1 => {
                        own.insert(cluster);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The clusters of the file that something lies in.
    fn clusters_of(&self, reference: Reference) -> impl Iterator<Item = u64> + use<> {
        let cluster_bytes = self.header().cluster_bytes();
        let (offset, bytes) = match reference {
            Reference::Cluster { offset } => (offset, 1),
            Reference::Compressed { offset, bytes } => (offset, bytes),
        };
        let first = offset - offset % cluster_bytes;
        let step = usize::try_from(cluster_bytes).unwrap_or(usize::MAX);
        (first..offset.saturating_add(bytes)).step_by(step)
    }
}
