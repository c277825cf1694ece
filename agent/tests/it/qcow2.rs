//! The reader of qcow2 against what `qemu-img` says and does.

use std::{fs, io::ErrorKind, ops::Range, os::unix::fs::FileExt as _, sync::Arc};

use tidemark_agent::{
    process::{Launcher, Processes},
    qcow2::{Content, Defect, Extent, Image, NewImage, OwnClusters, buffer},
};

use crate::site::{MIB, run, text};

/// What a new image counts in.
const CLUSTER: u64 = 64 << 10;

struct Disk {
    directory: tempfile::TempDir,
}

impl Disk {
    fn new(options: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk = Self { directory };
        run(
            "qemu-img",
            [
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                options,
                &disk.path(),
                "64M",
            ],
        );
        disk
    }

    fn path(&self) -> String {
        text(&self.directory.path().join("image")).to_owned()
    }

    fn io(&self, command: &str) {
        run("qemu-io", ["-f", "qcow2", "-c", command, &self.path()]);
    }

    fn snapshot(&self, name: &str) {
        run("qemu-img", ["snapshot", "-c", name, &self.path()]);
    }

    /// What the disk held at a snapshot, as QEMU says.
    fn converted(&self, snapshot: &str) -> Vec<u8> {
        let raw = text(&self.directory.path().join("raw")).to_owned();
        let name = format!("snapshot.name={snapshot}");
        let arguments = ["convert", "-l", &name, "-O", "raw", &self.path(), &raw];
        run("qemu-img", arguments);
        fs::read(raw).unwrap()
    }

    fn content(&self, snapshot: &str) -> Result<Content, Defect> {
        let image = Image::open(self.path().as_ref())?;
        let snapshot = image.lookup_snapshot(snapshot)?.unwrap();
        let extent = image.check_snapshot(&snapshot)?;
        assert_eq!(extent, Extent::default());
        Content::open(image, &snapshot)
    }

    fn retained(&self) -> Vec<(String, u64)> {
        let image = Image::open(self.path().as_ref()).unwrap();
        let retained = image.retained_bytes(|_| true).unwrap().into_iter();
        retained
            .map(|(snapshot, bytes)| (snapshot.name, bytes))
            .collect()
    }
}

#[test]
fn what_a_snapshot_keeps_is_exact_whatever_the_clusters_are_like() {
    let options = [
        "cluster_size=64k",
        "cluster_size=512",
        "cluster_size=2M",
        "refcount_bits=8",
        "refcount_bits=64",
        "refcount_bits=2",
        "compat=0.10",
        "lazy_refcounts=on",
    ];
    for option in options {
        let disk = Disk::new(option);
        disk.io("write -P 1 0 32M");
        disk.snapshot("first");
        assert_eq!(disk.retained(), [("first".into(), 0)], "{option}");
        disk.io("write -P 2 8M 6M");
        assert_eq!(disk.retained(), [("first".into(), 6 * MIB)], "{option}");
        disk.snapshot("second");
        disk.io("write -P 3 4M 6M");
        // 4 to 8 MiB are of both snapshots, and charged to the second; 8 to 10 MiB are of that alone.
        let expected = [("first".into(), 6 * MIB), ("second".into(), 6 * MIB)];
        assert_eq!(disk.retained(), expected, "{option}");
        run("qemu-img", ["snapshot", "-d", "second", &disk.path()]);
        assert_eq!(disk.retained(), [("first".into(), 10 * MIB)], "{option}");
    }
}

#[test]
fn zeroed_clusters_and_larger_disks_count_as_well() {
    let disk = Disk::new("cluster_size=64k");
    disk.io("write -P 1 0 16M");
    disk.snapshot("first");
    // The first stay with the disk as well, marked as zero; the others it lets go.
    disk.io("write -z 0 2M");
    disk.io("write -z -u 2M 4M");
    run(
        "qemu-img",
        ["resize", "-q", "-f", "qcow2", &disk.path(), "4G"],
    );
    disk.io("write -P 1 3G 1M");
    assert_eq!(disk.retained(), [("first".into(), 4 * MIB)]);
    let image = Image::open(disk.path().as_ref()).unwrap();
    assert_eq!(image.header().virtual_bytes, 4 << 30);
    assert_eq!(
        image
            .lookup_snapshot("first")
            .unwrap()
            .unwrap()
            .virtual_bytes,
        64 * MIB
    );
    image.check_active().unwrap();
}

/// Reads a whole snapshot, in pieces of so many bytes, without what is said to be zeros.
fn read(content: &Content, piece: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    while let position = whole.len() as u64
        && position < content.size_bytes()
    {
        let left = usize::try_from(content.size_bytes() - position).unwrap();
        let mut buffer = buffer(piece.min(left));
        content.read(position, &mut buffer).unwrap();
        whole.extend_from_slice(&buffer);
    }
    let (mut position, mut zeros) = (0, 0);
    while position < content.size_bytes() {
        let (data, end) = content.data(position).unwrap();
        assert!(end > position);
        let mut from = position;
        for stretch in data.into_iter().chain(std::iter::once(end..end)) {
            let range = [from, stretch.start].map(|place| usize::try_from(place).unwrap());
            assert!(whole[range[0]..range[1]].iter().all(|byte| *byte == 0));
            zeros += range[1] - range[0];
            from = stretch.end;
        }
        position = end;
    }
    assert!(zeros > 0, "nothing was found to be zeros");
    whole
}

#[test]
fn what_a_snapshot_holds_is_what_qemu_says_whatever_the_clusters_are_like() {
    for option in [
        "cluster_size=64k",
        "cluster_size=512",
        "cluster_size=4k",
        "cluster_size=2M",
        "compat=0.10",
        "preallocation=metadata",
    ] {
        let disk = Disk::new(option);
        disk.io("write -P 1 0 9M");
        // Scattered in the file, and in another order than on the disk.
        for place in [40, 20, 30, 10, 50] {
            disk.io(&format!("write -P {place} {place}M 700k"));
        }
        disk.io("write -z 2M 1M");
        disk.io("write -P 7 2600k 3k");
        // The end of a disk is seldom the end of a file.
        disk.io("write -P 8 65472k 64k");
        disk.snapshot("first");
        disk.io("write -P 9 5M 30M");
        disk.io("discard 0 4M");
        disk.snapshot("second");
        disk.io("write -P 10 1M 60M");
        for snapshot in ["first", "second"] {
            let expected = disk.converted(snapshot);
            let content = disk.content(snapshot).unwrap();
            for piece in [2 << 20, 3 * 65_536 + 512, 17 << 20] {
                let found = read(&content, piece);
                assert!(found == expected, "{option}, {snapshot}, {piece}");
            }
            let beyond = content.read(content.size_bytes() - 1, &mut [0; 2]);
            assert!(matches!(beyond, Err(Defect::Io(_))), "{beyond:?}");
        }
    }
}

#[test]
fn a_disk_that_has_grown_or_ends_within_a_cluster_is_read_to_its_end() {
    let disk = Disk::new("cluster_size=64k");
    let odd = (64 * MIB + 512).to_string();
    run(
        "qemu-img",
        ["resize", "-q", "-f", "qcow2", &disk.path(), &odd],
    );
    disk.io("write -P 3 64M 512");
    disk.snapshot("first");
    run(
        "qemu-img",
        ["resize", "-q", "-f", "qcow2", &disk.path(), "4G"],
    );
    let content = disk.content("first").unwrap();
    assert_eq!(content.size_bytes(), 64 * MIB + 512);
    let found = read(&content, 2 << 20);
    let (zeros, end) = found.split_at(found.len() - 512);
    assert!(zeros.iter().all(|byte| *byte == 0) && end == [3; 512]);
}

#[test]
fn compressed_clusters_are_found_and_a_file_that_is_cut_while_it_is_read_is_an_error() {
    let disk = Disk::new("cluster_size=64k");
    disk.io("write -P 1 0 4M");
    disk.snapshot("plain");
    disk.io("write -c -P 2 8M 64k");
    disk.snapshot("compressed");
    let image = Image::open(disk.path().as_ref()).unwrap();
    let snapshot = image.lookup_snapshot("compressed").unwrap().unwrap();
    let found = image.check_snapshot(&snapshot).unwrap();
    assert!(found.has_compressed);
    let content = Content::open(image, &snapshot).unwrap();
    let refused = content.read(8 * MIB, &mut [0; 512]);
    assert!(matches!(refused, Err(Defect::Damaged(_))), "{refused:?}");

    let content = disk.content("plain").unwrap();
    let file = fs::File::options().write(true).open(disk.path()).unwrap();
    file.set_len(2 * MIB).unwrap();
    let cut = content.read(0, &mut buffer(4 << 20));
    assert!(matches!(cut, Err(Defect::Truncated { .. })), "{cut:?}");
}

/// Pieces of a disk in no order, and what is in them.
fn pieces(size_bytes: u64) -> Vec<(u64, Vec<u8>)> {
    let piece = |number: u64, length: usize| {
        let mut bytes = vec![0; length];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&number.to_le_bytes());
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    };
    let last = size_bytes / CLUSTER * CLUSTER;
    let last = if last == size_bytes {
        last - CLUSTER
    } else {
        last
    };
    let rest = usize::try_from(size_bytes - last).unwrap();
    let mut pieces = vec![(last, piece(0, rest))];
    // More L2 tables than are kept in memory, each of them come back to when others were begun.
    for round in 0..3 {
        let mut number = 1;
        while number * 512 * MIB + round * 4 * MIB < last {
            let offset = number * 512 * MIB + round * 4 * MIB;
            pieces.push((offset, piece(offset, 2 << 16)));
            number += 1;
        }
    }
    pieces
}

#[test]
fn a_new_image_is_one_that_qemu_finds_nothing_wrong_with() {
    for size_bytes in [512, CLUSTER, 64 * MIB, 64 * MIB + 512, 20 << 30, 4 << 40] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        let image = NewImage::create(&path, size_bytes).unwrap();
        assert_eq!(image.size_bytes(), size_bytes);
        let pieces = pieces(size_bytes.min(20 << 30));
        for (number, (offset, content)) in pieces.iter().enumerate() {
            let mut aligned = buffer(content.len());
            aligned.copy_from_slice(content);
            let content = if number % 2 == 0 {
                &aligned[..]
            } else {
                content
            };
            image.write(*offset, content).unwrap();
        }
        let half = Image::open(&path).unwrap_err();
        assert!(matches!(half, Defect::NotQcow2), "{half}");
        image.finish().unwrap();

        let path = text(&path);
        run("qemu-img", ["check", "-q", "-f", "qcow2", path]);
        run("qemu-img", ["snapshot", "-c", "whole", path]);
        let found = Image::open(path.as_ref()).unwrap();
        assert_eq!(found.header().virtual_bytes, size_bytes);
        let snapshot = found.lookup_snapshot("whole").unwrap().unwrap();
        let content = Content::open(found, &snapshot).unwrap();
        let (mut position, mut data_bytes) = (0, 0);
        while position < size_bytes {
            let (data, end) = content.data(position).unwrap();
            data_bytes += data.iter().map(|data| data.end - data.start).sum::<u64>();
            position = end;
        }
        let written: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
        assert_eq!(data_bytes, written as u64);
        for (offset, expected) in &pieces {
            let mut found = buffer(expected.len());
            content.read(*offset, &mut found).unwrap();
            assert!(found == *expected, "{offset} of {size_bytes}");
        }
        // As QEMU reads it, which counts from the disk's beginning.
        let (offset, expected) = &pieces[pieces.len() / 2];
        let raw = text(&directory.path().join("raw")).to_owned();
        let arguments = ["dd", "-f", "qcow2", "-O", "raw", "bs=512"];
        let skip = format!("skip={}", offset / 512);
        let count = format!("count={}", offset / 512 + 1);
        let [from, to] = [format!("if={path}"), format!("of={raw}")];
        run(
            "qemu-img",
            arguments.into_iter().chain([&*skip, &count, &from, &to]),
        );
        assert!(fs::read(raw).unwrap() == expected[..512]);
    }
}

#[test]
fn a_new_image_refuses_what_does_not_fit_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    let image = NewImage::create(&path, 4 * MIB).unwrap();
    for (offset, length) in [(4 * MIB, 1 << 16), (512, 1 << 16), (0, 512), (u64::MAX, 1)] {
        let refused = image.write(offset, &vec![1; length]).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    }
    let again = NewImage::create(&path, 4 * MIB).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn rubbish_is_an_error_and_never_a_panic() {
    let disk = Disk::new("cluster_size=64k");
    disk.io("write -P 1 0 1M");
    disk.snapshot("first");
    let whole = fs::read(disk.path()).unwrap();
    for position in (0..112).chain((0..whole.len() / 4096).map(|page| page * 4096)) {
        for value in [0, 0x7f, 0xff] {
            let mut rubbish = whole.clone();
            rubbish[position] = value;
            fs::write(disk.path(), &rubbish).unwrap();
            let looked_at = Image::open(disk.path().as_ref()).and_then(|image| {
                image.check_active()?;
                image.retained_bytes(|_| true).map(drop)?;
                let snapshots = image.snapshots()?;
                snapshots.iter().try_for_each(|snapshot| {
                    image.check_snapshot(snapshot)?;
                    let content = Content::open(Image::open(disk.path().as_ref())?, snapshot)?;
                    let (data, _) = content.data(0)?;
                    data.iter()
                        .try_for_each(|stretch| content.read(stretch.start, &mut [0; 512]))
                })
            });
            drop(looked_at);
        }
    }
    fs::write(disk.path(), b"QFI\xfb").unwrap();
    let error = Image::open(disk.path().as_ref()).unwrap_err();
    assert!(matches!(error, Defect::Truncated { .. }), "{error}");
}

#[tokio::test]
async fn clusters_that_a_disk_shares_with_nobody_are_overwritten_and_no_others() {
    const SIZE: u64 = 16 * MIB;
    for options in ["cluster_size=64k", "cluster_size=512", "cluster_size=2M"] {
        let disk = Disk::new(options);
        disk.io("write -P 1 0 8M");
        disk.snapshot("kept");
        disk.io("write -P 2 2M 2M");
        disk.io("write -z 4M 2M");
        disk.io("write -P 3 12M 4M");
        disk.io("write -c -P 4 8M 2M");
        let before = disk.converted("kept");

        let own = OwnClusters::open(disk.path().as_ref(), processes().token()).unwrap();
        let length = usize::try_from(SIZE).unwrap();
        let mut content = buffer(length);
        content.fill(9);
        let rest = own.write(0, &content).unwrap();
        let mib = |mib: u64| usize::try_from(mib * MIB).unwrap();
        if options == "cluster_size=512" {
            // Eight of them are one page of memory.
            assert_eq!(joined(&rest), vec![0..length]);
        } else {
            let expected = [mib(0)..mib(2), mib(4)..mib(12)];
            assert_eq!(joined(&rest), expected, "{options}");
        }
        let beyond = own.write(64 * MIB - 512, &[0; 1024]).unwrap_err();
        assert!(matches!(beyond, Defect::Io(error) if error.kind() == ErrorKind::InvalidInput));
        own.sync().unwrap();
        drop(own);

        for part in joined(&rest) {
            disk.io(&format!("write -P 9 {} {}", part.start, part.len()));
        }
        run("qemu-img", ["check", "-q", &disk.path()]);
        assert!(disk.converted("kept") == before, "{options}");
        disk.snapshot("overwritten");
        let after = disk.converted("overwritten");
        assert!(after[..length].iter().all(|byte| *byte == 9), "{options}");
        assert!(after[length..].iter().all(|byte| *byte == 0), "{options}");
    }
}

#[tokio::test]
async fn a_cluster_whose_table_a_snapshot_keeps_is_left_to_qemu() {
    let disk = Disk::new("cluster_size=64k");
    disk.io("write -P 1 0 1M");
    disk.snapshot("kept");
    let own = OwnClusters::open(disk.path().as_ref(), processes().token()).unwrap();
    let content = vec![9; 1 << 20];
    let rest = own.write(0, &content).unwrap();
    assert_eq!(joined(&rest), vec![0..content.len()]);
    assert!(
        disk.converted("kept")[..1 << 20]
            .iter()
            .all(|byte| *byte == 1)
    );
}

#[tokio::test]
async fn what_passes_for_a_cluster_and_is_a_table_is_left_to_qemu() {
    let disk = Disk::new("cluster_size=64k");
    disk.io("write -P 1 0 1M");
    disk.snapshot("kept");
    disk.io("write -P 2 0 1M");
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(disk.path())
        .unwrap();
    let field = |place: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, place).unwrap();
        u64::from_be_bytes(bytes)
    };
    let (l1, refcounts, snapshots) = (field(40), field(48), field(64));
    let (l2, counts, kept_l1) = (field(l1) & !(1 << 63), field(refcounts), field(snapshots));
    let tables = [0, l1, l2, refcounts, counts, snapshots, kept_l1];
    for (place, entry) in tables.into_iter().zip((l2..).step_by(8)) {
        let copied = (1 << 63) | place;
        file.write_all_at(&copied.to_be_bytes(), entry).unwrap();
    }
    let own = OwnClusters::open(disk.path().as_ref(), processes().token()).unwrap();
    let content = vec![9; 1 << 20];
    let rest = own.write(0, &content).unwrap();
    let damaged = tables.len() << 16;
    assert_eq!(joined(&rest), vec![0..damaged]);
}

#[tokio::test]
async fn an_operation_does_not_end_before_its_last_write_does() {
    let disk = Disk::new("cluster_size=64k");
    let processes = processes();
    let own = OwnClusters::open(disk.path().as_ref(), processes.token()).unwrap();
    let mut settled = Box::pin(processes.settled());
    assert!(futures_util::poll!(&mut settled).is_pending());
    drop(own);
    settled.await;
}

fn processes() -> Processes {
    let tools = tidemark_agent::driver::Tools::default();
    Processes::new(Launcher::new(tools.setpriv).unwrap(), Arc::default())
}

/// Ranges, each of which follows the one before it, with neighbours made one.
fn joined(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range.clone()),
        }
    }
    joined
}
