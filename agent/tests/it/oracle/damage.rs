//! Damage to images: of each table, of the header, of the marks, and of the file as a whole.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
};

use super::generate::Numbers;

const MASK: u64 = 0x00ff_ffff_ffff_fe00;
const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
/// Offsets of fields that a header has: what lies where, how long it is, and how it is to be read. Not the size of the
/// disk, which nobody could compare.
const FIELDS: [u64; 12] = [8, 16, 20, 32, 36, 40, 48, 56, 60, 64, 96, 100];
const PAGE: u64 = 4096;

/// The kinds of damage, each for some of the images.
pub const KINDS: [&str; 26] = [
    "marked dirty",
    "marked corrupt",
    "cut",
    "cut to almost nothing",
    "longer",
    "disk's L1 entry",
    "disk's L2 entry",
    "disk's L2 entry twice",
    "snapshot's L1 entry",
    "snapshot's L1 entry cleared",
    "snapshot's L2 entry",
    "snapshot's L2 entry, its second word",
    "snapshot's cluster compressed",
    "snapshot's cluster claimed",
    "refcount table",
    "refcount block",
    "counts of nothing",
    "snapshot table",
    "snapshot's L1 place",
    "snapshot's L1 length",
    "header field",
    "unknown feature",
    "unknown minor feature",
    "header extension",
    "page of zeros",
    "page of noise",
];
/// A third of the images has none. A prime number, so that each geometry meets each kind.
const TURNS: u64 = 37;

/// Damages an image as `number` says, and tells the kind and what was done. Not every image has what would be damaged.
pub fn damage(
    path: &Path,
    cluster: u64,
    number: u64,
    numbers: &mut Numbers,
) -> Option<(&'static str, String)> {
    let turn = usize::try_from(number % TURNS).unwrap();
    let kind = *KINDS.get(turn)?;
    let file = File::options().read(true).write(true).open(path).unwrap();
    let image = Image {
        is_new: word(&file, 4) >> 32 == 3,
        length: file.metadata().unwrap().len(),
        file,
        cluster,
    };
    image.damage(kind, numbers).map(|what| (kind, what))
}

struct Image {
    file: File,
    length: u64,
    cluster: u64,
    is_new: bool,
}

impl Image {
    fn damage(&self, kind: &str, numbers: &mut Numbers) -> Option<String> {
        let l1 = self.word(40);
        let entries = self.cluster / 8;
        let place = match kind {
            "marked dirty" => return self.mark(72, 1),
            "marked corrupt" => return self.mark(72, 2),
            "unknown feature" => return self.mark(72, 1 << numbers.below(64)),
            "unknown minor feature" => {
                return self.mark(80 + 8 * numbers.below(2), 1 << numbers.below(64));
            }
            "cut" => return Some(self.cut(self.length * (1 + numbers.below(99)) / 100)),
            "cut to almost nothing" => {
                return Some(self.cut(numbers.pick(&[0, 1, 71, 72, 103, 104, 511, 512])));
            }
            "longer" => {
                let noise = noise(1 + numbers.below(3 * self.cluster), numbers);
                self.put(self.length, &noise);
                return Some(format!("{} bytes more", noise.len()));
            }
            "page of zeros" | "page of noise" => {
                let page = PAGE * (1 + numbers.below((self.length / PAGE).saturating_sub(1)));
                let zeros = vec![0; usize::try_from(PAGE).unwrap()];
                let noise = noise(PAGE, numbers);
                let is_zeros = kind == "page of zeros";
                self.put(page, if is_zeros { &zeros } else { &noise });
                return Some(format!("{kind} at {page}"));
            }
            "counts of nothing" => {
                let block = self.word(self.word(48)) & MASK;
                let zeros = vec![0; usize::try_from(self.cluster).unwrap()];
                let is_there = block != 0 && block < self.length;
                return is_there.then(|| {
                    self.put(block, &zeros);
                    format!("the counts at {block} became 0")
                });
            }
            "header field" => {
                let field = numbers.pick(&FIELDS);
                let garbage =
                    numbers.pick(&[0, 1, 9, 22, 64, 511, 1 << 16, 1 << 31, u32::MAX.into()]);
                let found = self.word(field);
                // A length has four bytes, a place eight.
                let is_place = matches!(field, 8 | 40 | 48 | 64);
                let new = if is_place {
                    garbage
                } else {
                    garbage << 32 | found & u64::from(u32::MAX)
                };
                self.put(field, &new.to_be_bytes());
                return Some(format!("the header's field at {field} became {garbage:#x}"));
            }
            "header extension" if self.is_new => Some(self.word(96) & u64::from(u32::MAX)),
            "disk's L1 entry" => Some(l1 + 8 * numbers.below(4)),
            "disk's L2 entry" => self.l2_of(l1).map(|l2| l2 + 8 * numbers.below(entries)),
            "disk's L2 entry twice" => {
                let l2 = self.l2_of(l1)?;
                let [from, to] = [(); 2].map(|()| l2 + 8 * numbers.below(entries));
                let found = self.word(from);
                self.put(to, &found.to_be_bytes());
                return Some(format!("{found:#x} at {from} is at {to}, too"));
            }
            "snapshot's L1 entry" | "snapshot's L1 entry cleared" => {
                self.snapshot_l1().map(|l1| l1 + 8 * numbers.below(4))
            }
            "snapshot's L2 entry" => self.snapshot_l2().map(|l2| l2 + 8 * numbers.below(entries)),
            "snapshot's L2 entry, its second word" => self
                .snapshot_l2()
                .map(|l2| l2 + 8 + 16 * numbers.below(entries / 2)),
            "snapshot's cluster compressed" | "snapshot's cluster claimed" => {
                let l2 = self.snapshot_l2()?;
                let places = (0..entries).map(|entry| l2 + 8 * entry);
                let mut used = places.filter(|place| self.word(*place) & MASK != 0);
                used.nth(usize::try_from(numbers.below(4)).unwrap())
            }
            "refcount table" => Some(self.word(48)),
            "refcount block" => {
                Some((self.word(self.word(48)) & MASK) + 8 * numbers.below(entries))
            }
            "snapshot table" => self.snapshots().map(|table| table + numbers.below(80)),
            "snapshot's L1 place" => self.snapshots(),
            "snapshot's L1 length" => self.snapshots().map(|table| table + 8),
            _ => None,
        };
        let place = place.filter(|place| place + 8 <= self.length && *place >= 104)?;
        let found = self.word(place);
        let garbage = match (kind, numbers.below(6)) {
            ("snapshot's L1 entry cleared", _) => 0,
            ("snapshot's cluster compressed", _) => found | COMPRESSED,
            ("snapshot's cluster claimed", _) | (_, 4) => found | COPIED,
            (_, 0) => numbers.next(),
            (_, 1) => COPIED | (numbers.below(self.length) & MASK),
            (_, 2) => numbers.below(self.length / self.cluster + 2) * self.cluster,
            (_, 3) => found ^ (1 << numbers.below(64)),
            _ => found | 1,
        };
        self.put(place, &garbage.to_be_bytes());
        Some(format!("{found:#x} at {place} became {garbage:#x}"))
    }

    fn mark(&self, place: u64, bits: u64) -> Option<String> {
        self.is_new.then(|| {
            let found = self.word(place);
            self.put(place, &(found | bits).to_be_bytes());
            format!("{found:#x} at {place} has {bits:#x}, too")
        })
    }

    fn cut(&self, length: u64) -> String {
        self.file.set_len(length).unwrap();
        format!("cut from {} to {length}", self.length)
    }

    fn put(&self, place: u64, bytes: &[u8]) {
        self.file.write_all_at(bytes, place).unwrap();
    }

    fn word(&self, place: u64) -> u64 {
        word(&self.file, place)
    }

    /// The first L2 table that an L1 table leads to.
    fn l2_of(&self, l1: u64) -> Option<u64> {
        (0..16)
            .map(|entry| self.word(l1 + 8 * entry) & MASK)
            .find(|l2| *l2 != 0)
    }

    fn snapshot_l2(&self) -> Option<u64> {
        self.snapshot_l1().and_then(|l1| self.l2_of(l1))
    }

    /// The L1 table of the first snapshot.
    fn snapshot_l1(&self) -> Option<u64> {
        self.snapshots().map(|table| self.word(table))
    }

    fn snapshots(&self) -> Option<u64> {
        (self.word(60) >> 32 > 0).then(|| self.word(64))
    }
}

fn noise(length: u64, numbers: &mut Numbers) -> Vec<u8> {
    let words = (0..length.div_ceil(8)).flat_map(|_| numbers.next().to_be_bytes());
    words.take(usize::try_from(length).unwrap()).collect()
}

fn word(file: &File, place: u64) -> u64 {
    let mut bytes = [0; 8];
    let read = file.read_at(&mut bytes, place).unwrap_or_default();
    if read == 8 {
        u64::from_be_bytes(bytes)
    } else {
        0
    }
}

/// Has the disk claim, of clusters that a snapshot has as well, that they are its own.
pub fn claim_what_is_shared(path: &Path) -> &'static str {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let words = if word(&file, 72) & (1 << 4) != 0 {
        2
    } else {
        1
    };
    let cluster = 1_u64 << (word(&file, 20) >> 32);
    let l1 = word(&file, 40);
    let mut forged = 0;
    for table in 0..word(&file, 36) >> 32 {
        let entry = word(&file, l1 + 8 * table);
        let l2 = entry & MASK;
        if l2 == 0 {
            continue;
        }
        file.write_all_at(&(entry | COPIED).to_be_bytes(), l1 + 8 * table)
            .unwrap();
        for number in 0..cluster / 8 / words {
            let place = l2 + 8 * words * number;
            let entry = word(&file, place);
            if entry & MASK != 0 && entry & COPIED == 0 {
                file.write_all_at(&(entry | COPIED).to_be_bytes(), place)
                    .unwrap();
                forged += 1;
            }
        }
    }
    assert!(forged > 0);
    "shared clusters were claimed"
}

/// Has the reference counts say that nothing is in use.
pub fn count_nothing(path: &Path) -> &'static str {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let cluster = usize::try_from(1_u64 << (word(&file, 20) >> 32)).unwrap();
    let blocks = fs::read(path).unwrap();
    let table = usize::try_from(word(&file, 48)).unwrap();
    let mut emptied = 0;
    for entry in blocks[table..table + cluster].chunks_exact(8) {
        let block = u64::from_be_bytes(entry.try_into().unwrap()) & MASK;
        if block != 0 {
            file.write_all_at(&vec![0; cluster], block).unwrap();
            emptied += 1;
        }
    }
    assert!(emptied > 0);
    "what is in use was counted as free"
}
