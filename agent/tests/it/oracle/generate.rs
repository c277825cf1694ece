//! Images of every geometry, filled, snapshotted and damaged by numbers that a seed gives.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
    process::Command,
};

use tidemark_agent::driver::SnapshotName;
use uuid::Uuid;

use crate::site::text;

const MASK: u64 = 0x00ff_ffff_ffff_fe00;
const COPIED: u64 = 1 << 63;

/// Numbers that are the same for the same seed (`SplitMix64`).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64, image: u64) -> Self {
        let mut numbers = Self(seed ^ image.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.next();
        numbers
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// An image that was made, and how.
#[derive(Debug)]
pub struct Subject {
    pub snapshots: Vec<SnapshotName>,
    /// The largest size that its disk ever had.
    pub largest_bytes: u64,
    pub has_shrunk: bool,
    /// The options it was made with.
    #[expect(dead_code, reason = "told when a test fails")]
    pub options: String,
    /// What was done to it, in order.
    pub story: Vec<String>,
}

/// Makes an image of the kind that `number` stands for.
pub fn image(path: &Path, scratch: &Path, number: u64, numbers: &mut Numbers) -> Subject {
    let cluster_bits = 9 + number % 13;
    let cluster = 1_u64 << cluster_bits;
    let size = (3 << 20).max(3 * cluster) + 512 * numbers.below(9000);
    let mut options = options(cluster_bits, numbers);
    if matches!(number % 29, 7 | 13 | 19) {
        // Not each of the others goes with these.
        options.truncate(1);
    }
    let mut story = Vec::new();
    let mut create: Vec<String> = ["create", "-q", "-f", "qcow2"].map(Into::into).to_vec();
    let mut options_text = options.join(",");
    match number % 29 {
        7 => options_text = format!("{options_text},data_file={}", text(&scratch.join("data"))),
        13 => {
            let secret = "secret,id=s,data=secret";
            create.extend(["--object", secret].map(Into::into));
            options_text += ",encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
        }
        19 => {
            let base = scratch.join("base");
            qemu(
                "qemu-img",
                &["create", "-q", "-f", "raw", text(&base), "4M"],
            );
            create.extend(["-F", "raw", "-b", text(&base)].map(Into::into));
        }
        _ => {}
    }
    create.extend([
        "-o".into(),
        options_text.clone(),
        text(path).into(),
        size.to_string(),
    ]);
    let create: Vec<_> = create.iter().map(String::as_str).collect();
    assert!(qemu("qemu-img", &create), "{create:?}");

    let mut subject = Subject {
        snapshots: Vec::new(),
        largest_bytes: size,
        has_shrunk: false,
        options: options_text,
        story: Vec::new(),
    };
    let mut size = size;
    for round in 0..2 + numbers.below(2) {
        write(path, size, cluster, numbers, &mut story);
        let id = Uuid::from_u128((u128::from(number) << 64) | (u128::from(round) + 1));
        let name = SnapshotName::Kept(id);
        if qemu(
            "qemu-img",
            &["snapshot", "-c", &name.to_string(), text(path)],
        ) {
            story.push(format!("snapshot {name}"));
        }
        // One that is not there is asked for as well.
        subject.snapshots.push(name);
        if numbers.one_in(3) {
            let larger = size + 512 * numbers.below(6000);
            let smaller = (size / 2).next_multiple_of(512);
            let (to, option) = if numbers.one_in(3) {
                (smaller, "--shrink")
            } else {
                (larger, "-q")
            };
            let to_text = to.to_string();
            if qemu(
                "qemu-img",
                &["resize", option, "-f", "qcow2", text(path), &to_text],
            ) {
                story.push(format!("resized from {size} to {to}"));
                subject.has_shrunk |= to < size;
                size = to;
                subject.largest_bytes = subject.largest_bytes.max(size);
            }
        }
    }
    write(path, size, cluster, numbers, &mut story);
    if numbers.one_in(6) {
        let name = subject.snapshots[0].to_string();
        qemu("qemu-img", &["snapshot", "-d", &name, text(path)]);
        story.push(format!("deleted {name}"));
    }
    if numbers.one_in(6)
        && qemu(
            "qemu-img",
            &["bitmap", "--add", "-f", "qcow2", text(path), "b"],
        )
    {
        story.push("a persistent bitmap".into());
    }
    damage(path, cluster, numbers, &mut story);
    subject.story = story;
    subject
}

fn options(cluster_bits: u64, numbers: &mut Numbers) -> Vec<String> {
    let mut options = vec![format!("cluster_size={}", 1_u64 << cluster_bits)];
    if numbers.one_in(5) {
        options.push("compat=0.10".into());
    } else {
        options.push("compat=1.1".into());
        let bits = numbers.pick(&[1, 2, 4, 8, 16, 16, 16, 32, 64]);
        options.push(format!("refcount_bits={bits}"));
        if cluster_bits >= 14 && numbers.one_in(3) {
            options.push("extended_l2=on".into());
        }
        if numbers.one_in(2) {
            options.push("compression_type=zstd".into());
        }
        if numbers.one_in(4) {
            options.push("lazy_refcounts=on".into());
        }
    }
    let preallocation = numbers.pick(&["off", "off", "off", "metadata", "falloc", "full"]);
    options.push(format!("preallocation={preallocation}"));
    options
}

/// Writes, zeroes and discards here and there.
fn write(path: &Path, size: u64, cluster: u64, numbers: &mut Numbers, story: &mut Vec<String>) {
    let mut commands = Vec::new();
    for _ in 0..3 + numbers.below(8) {
        let offset = 512 * numbers.below(size / 512);
        let length = (512 * (1 + numbers.below(1200))).min(size - offset);
        let pattern = 1 + numbers.below(254);
        let whole = offset / cluster * cluster;
        commands.push(match numbers.below(9) {
            0 => format!("write -z {offset} {length}"),
            1 => format!("write -z -u {offset} {length}"),
            2 => format!("discard {offset} {length}"),
            3 if whole + cluster <= size => format!("write -c -P {pattern} {whole} {cluster}"),
            _ => format!("write -P {pattern} {offset} {length}"),
        });
    }
    let mut arguments = vec!["-f", "qcow2", "-d", "unmap"];
    for command in &commands {
        arguments.extend(["-c", command]);
    }
    arguments.push(text(path));
    qemu("qemu-io", &arguments);
    story.extend(commands);
}

/// Half of the images are damaged in some way.
fn damage(path: &Path, cluster: u64, numbers: &mut Numbers, story: &mut Vec<String>) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    let is_new = word(&file, 4) >> 32 == 3;
    let place = match numbers.below(16) {
        0 if is_new => {
            let features = word(&file, 72) | 1;
            file.write_all_at(&features.to_be_bytes(), 72).unwrap();
            story.push("marked dirty".into());
            return;
        }
        1 if is_new => {
            let features = word(&file, 72) | 2;
            file.write_all_at(&features.to_be_bytes(), 72).unwrap();
            story.push("marked corrupt".into());
            return;
        }
        2 => {
            let cut = length * (1 + numbers.below(99)) / 100;
            file.set_len(cut).unwrap();
            story.push(format!("cut from {length} to {cut}"));
            return;
        }
        3 => Some(word(&file, 40) + 8 * numbers.below(4)),
        4 => l2_of(&file, word(&file, 40)).map(|l2| l2 + 8 * numbers.below(cluster / 8)),
        5 | 6 => snapshot_l1(&file).map(|l1| l1 + 8 * numbers.below(4)),
        7 | 8 => {
            let l2 = snapshot_l1(&file).and_then(|l1| l2_of(&file, l1));
            l2.map(|l2| l2 + 8 * numbers.below(cluster / 8))
        }
        9 => Some(word(&file, 48)),
        10 => Some((word(&file, word(&file, 48)) & MASK) + 8 * numbers.below(cluster / 8)),
        11 => {
            let table = word(&file, 64);
            (table > 0).then(|| table + numbers.below(80))
        }
        _ => None,
    };
    let Some(place) = place.filter(|place| place + 8 <= length && *place >= 112) else {
        return;
    };
    let found = word(&file, place);
    let garbage = match numbers.below(6) {
        0 => numbers.next(),
        1 => COPIED | (numbers.below(length) & MASK),
        2 => (numbers.below(length / cluster + 2)) * cluster,
        3 => found ^ (1 << numbers.below(64)),
        4 => found | COPIED,
        _ => found | 1,
    };
    file.write_all_at(&garbage.to_be_bytes(), place).unwrap();
    story.push(format!("{found:#x} at {place} became {garbage:#x}"));
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

/// The first L2 table that an L1 table leads to.
fn l2_of(file: &File, l1: u64) -> Option<u64> {
    (0..16)
        .map(|entry| word(file, l1 + 8 * entry) & MASK)
        .find(|l2| *l2 != 0)
}

/// The L1 table of the first snapshot.
fn snapshot_l1(file: &File) -> Option<u64> {
    let (count, table) = (word(file, 60) >> 32, word(file, 64));
    (count > 0).then(|| word(file, table))
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

fn qemu(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.output().unwrap().status.success()
}
