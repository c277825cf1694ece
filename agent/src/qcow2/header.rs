//! The header of an image, and what of it rules the image out.

use std::{fs::File, os::unix::fs::FileExt as _};

use uuid::Uuid;

use super::{COMPRESSED, Defect, ZERO, be};

const MAGIC: &[u8] = b"QFI\xfb";
const VERSION_2_BYTES: usize = 72;
const VERSION_3_BYTES: usize = 104;
/// The header and its extensions lie in the first cluster; this much of it is looked at.
const SCANNED_BYTES: usize = 64 << 10;

const INCOMPATIBLE_CORRUPT: u64 = 1 << 1;
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const INCOMPATIBLE_COMPRESSION: u64 = 1 << 3;
const INCOMPATIBLE_EXTENDED_L2: u64 = 1 << 4;
const INCOMPATIBLE_DIRTY: u64 = 1;
const EXTENSION_END: u64 = 0;
const EXTENSION_BITMAPS: u64 = 0x2385_2875;
/// Our own, which QEMU keeps and does not look at: the operation that put the image in the place of another.
/// Four letters: `TDMK`.
const EXTENSION_MAKER: u32 = 0x5444_4d4b;

/// Where an image's tables lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The size of the disk in it.
    pub virtual_bytes: u64,
    version: u32,
    incompatible: u64,
    has_bitmaps: bool,
    maker: Option<Uuid>,
    pub(super) cluster_bits: u32,
    pub(super) l1_offset: u64,
    pub(super) l1_entries: usize,
    pub(super) refcount_table_offset: u64,
    pub(super) refcount_table_clusters: u64,
    pub(super) refcount_order: u32,
    pub(super) snapshot_count: usize,
    pub(super) snapshots_offset: u64,
}

impl Header {
    pub(super) fn read(file: &File, file_bytes: u64) -> Result<Self, Defect> {
        let length = usize::try_from(file_bytes)
            .unwrap_or(SCANNED_BYTES)
            .min(SCANNED_BYTES);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0).map_err(Defect::Io)?;
        Self::parse(&bytes, file_bytes)
    }

    fn parse(bytes: &[u8], file_bytes: u64) -> Result<Self, Defect> {
        if !bytes.starts_with(MAGIC) {
            return Err(Defect::NotQcow2);
        }
        let truncated = Defect::Truncated {
            needed: VERSION_3_BYTES as u64,
            size: file_bytes,
        };
        let number = |at: usize, length: usize| bytes.get(at..at + length).map_or(0, be);
        let version = number(4, 4);
        let own_bytes = match version {
            _ if bytes.len() < VERSION_3_BYTES => return Err(truncated),
            2 => VERSION_2_BYTES,
            3 => usize::try_from(number(100, 4)).unwrap_or(usize::MAX),
            _ => return Err(Defect::Unsupported("is of an unknown qcow2 version")),
        };
        if number(8, 8) != 0 {
            return Err(Defect::Unsupported("has a backing file"));
        }
        if number(32, 4) != 0 {
            return Err(Defect::Unsupported("is encrypted"));
        }
        let refcount_order = if version == 2 { 4 } else { number(96, 4) };
        let incompatible = if version == 2 { 0 } else { number(72, 8) };
        check_features(incompatible)?;
        if refcount_order == 0 {
            return Err(Defect::Unsupported("has reference counts of one bit"));
        }
        let (cluster_bits, l1_entries) = (number(20, 4), number(36, 4));
        if !(9..=21).contains(&cluster_bits) || refcount_order > 6 || l1_entries > 4 << 20 {
            return Err(Defect::Damaged("its header makes no sense"));
        }
        if version == 3 && !(VERSION_3_BYTES..=1 << cluster_bits).contains(&own_bytes) {
            return Err(Defect::Damaged("its header makes no sense"));
        }
        // Each of its tables begins where a cluster does.
        let tables = [(40, l1_entries), (48, number(56, 4)), (64, number(60, 4))];
        let is_odd = |(at, entries): &(usize, u64)| {
            // The first cluster is the header's.
            let place = number(*at, 8);
            *entries > 0 && (place == 0 || !place.is_multiple_of(1 << cluster_bits))
        };
        if tables.iter().any(is_odd) || !extensions_end(bytes, own_bytes, 1 << cluster_bits) {
            return Err(Defect::Damaged("its header makes no sense"));
        }
        Ok(Self {
            virtual_bytes: number(24, 8),
            version: small(version),
            incompatible,
            has_bitmaps: extension(bytes, own_bytes, EXTENSION_BITMAPS).is_some(),
            maker: extension(bytes, own_bytes, EXTENSION_MAKER.into())
                .and_then(|maker| Uuid::from_slice(maker).ok()),
            cluster_bits: small(cluster_bits),
            l1_offset: number(40, 8),
            l1_entries: small(l1_entries) as usize,
            refcount_table_offset: number(48, 8),
            refcount_table_clusters: number(56, 4),
            refcount_order: small(refcount_order),
            snapshot_count: small(number(60, 4)) as usize,
            snapshots_offset: number(64, 8),
        })
    }

    /// Whether its reference counts may be wrong: it defers them (`lazy_refcounts`), and was not closed.
    pub fn is_dirty(&self) -> bool {
        self.incompatible & INCOMPATIBLE_DIRTY != 0
    }

    /// Whether QEMU found its tables to be wrong. It writes such an image no more, and reads it still.
    pub fn is_marked_corrupt(&self) -> bool {
        self.incompatible & INCOMPATIBLE_CORRUPT != 0
    }

    /// Whether its clusters are divided (`extended_l2`): an entry of an L2 table has 16 bytes then, and says
    /// of each part of its cluster whether it is there.
    pub fn has_subclusters(&self) -> bool {
        self.incompatible & INCOMPATIBLE_EXTENDED_L2 != 0
    }

    /// Whether it keeps what was written since somebody began to ask (persistent dirty bitmaps). Whoever
    /// writes past QEMU makes these wrong.
    pub fn has_bitmaps(&self) -> bool {
        self.has_bitmaps
    }

    /// Whether it has snapshots, of whomever.
    pub fn has_snapshots(&self) -> bool {
        self.snapshot_count > 0
    }

    /// The operation that put it in the place of another.
    pub fn maker(&self) -> Option<Uuid> {
        self.maker
    }

    /// How many bits a reference count has.
    pub fn refcount_bits(&self) -> u32 {
        1 << self.refcount_order
    }

    /// The size of a cluster.
    pub fn cluster_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Whether an entry of an L2 table says that its cluster reads as zeros, whatever is in it.
    pub(super) fn reads_as_zeros(&self, entry: u64) -> bool {
        self.version >= 3 && entry & (COMPRESSED | ZERO) == ZERO
    }

    /// Whether an entry of an L2 table says what this version of the format has no word for: that its cluster
    /// reads as zeros. QEMU takes it for damage.
    pub(super) fn is_impossible(&self, entry: u64) -> bool {
        self.version < 3 && entry & (COMPRESSED | ZERO) == ZERO
    }

    /// How many entries an L2 table has.
    pub(super) fn l2_entries(&self) -> usize {
        (1 << (self.cluster_bits - 3)) / self.l2_entry_words()
    }

    /// How many words of 8 bytes an entry of an L2 table has. Where its cluster lies stands in the first.
    pub(super) fn l2_entry_words(&self) -> usize {
        if self.has_subclusters() { 2 } else { 1 }
    }
}

/// What the header of a new image says, which has nothing that is out of the ordinary.
pub(super) struct Fields {
    pub(super) cluster_bits: u32,
    pub(super) virtual_bytes: u64,
    pub(super) l1_entries: u32,
    pub(super) l1_offset: u64,
    pub(super) refcount_table_offset: u64,
    pub(super) refcount_table_clusters: u32,
    pub(super) refcount_order: u32,
    pub(super) maker: Option<Uuid>,
}

/// The header of a new image of version 3, and its extensions, of which there is at most the one of ours.
pub(super) fn encode(fields: &Fields) -> Vec<u8> {
    const OWN_BYTES: u32 = 104;
    let mut bytes = Vec::with_capacity(VERSION_3_BYTES + 32);
    let small = |bytes: &mut Vec<u8>, number: u32| bytes.extend(number.to_be_bytes());
    let large = |bytes: &mut Vec<u8>, number: u64| bytes.extend(number.to_be_bytes());
    bytes.extend(MAGIC);
    small(&mut bytes, 3);
    // No backing file: neither its name's place nor its length.
    large(&mut bytes, 0);
    small(&mut bytes, 0);
    small(&mut bytes, fields.cluster_bits);
    large(&mut bytes, fields.virtual_bytes);
    // Not encrypted.
    small(&mut bytes, 0);
    small(&mut bytes, fields.l1_entries);
    large(&mut bytes, fields.l1_offset);
    large(&mut bytes, fields.refcount_table_offset);
    small(&mut bytes, fields.refcount_table_clusters);
    // No snapshots, and no features of any kind.
    small(&mut bytes, 0);
    large(&mut bytes, 0);
    bytes.extend([0; 3 * 8]);
    small(&mut bytes, fields.refcount_order);
    small(&mut bytes, OWN_BYTES);
    if let Some(maker) = fields.maker {
        small(&mut bytes, EXTENSION_MAKER);
        small(&mut bytes, 16);
        bytes.extend(maker.as_bytes());
    }
    large(&mut bytes, EXTENSION_END);
    bytes
}

/// Four bytes of a header always fit.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn check_features(incompatible: u64) -> Result<(), Defect> {
    const KNOWN: u64 = INCOMPATIBLE_DIRTY
        | INCOMPATIBLE_CORRUPT
        | INCOMPATIBLE_DATA_FILE
        | INCOMPATIBLE_COMPRESSION
        | INCOMPATIBLE_EXTENDED_L2;
    if incompatible & INCOMPATIBLE_DATA_FILE != 0 {
        return Err(Defect::Unsupported("keeps its data in a second file"));
    }
    if incompatible & !KNOWN != 0 {
        return Err(Defect::Unsupported("has an unknown feature"));
    }
    Ok(())
}

/// Whether each of the header's extensions ends within the header's cluster: QEMU opens no other image.
fn extensions_end(bytes: &[u8], start: usize, cluster_bytes: u64) -> bool {
    let mut at = start;
    while let Some(extension) = at.checked_add(8).and_then(|end| bytes.get(at..end)) {
        let (kind, length) = (be(&extension[..4]), be(&extension[4..]));
        if at as u64 >= cluster_bytes {
            break;
        }
        // Even what marks the end has a length, which QEMU looks at.
        let left = cluster_bytes.saturating_sub(at as u64 + 8);
        if length > left {
            return false;
        }
        if kind == EXTENSION_END {
            break;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        at = at
            .saturating_add(8)
            .saturating_add(length.saturating_add(7) & !7);
    }
    true
}

/// Looks for one of the header's extensions, and gives what of it is there.
fn extension(bytes: &[u8], start: usize, wanted: u64) -> Option<&[u8]> {
    let mut at = start;
    while let Some(extension) = at.checked_add(8).and_then(|end| bytes.get(at..end)) {
        let (kind, length) = (be(&extension[..4]), be(&extension[4..]));
        if kind == EXTENSION_END {
            return None;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let content = at.saturating_add(8);
        if kind == wanted {
            let end = content.saturating_add(length).min(bytes.len());
            return bytes.get(content..end);
        }
        at = content.saturating_add(length.saturating_add(7) & !7);
    }
    None
}
