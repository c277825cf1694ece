//! What volumes hold: made, compared and checked by other programs than ours.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::process::{run, run_well};

pub const MIB: u64 = 1 << 20;

/// Compresses a cluster that was never written.
pub async fn compress_cluster(image: &Path, offset: u64) {
    let command = format!("write -c -P 0 {offset} 64k");
    let arguments: [&OsStr; _] = [
        "-f".as_ref(),
        "qcow2".as_ref(),
        "-c".as_ref(),
        command.as_ref(),
        image.as_ref(),
    ];
    run_well("qemu-io", &arguments).await;
}

/// The whole content of a disk, in a raw file.
#[derive(Debug)]
pub struct Content(PathBuf);

impl Content {
    /// An ext4 file system of `size_bytes` with files in it.
    pub async fn file_system(path: PathBuf, size_bytes: u64, about: &str) -> Self {
        let tree = path.with_extension("tree");
        fs::create_dir_all(tree.join("records")).unwrap();
        fs::write(tree.join("README.txt"), about).unwrap();
        for number in 0..16 {
            let file = File::create(tree.join(format!("records/{number}.bin"))).unwrap();
            write_noise(&file, &format!("{about} {number}"), 0, MIB);
        }
        File::create(&path).unwrap().set_len(size_bytes).unwrap();
        let arguments: [&OsStr; _] = [
            "-q".as_ref(),
            "-t".as_ref(),
            "ext4".as_ref(),
            "-F".as_ref(),
            "-d".as_ref(),
            tree.as_ref(),
            path.as_ref(),
        ];
        run_well("/usr/sbin/mke2fs", &arguments).await;
        fs::remove_dir_all(tree).unwrap();
        Self(path)
    }

    /// A disk of `size_bytes` whose first `noise_bytes` cannot be compressed; the rest is zeros.
    pub fn noise(path: PathBuf, size_bytes: u64, noise_bytes: u64, seed: &str) -> Self {
        let file = File::create(&path).unwrap();
        file.set_len(size_bytes).unwrap();
        write_noise(&file, seed, 0, noise_bytes);
        Self(path)
    }

    /// A disk of zeros.
    pub fn zeros(path: PathBuf, size_bytes: u64) -> Self {
        Self::noise(path, size_bytes, 0, "")
    }

    /// What an image holds now, though somebody has it open.
    pub async fn copy_of(image: &Path, path: PathBuf) -> Self {
        let arguments: [&OsStr; _] = [
            "convert".as_ref(),
            "--force-share".as_ref(),
            "-f".as_ref(),
            "qcow2".as_ref(),
            "-O".as_ref(),
            "raw".as_ref(),
            image.as_ref(),
            path.as_ref(),
        ];
        run_well("qemu-img", &arguments).await;
        Self(path)
    }

    /// The same content on a larger disk, whose rest is zeros.
    pub fn extended(&self, path: PathBuf, size_bytes: u64) -> Self {
        fs::copy(&self.0, &path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(size_bytes).unwrap();
        Self(path)
    }

    /// Overwrites all of an image of the same size.
    pub async fn write_to(&self, image: &Path) {
        let arguments: [&OsStr; _] = [
            "convert".as_ref(),
            "-n".as_ref(),
            "-f".as_ref(),
            "raw".as_ref(),
            "-O".as_ref(),
            "qcow2".as_ref(),
            self.0.as_ref(),
            image.as_ref(),
        ];
        run_well("qemu-img", &arguments).await;
    }

    /// Overwrites all of an image in Ceph of the same size.
    pub async fn write_to_rbd(&self, image: &str) {
        let arguments: [&OsStr; _] = [
            "convert".as_ref(),
            "-n".as_ref(),
            "-f".as_ref(),
            "raw".as_ref(),
            "-O".as_ref(),
            "raw".as_ref(),
            self.0.as_ref(),
            image.as_ref(),
        ];
        run_well("qemu-img", &arguments).await;
    }

    /// Whether an image holds this content, as `qemu-img` sees it.
    pub async fn is_in(&self, image: &Path, format: &str) -> bool {
        let arguments: [&OsStr; _] = [
            "compare".as_ref(),
            "-f".as_ref(),
            "raw".as_ref(),
            "-F".as_ref(),
            format.as_ref(),
            self.0.as_ref(),
            image.as_ref(),
        ];
        let compared = run("qemu-img", &arguments).await;
        let said = String::from_utf8_lossy(&compared.stdout);
        match compared.status.code() {
            // Different sizes count as the same if the rest is zeros; here they do not.
            Some(0) => !said.contains("Warning"),
            Some(1) => false,
            _ => panic!(
                "{} cannot be read: {}",
                image.display(),
                String::from_utf8_lossy(&compared.stderr)
            ),
        }
    }

    pub async fn assert_in(&self, image: &Path) {
        assert!(
            self.is_in(image, "qcow2").await,
            "{} does not hold {}",
            image.display(),
            self.0.display()
        );
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn write_noise(mut file: &File, seed: &str, offset: u64, length: u64) {
    let mut noise = blake3::Hasher::new().update(seed.as_bytes()).finalize_xof();
    let mut block = vec![0; 1 << 20];
    let mut left = usize::try_from(length).unwrap();
    assert_eq!(offset, 0);
    while left > 0 {
        let part = left.min(block.len());
        noise.fill(&mut block[..part]);
        file.write_all(&block[..part]).unwrap();
        left -= part;
    }
}

/// What `qemu-img info` says of an image.
pub async fn info(image: &Path) -> Value {
    let arguments: [&OsStr; _] = [
        "info".as_ref(),
        "--force-share".as_ref(),
        "--output=json".as_ref(),
        image.as_ref(),
    ];
    serde_json::from_slice(&run_well("qemu-img", &arguments).await).unwrap()
}

/// The names of the snapshots in an image.
pub async fn snapshots(image: &Path) -> Vec<String> {
    let info = info(image).await;
    let snapshots = info["snapshots"].as_array().cloned().unwrap_or_default();
    let names = snapshots.iter().map(|s| s["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// Fails unless an image is sound, to its last cluster.
pub async fn assert_sound(image: &Path) {
    let arguments: [&OsStr; _] = [
        "check".as_ref(),
        "-f".as_ref(),
        "qcow2".as_ref(),
        image.as_ref(),
    ];
    run_well("qemu-img", &arguments).await;
}

/// Changes one byte in the middle of a file.
pub fn flip_a_bit(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}

/// Unpacks a backup with nothing but `zstd`.
pub async fn unzstd(object: &Path, to: &Path) {
    let arguments: [&OsStr; _] = [
        "-q".as_ref(),
        "-d".as_ref(),
        "--sparse".as_ref(),
        object.as_ref(),
        "-o".as_ref(),
        to.as_ref(),
    ];
    run_well("zstd", &arguments).await;
}

/// Makes an image of a raw disk with nothing but `qemu-img`.
pub async fn convert(raw: &Path, image: &Path) {
    let arguments: [&OsStr; _] = [
        "convert".as_ref(),
        "-f".as_ref(),
        "raw".as_ref(),
        "-O".as_ref(),
        "qcow2".as_ref(),
        raw.as_ref(),
        image.as_ref(),
    ];
    run_well("qemu-img", &arguments).await;
}

/// Fails unless `fsck` finds nothing to complain about.
pub async fn check_file_system(raw: &Path) {
    let arguments: [&OsStr; _] = ["-f".as_ref(), "-n".as_ref(), raw.as_ref()];
    run_well("/usr/sbin/e2fsck", &arguments).await;
}
