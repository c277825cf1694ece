//! The reader of qcow2 against what `qemu-img` says and does.

use std::fs;

use tidemark_agent::qcow2::{Defect, Image};

use crate::site::{MIB, run, text};

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

    fn retained(&self) -> Vec<(String, u64)> {
        let image = Image::open(self.path().as_ref()).unwrap();
        let snapshots = image.snapshots().unwrap().into_iter();
        let retained = |snapshot| image.retained_bytes(&snapshot).unwrap();
        snapshots
            .map(|snapshot| (snapshot.name.clone(), retained(snapshot)))
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
        // 4 to 8 MiB are of both snapshots, 8 to 10 MiB of the second alone.
        let expected = [("first".into(), 6 * MIB), ("second".into(), 2 * MIB)];
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
                let snapshots = image.snapshots()?;
                snapshots.iter().try_for_each(|snapshot| {
                    image.check_snapshot(snapshot)?;
                    image.retained_bytes(snapshot).map(drop)
                })
            });
            drop(looked_at);
        }
    }
    fs::write(disk.path(), b"QFI\xfb").unwrap();
    let error = Image::open(disk.path().as_ref()).unwrap_err();
    assert!(matches!(error, Defect::Truncated { .. }), "{error}");
}
