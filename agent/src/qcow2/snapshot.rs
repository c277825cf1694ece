//! The table of an image's internal snapshots.

use super::{Defect, Image, be};

const FIXED_BYTES: usize = 40;
/// QEMU itself allows no more.
const MAX_SNAPSHOTS: usize = 65_536;

/// An internal snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The size of the disk when it was taken.
    pub virtual_bytes: u64,
    pub(super) l1_offset: u64,
    pub(super) l1_entries: usize,
    /// What QEMU numbers it by, which it uses again.
    id: String,
    /// When it was taken: seconds and nanoseconds, as they are stored.
    taken_at: u64,
}

impl Image {
    /// All snapshots, in the order of the table.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, Defect> {
        Ok(self.snapshot_table()?.0)
    }

    /// All snapshots, and where the table of them ends.
    pub(super) fn snapshot_table(&self) -> Result<(Vec<Snapshot>, u64), Defect> {
        let header = self.header();
        if header.snapshot_count > MAX_SNAPSHOTS {
            return Err(Defect::Damaged("it claims to have too many snapshots"));
        }
        let mut offset = header.snapshots_offset;
        let mut snapshots = Vec::new();
        for _ in 0..header.snapshot_count {
            let (snapshot, length) = self.read_snapshot(offset)?;
            snapshots.push(snapshot);
            offset = offset.saturating_add(length);
        }
        Ok((snapshots, offset))
    }

    /// The snapshot of this name, if there is one.
    pub fn lookup_snapshot(&self, name: &str) -> Result<Option<Snapshot>, Defect> {
        Ok(self
            .snapshots()?
            .into_iter()
            .find(|snapshot| snapshot.name == name))
    }

    fn read_snapshot(&self, offset: u64) -> Result<(Snapshot, u64), Defect> {
        let fixed = self.read(offset, FIXED_BYTES)?;
        let length = |at: usize, bytes: usize| usize::try_from(be(&fixed[at..at + bytes]));
        let lengths = (length(8, 4), length(12, 2), length(14, 2), length(36, 4));
        let (Ok(l1_entries), Ok(id), Ok(name), Ok(extra)) = lengths else {
            return Err(Defect::Damaged("its snapshot table makes no sense"));
        };
        if extra > 1024 || l1_entries > 4 << 20 {
            return Err(Defect::Damaged("its snapshot table makes no sense"));
        }
        let variable = self.read(offset.saturating_add(FIXED_BYTES as u64), extra + id + name)?;
        let virtual_bytes = variable[..extra].get(8..16);
        let snapshot = Snapshot {
            name: String::from_utf8_lossy(&variable[extra + id..]).into_owned(),
            virtual_bytes: virtual_bytes.map_or(self.header().virtual_bytes, be),
            l1_offset: be(&fixed[..8]),
            l1_entries,
            id: String::from_utf8_lossy(&variable[extra..extra + id]).into_owned(),
            taken_at: be(&fixed[16..24]),
        };
        let length = (FIXED_BYTES + extra + id + name).next_multiple_of(8);
        Ok((snapshot, length as u64))
    }
}
