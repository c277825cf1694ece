//! Images of every geometry, filled and snapshotted by numbers that a seed gives.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use tidemark_agent::driver::SnapshotName;
use uuid::Uuid;

use super::damage;
use crate::site::text;

/// Numbers that are the same for the same seed (`SplitMix64`).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64, image: u64) -> Self {
        let mut numbers = Self(seed ^ image.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.next();
        numbers
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// An image that was made, and how.
#[derive(Debug)]
pub struct Subject {
    /// The names that are asked for, whether a snapshot could be taken by them or not.
    pub names: Vec<SnapshotName>,
    /// Those that were taken, and not deleted again.
    pub taken: Vec<SnapshotName>,
    /// The size of its disk.
    pub size_bytes: u64,
    /// The largest size that its disk ever had.
    pub largest_bytes: u64,
    pub has_shrunk: bool,
    /// Whether it is of a kind that is worked on.
    pub is_supported: bool,
    pub is_damaged: bool,
    /// What it is like, a word for each property that a soak has to have seen.
    pub traits: Vec<String>,
    /// What was done to it, in order.
    #[expect(dead_code, reason = "told when a test fails")]
    pub story: Vec<String>,
}

/// What is out of the ordinary with an image, which goes with few of the other options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    DataFile,
    RawDataFile,
    Luks,
    Aes,
    RawBacking,
    Qcow2Backing,
    /// A snapshot holds what a machine had in its memory as well.
    MachineState,
}

impl Oddity {
    fn of(number: u64) -> Self {
        match number % 29 {
            5 => Self::RawDataFile,
            7 => Self::DataFile,
            9 => Self::Aes,
            11 => Self::Qcow2Backing,
            13 => Self::Luks,
            17 | 23 => Self::MachineState,
            19 => Self::RawBacking,
            _ => Self::None,
        }
    }

    /// What `qemu-img create` is told of it, before and among the options.
    fn create(self, scratch: &Path) -> (Vec<String>, String) {
        let data = format!(",data_file={}", text(&scratch.join("data")));
        let secret = ["--object", "secret,id=s,data=secret"];
        let base = scratch.join("base");
        let backing = |format: &str| {
            let create = ["create", "-q", "-f", format, text(&base), "4M"];
            assert!(qemu("qemu-img", &create));
            ["-F", format, "-b", text(&base)].map(Into::into).to_vec()
        };
        match self {
            Self::None | Self::MachineState => (Vec::new(), String::new()),
            Self::DataFile => (Vec::new(), data),
            Self::RawDataFile => (Vec::new(), format!("{data},data_file_raw=on")),
            Self::Luks => {
                let options = ",encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
                (secret.map(Into::into).to_vec(), options.into())
            }
            Self::Aes => {
                let options = ",encrypt.format=aes,encrypt.key-secret=s";
                (secret.map(Into::into).to_vec(), options.into())
            }
            Self::RawBacking => (backing("raw"), String::new()),
            Self::Qcow2Backing => (backing("qcow2"), String::new()),
        }
    }
}

/// Makes an image of the kind that `number` stands for.
pub fn image(path: &Path, scratch: &Path, number: u64, numbers: &mut Numbers) -> Subject {
    let cluster_bits = 9 + number % 13;
    let cluster = 1_u64 << cluster_bits;
    let mut size = (3 << 20).max(3 * cluster) + 512 * numbers.below(9000);
    let mut options = options(cluster_bits, numbers);
    let oddity = Oddity::of(number);
    if !matches!(oddity, Oddity::None | Oddity::MachineState) {
        // Not each of the others goes with these.
        options.truncate(1);
    }
    let (before, more) = oddity.create(scratch);
    let option = options.join(",") + &more;
    let size_text = size.to_string();
    let create = ["create", "-q", "-f", "qcow2"].into_iter();
    let create = create.chain(before.iter().map(String::as_str));
    let create: Vec<_> = create
        .chain(["-o", &option, text(path), &size_text])
        .collect();
    assert!(qemu("qemu-img", &create), "{create:?}");

    let is_supported = matches!(oddity, Oddity::None | Oddity::MachineState)
        && !option.contains("refcount_bits=1,");
    let mut traits = options;
    traits.push(format!("{oddity:?}"));
    let (mut names, mut taken, mut story) = (Vec::new(), Vec::new(), vec![option]);
    let (mut largest, mut has_shrunk) = (size, false);
    for round in 0..2 + numbers.below(2) {
        write(path, size, cluster, numbers, &mut story);
        let id = Uuid::from_u128((u128::from(number) << 64) | (u128::from(round) + 1));
        let name = SnapshotName::Kept(id);
        let text_name = name.to_string();
        if numbers.one_in(5) {
            // Somebody else's: a number is a name as well.
            let foreign = numbers.pick(&["1", "before", "ein längerer Name mit Leerzeichen"]);
            snapshot(path, "-c", foreign, &mut story);
        }
        let is_taken = if oddity == Oddity::MachineState && round == 0 {
            save_machine(path, &text_name, &mut story)
        } else {
            snapshot(path, "-c", &text_name, &mut story)
        };
        // One that is not there is asked for as well.
        names.push(name);
        taken.extend(is_taken.then_some(name));
        if numbers.one_in(3) {
            let to = if numbers.one_in(3) {
                (size / 2).next_multiple_of(512)
            } else {
                size + 512 * numbers.below(6000)
            };
            if resize(path, size, to, &mut story) {
                traits.push(if to < size { "shrunk" } else { "grown" }.into());
                has_shrunk |= to < size;
                size = to;
                largest = largest.max(size);
            }
        }
    }
    write(path, size, cluster, numbers, &mut story);
    if numbers.one_in(6)
        && taken.len() > 1
        && snapshot(path, "-d", &taken[0].to_string(), &mut story)
    {
        taken.remove(0);
        traits.push("deleted".into());
    }
    // Rolling back brings the size of then back: only where it never changed.
    if numbers.one_in(5)
        && !traits
            .iter()
            .any(|word| word == "grown" || word == "shrunk")
        && let Some(name) = taken.last()
        && snapshot(path, "-a", &name.to_string(), &mut story)
    {
        traits.push("rolled back".into());
    }
    for bitmap in ["b", "another"] {
        let add = ["bitmap", "--add", "-f", "qcow2", text(path), bitmap];
        if numbers.one_in(7) && qemu("qemu-img", &add) {
            story.push(format!("a persistent bitmap {bitmap}"));
            traits.push("bitmap".into());
        }
    }
    let done = damage::damage(path, cluster, number, numbers);
    if let Some((kind, what)) = &done {
        traits.push(format!("damage: {kind}"));
        story.push(what.clone());
    }
    Subject {
        names,
        taken,
        size_bytes: size,
        largest_bytes: largest,
        has_shrunk,
        is_supported,
        is_damaged: done.is_some(),
        traits,
        story,
    }
}

fn snapshot(path: &Path, verb: &str, name: &str, story: &mut Vec<String>) -> bool {
    let is_done = qemu("qemu-img", &["snapshot", verb, name, text(path)]);
    story.push(format!("snapshot {verb} {name}: {is_done}"));
    is_done
}

fn resize(path: &Path, from: u64, to: u64, story: &mut Vec<String>) -> bool {
    let option = if to < from { "--shrink" } else { "-q" };
    let size = to.to_string();
    let is_done = qemu(
        "qemu-img",
        &["resize", option, "-f", "qcow2", text(path), &size],
    );
    story.push(format!("resized from {from} to {to}: {is_done}"));
    is_done
}

/// A snapshot with what a machine had in its memory, which lies beyond the end of the disk.
fn save_machine(path: &Path, name: &str, story: &mut Vec<String>) -> bool {
    let disk = format!("file={},format=qcow2,if=virtio", text(path));
    let machine = ["-machine", "q35,accel=tcg", "-m", "8", "-S", "-nodefaults"];
    let mut machine = Command::new("qemu-system-x86_64")
        .args(machine)
        .args(["-display", "none", "-monitor", "stdio", "-drive", &disk])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let words = format!("savevm {name}\nquit\n");
    let mut monitor = machine.stdin.take().unwrap();
    monitor.write_all(words.as_bytes()).unwrap();
    let said = machine.wait_with_output().unwrap();
    let is_done = said.status.success() && !String::from_utf8_lossy(&said.stdout).contains("Error");
    story.push(format!("savevm {name}: {is_done}"));
    is_done
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
        let compression = numbers.pick(&["zlib", "zstd"]);
        options.push(format!("compression_type={compression}"));
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

fn qemu(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.output().unwrap().status.success()
}
