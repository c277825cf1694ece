//! What a disk held at a snapshot, read from the image itself.
//!
//! A snapshot's tables and clusters never change as long as it is there: whoever writes the disk
//! writes elsewhere. So they can be read beside a running instance, without QEMU between the file and
//! us, which would copy each byte twice. That the snapshot was there all the time is for the caller to
//! check once all is read.

use std::ops::Range;

use super::{Defect, Image, OFFSET_MASK, Snapshot, direct::DirectFile, map::Map, walk::Reference};

/// A snapshot of an open image, all of whose clusters are as the guest wrote them.
#[derive(Debug)]
pub struct Content {
    map: Map,
    file: DirectFile,
}

impl Content {
    /// Opens a snapshot that was [checked](Image::check_snapshot), and has neither compressed nor divided
    /// clusters: those are QEMU's to read.
    pub fn open(image: Image, snapshot: &Snapshot) -> Result<Self, Defect> {
        if image.header().has_subclusters() {
            return Err(Defect::Unsupported("has subclusters"));
        }
        let l1 = image.read_table(snapshot.l1_offset, snapshot.l1_entries)?;
        let file = DirectFile::reopen(&image.file, false).map_err(Defect::Io)?;
        let l1 = l1.into_iter().map(|entry| entry & OFFSET_MASK).collect();
        Ok(Self {
            map: Map::new(image, l1, snapshot.virtual_bytes),
            file,
        })
    }

    /// The size of the disk when the snapshot was taken.
    pub fn size_bytes(&self) -> u64 {
        self.map.size_bytes()
    }

    /// The stretches from `offset` on that may hold anything but zeros, up to where the answer ends,
    /// which is beyond `offset` unless that is the end of the disk.
    pub fn data(&self, offset: u64) -> Result<(Vec<Range<u64>>, u64), Defect> {
        let end = self.map.end_of_table(offset);
        let stretches = self
            .map
            .stretches(offset, end, &|entry| self.place(entry))?;
        let end = stretches.last().map_or(offset, |last| last.disk.end);
        let data = stretches
            .into_iter()
            .filter(|stretch| stretch.file.is_some())
            .map(|stretch| stretch.disk);
        Ok((data.collect(), end))
    }

    /// Fills `buffer` with what the disk held from `offset` on, past the page cache if it is
    /// [one for that](super::buffer).
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Defect> {
        let place = |entry| self.place(entry);
        self.map
            .visit(offset, buffer.len(), place, |part, file| match file {
                None => {
                    buffer[part].fill(0);
                    Ok(())
                }
                Some(place) => self.read_file(place, &mut buffer[part]),
            })
    }

    /// Where a cluster lies in the file; none if it reads as zeros.
    fn place(&self, entry: u64) -> Result<Option<u64>, Defect> {
        let header = self.map.image().header();
        if header.reads_as_zeros(entry) {
            return Ok(None);
        }
        if header.is_impossible(entry) {
            return Err(Defect::Damaged(
                "a snapshot has zeros that its version does not know",
            ));
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
        if read < part.len() && end < self.map.image().file_bytes {
            return Err(Defect::Truncated {
                needed: place + part.len() as u64,
                size: end,
            });
        }
        part[read..].fill(0);
        Ok(())
    }
}
