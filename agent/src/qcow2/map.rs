//! Which part of a disk lies where in its image.

use std::{
    io::{self, ErrorKind},
    ops::Range,
};

use super::{Defect, Image};

/// A disk of an image, by its L1 table.
#[derive(Debug)]
pub(super) struct Map {
    image: Image,
    /// Where the L2 tables lie; 0 for one that is not there.
    l1: Vec<u64>,
    size_bytes: u64,
}

impl Map {
    pub(super) fn new(image: Image, l1: Vec<u64>, size_bytes: u64) -> Self {
        Self {
            image,
            l1,
            size_bytes,
        }
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Does something with each stretch of `length` bytes from `offset` on: with the part of them that it
    /// is, and with where it lies in the file.
    pub(super) fn visit(
        &self,
        offset: u64,
        length: usize,
        place: impl Fn(u64) -> Result<Option<u64>, Defect>,
        mut visit: impl FnMut(Range<usize>, Option<u64>) -> Result<(), Defect>,
    ) -> Result<(), Defect> {
        let end = offset.saturating_add(length as u64);
        if end > self.size_bytes {
            let error = io::Error::new(ErrorKind::InvalidInput, "it is beyond the disk's end");
            return Err(Defect::Io(error));
        }
        let (mut position, mut done) = (offset, 0_usize);
        while position < end {
            let table_end = self.end_of_table(position).min(end);
            for stretch in self.stretches(position, table_end, &place)? {
                let stretch_bytes = usize::try_from(stretch.disk.end - stretch.disk.start);
                let next = length.min(done.saturating_add(stretch_bytes.unwrap_or(length)));
                visit(done..next, stretch.file)?;
                done = next;
            }
            position = table_end;
        }
        Ok(())
    }

    /// Where the part of the disk ends that the L2 table of `offset` covers.
    pub(super) fn end_of_table(&self, offset: u64) -> u64 {
        let covered = self.image.header().l2_entries() as u64 * self.image.header().cluster_bytes();
        (offset / covered + 1)
            .saturating_mul(covered)
            .min(self.size_bytes)
    }

    /// The stretches from `start` to `end`, which one L2 table covers, with neighbours joined that are
    /// neighbours in the file, too. What an entry of the table leads to is `place`'s to say.
    pub(super) fn stretches(
        &self,
        start: u64,
        end: u64,
        place: &impl Fn(u64) -> Result<Option<u64>, Defect>,
    ) -> Result<Vec<Stretch>, Defect> {
        let header = self.image.header();
        let cluster_bytes = header.cluster_bytes();
        let table = start / (header.l2_entries() as u64 * cluster_bytes);
        let table = usize::try_from(table).ok();
        // A disk that has grown since its L1 table was written has nothing beyond it.
        let table = table.and_then(|table| self.l1.get(table)).copied();
        let Some(table) = table.filter(|table| *table != 0 && start < end) else {
            let whole = Stretch {
                disk: start..end,
                file: None,
            };
            return Ok(if start < end { vec![whole] } else { Vec::new() });
        };
        let first = start / cluster_bytes;
        let count = end.div_ceil(cluster_bytes) - first;
        let first_entry = table + first % header.l2_entries() as u64 * 8;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut position = start;
        for entry in self.image.read_table(first_entry, count)? {
            let next = ((position / cluster_bytes + 1) * cluster_bytes).min(end);
            let within = position % cluster_bytes;
            let file = place(entry)?.map(|cluster| cluster + within);
            let stretch = Stretch {
                disk: position..next,
                file,
            };
            match stretches.last_mut() {
                Some(last) if last.is_followed_by(&stretch) => last.disk.end = next,
                _ => stretches.push(stretch),
            }
            position = next;
        }
        Ok(stretches)
    }
}

/// A part of the disk, and where it lies in the file; none for nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) disk: Range<u64>,
    pub(super) file: Option<u64>,
}

impl Stretch {
    fn is_followed_by(&self, next: &Self) -> bool {
        match (self.file, next.file) {
            (None, None) => true,
            (Some(place), Some(next)) => place + (self.disk.end - self.disk.start) == next,
            _ => false,
        }
    }
}
