//! What a disk held at a snapshot, read from the image itself.
//!
//! A snapshot's tables and clusters never change as long as it is there: whoever writes the disk
//! writes elsewhere. So they can be read beside a running instance, without QEMU between the file and
//! us, which would copy each byte twice. That the snapshot was there all the time is for the caller to
//! check once all is read.

use std::{
    io::{self, ErrorKind},
    ops::Range,
};

use super::{Defect, Image, OFFSET_MASK, Snapshot, direct::DirectFile, walk::Reference};

/// A snapshot of an open image, all of whose clusters are as the guest wrote them.
#[derive(Debug)]
pub struct Content {
    image: Image,
    file: DirectFile,
    /// Where the L2 tables lie; 0 for one that is not there.
    l1: Vec<u64>,
    size_bytes: u64,
}

impl Content {
    /// Opens a snapshot that was [checked](Image::check_snapshot), and has no compressed clusters:
    /// those are QEMU's to read.
    pub fn open(image: Image, snapshot: &Snapshot) -> Result<Self, Defect> {
        let l1 = image.read_table(snapshot.l1_offset, snapshot.l1_entries)?;
        let file = DirectFile::reopen(&image.file, false).map_err(Defect::Io)?;
        Ok(Self {
            image,
            file,
            l1: l1.into_iter().map(|entry| entry & OFFSET_MASK).collect(),
            size_bytes: snapshot.virtual_bytes,
        })
    }

    /// The size of the disk when the snapshot was taken.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The stretches from `offset` on that may hold anything but zeros, up to where the answer ends,
    /// which is beyond `offset` unless that is the end of the disk.
    pub fn data(&self, offset: u64) -> Result<(Vec<Range<u64>>, u64), Defect> {
        let clusters = self.clusters(offset, self.end_of_table(offset))?;
        let end = clusters.last().map_or(offset, |cluster| cluster.disk.end);
        let data = clusters
            .into_iter()
            .filter(|cluster| cluster.file.is_some())
            .map(|cluster| cluster.disk);
        Ok((data.collect(), end))
    }

    /// Fills `buffer` with what the disk held from `offset` on, past the page cache if it is
    /// [one for that](super::buffer).
    pub fn read(&self, offset: u64, mut buffer: &mut [u8]) -> Result<(), Defect> {
        let end = offset.saturating_add(buffer.len() as u64);
        if end > self.size_bytes {
            let error = io::Error::new(ErrorKind::InvalidInput, "it is beyond the disk's end");
            return Err(Defect::Io(error));
        }
        let mut position = offset;
        while position < end {
            let table_end = self.end_of_table(position).min(end);
            for stretch in self.clusters(position, table_end)? {
                let length = usize::try_from(stretch.disk.end - stretch.disk.start)
                    .unwrap_or(usize::MAX)
                    .min(buffer.len());
                let (part, rest) = buffer.split_at_mut(length);
                match stretch.file {
                    None => part.fill(0),
                    Some(place) => self.read_file(place, part)?,
                }
                buffer = rest;
            }
            position = table_end;
        }
        Ok(())
    }

    /// Where the part of the disk ends that the L2 table of `offset` covers.
    fn end_of_table(&self, offset: u64) -> u64 {
        let covered = self.image.header().l2_entries() as u64 * self.image.header().cluster_bytes();
        (offset / covered + 1)
            .saturating_mul(covered)
            .min(self.size_bytes)
    }

    /// The stretches from `start` to `end`, which one L2 table covers, with neighbours joined that
    /// are neighbours in the file, too.
    fn clusters(&self, start: u64, end: u64) -> Result<Vec<Stretch>, Defect> {
        let header = self.image.header();
        let cluster_bytes = header.cluster_bytes();
        let table = start / (header.l2_entries() as u64 * cluster_bytes);
        let table = usize::try_from(table).ok();
        // A disk that has grown since its L1 table was written has zeros beyond it.
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
        let place = table + first % header.l2_entries() as u64 * 8;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut position = start;
        for entry in self.image.read_table(place, count)? {
            let next = ((position / cluster_bytes + 1) * cluster_bytes).min(end);
            let within = position % cluster_bytes;
            let file = self.place(entry)?.map(|cluster| cluster + within);
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

    /// Where a cluster lies in the file; none if it reads as zeros.
    fn place(&self, entry: u64) -> Result<Option<u64>, Defect> {
        let header = self.image.header();
        if header.reads_as_zeros(entry) {
            return Ok(None);
        }
        match Reference::of(entry, header.cluster_bits) {
            None => Ok(None),
            Some(Reference::Cluster { offset })
                if offset.is_multiple_of(header.cluster_bytes()) =>
            {
                Ok(Some(offset))
            }
            Some(_) => Err(Defect::Damaged("a snapshot refers to no whole cluster")),
        }
    }

    /// Fills `part` from the file. QEMU need not have written the last cluster of a file to its end: what
    /// is missing of it is zeros.
    fn read_file(&self, place: u64, part: &mut [u8]) -> Result<(), Defect> {
        let read = self.file.read(place, part).map_err(Defect::Io)?;
        let end = place + read as u64;
        if read < part.len() && end < self.image.file_bytes {
            return Err(Defect::Truncated {
                needed: place + part.len() as u64,
                size: end,
            });
        }
        part[read..].fill(0);
        Ok(())
    }
}

/// A part of the disk, and where it lies in the file; nowhere if it reads as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    disk: Range<u64>,
    file: Option<u64>,
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
