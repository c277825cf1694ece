//! The clusters that a disk shares with nobody, written where they lie.
//!
//! Of such a cluster the tables say that nothing else refers to it (`QCOW_OFLAG_COPIED` in QEMU's
//! `docs/interop/qcow2.txt`): whoever has the image may write it without changing a table. Whether they
//! are right is [looked up](super::unshared) first. All else is QEMU's to write: what a snapshot keeps, what is
//! compressed, reads as zeros, or is not there yet.

use std::{io, ops::Range, path::Path};

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    COMPRESSED, COPIED, Defect, Image, OFFSET_MASK,
    direct::{ALIGNMENT, DirectFile},
    map::Map,
    unshared::Clusters,
};

/// The disk of an image that a QEMU holds for us, so that nobody else writes it. What that QEMU is told to
/// write or to make zeros of is not to be written here as well.
#[derive(Debug)]
pub struct OwnClusters {
    map: Map,
    file: DirectFile,
    /// What of it the disk shares with nobody, by the counts as well. What points to the image's own tables
    /// is not among it: it is damaged, and QEMU refuses it.
    unshared: Clusters,
    _token: TaskTrackerToken,
}

impl OwnClusters {
    /// Opens the image, to be written. Fails if its tables contradict each other over what is shared, in
    /// which case QEMU must not write it either. `token` is given back once no write is under way any more: one that
    /// nobody waits for goes on all the same, and must not meet whoever has the image next.
    pub fn open(path: &Path, token: TaskTrackerToken) -> Result<Self, Defect> {
        let image = Image::open_to_write(path)?;
        let header = image.header();
        let size_bytes = header.virtual_bytes;
        let mut l1 = image.read_table(header.l1_offset, header.l1_entries)?;
        // QEMU writes past the page cache. A page of it that holds a cluster of ours beside one of QEMU's
        // would write both, so that smaller clusters are all left to QEMU.
        let is_alone_in_its_page = header.cluster_bytes() >= ALIGNMENT as u64;
        for entry in &mut l1 {
            *entry = owned(*entry).filter(|_| is_alone_in_its_page).unwrap_or(0);
        }
        let unshared = image.unshared()?;
        let file = DirectFile::reopen(&image.file, true).map_err(Defect::Io)?;
        Ok(Self {
            map: Map::new(image, l1, size_bytes),
            file,
            unshared,
            _token: token,
        })
    }

    /// Writes what of `content` falls on such clusters, and says which parts of it do not. Waits for the disk.
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<Vec<Range<usize>>, Defect> {
        let mut rest = Vec::new();
        let place = |entry| Ok(self.place(entry));
        self.map
            .visit(offset, content.len(), place, |part, file| match file {
                None => {
                    rest.push(part);
                    Ok(())
                }
                Some(place) => self.file.write(place, &content[part]).map_err(Defect::Io),
            })?;
        Ok(rest)
    }

    /// Makes what was written durable.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Where the cluster of an L2 entry lies, if it is one of them.
    fn place(&self, entry: u64) -> Option<u64> {
        let header = self.map.image().header();
        let is_plain = entry & COMPRESSED == 0
            && !header.reads_as_zeros(entry)
            && !header.is_impossible(entry);
        let is_whole = |place: &u64| place.is_multiple_of(header.cluster_bytes());
        let place = owned(entry).filter(|_| is_plain).filter(is_whole);
        place.filter(|place| self.unshared.contains(*place))
    }
}

/// What an entry leads to, if nothing else does.
fn owned(entry: u64) -> Option<u64> {
    let place = entry & OFFSET_MASK;
    (entry & COPIED != 0 && place != 0).then_some(place)
}
