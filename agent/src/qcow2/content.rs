//! What a disk held at a snapshot, read from the image itself.
//!
//! A snapshot's tables and clusters never change as long as it is there: whoever writes the disk
//! writes elsewhere. So they can be read beside a running instance, without QEMU between the file and
//! us, which would copy each byte twice. That the snapshot was there all the time is for the caller to
//! check once all is read.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    ops::Range,
    os::{
        fd::AsRawFd as _,
        unix::fs::{FileExt as _, OpenOptionsExt as _},
    },
};

use nix::{errno::Errno, fcntl::OFlag};

use super::{Defect, Image, OFFSET_MASK, Snapshot, walk::Reference};

/// What `O_DIRECT` (open(2)) wants of addresses, lengths and offsets: a multiple of the blocks of
/// every disk in use.
pub const ALIGNMENT: usize = 4096;

/// A snapshot of an open image, all of whose clusters are as the guest wrote them.
#[derive(Debug)]
pub struct Content {
    image: Image,
    /// The same file past the page cache, unless its file system or its clusters do not allow that.
    direct: Option<File>,
    /// Where the L2 tables lie; 0 for one that is not there.
    l1: Vec<u64>,
    size_bytes: u64,
}

impl Content {
    /// Opens a snapshot that was [checked](Image::check_snapshot), and has no compressed clusters:
    /// those are QEMU's to read.
    pub fn open(image: Image, snapshot: &Snapshot) -> Result<Self, Defect> {
        let l1 = image.read_table(snapshot.l1_offset, snapshot.l1_entries)?;
        let direct = if image.header().cluster_bytes() < ALIGNMENT as u64 {
            None
        } else {
            reopen_direct(&image.file).map_err(Defect::Io)?
        };
        Ok(Self {
            image,
            direct,
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

    /// Fills `buffer` with what the disk held from `offset` on. One whose address is a multiple of
    /// [`ALIGNMENT`] is filled past the page cache.
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

    /// Fills `part` from the file, past the page cache as far as that goes. QEMU need not have written
    /// the last cluster of a file to its end: what is missing of it is zeros.
    fn read_file(&self, place: u64, part: &mut [u8]) -> Result<(), Defect> {
        let mut done = self.read_direct(place, part).map_err(Defect::Io)?;
        while done < part.len() {
            let position = place + done as u64;
            match read_at(&self.image.file, &mut part[done..], position).map_err(Defect::Io)? {
                0 if position < self.image.file_bytes => {
                    return Err(Defect::Truncated {
                        needed: position,
                        size: position,
                    });
                }
                0 => break,
                read => done += read,
            }
        }
        part[done..].fill(0);
        Ok(())
    }

    /// Reads what can be read past the page cache in one go, and says how much that was.
    fn read_direct(&self, place: u64, part: &mut [u8]) -> io::Result<usize> {
        let whole = part.len() - part.len() % ALIGNMENT;
        let aligned =
            part.as_ptr().align_offset(ALIGNMENT) == 0 && place.is_multiple_of(ALIGNMENT as u64);
        let Some(direct) = self.direct.as_ref().filter(|_| aligned && whole > 0) else {
            return Ok(0);
        };
        match read_at(direct, &mut part[..whole], place) {
            // The file system takes the flag, and wants even more of it.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(0),
            read => read,
        }
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

fn read_at(file: &File, part: &mut [u8], place: u64) -> io::Result<usize> {
    loop {
        match file.read_at(part, place) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// The same file past the page cache; none where its file system does not offer that.
fn reopen_direct(file: &File) -> io::Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_DIRECT.bits())
        .open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(None),
        Err(error) => Err(error),
    }
}
