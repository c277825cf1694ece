//! A hypervisor in a directory: a pool, a backup storage, and the means to run operations on them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use storage::{Destination, Store, format::manifest::StorageType};
use tempfile::TempDir;
use tidemark_agent::{
    driver::{Failure, SnapshotName, Surroundings, Tools},
    lock::Locks,
    operation::{
        BackupItem, BackupStorage, Belongs, Completed, Host, Named, Operation, Outcome, Owner,
        Pool, RealStores, Report, SnapshotItem, Stores, Volume, Work,
    },
    process::{Launcher, Processes},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const MIB: u64 = 1 << 20;

pub struct Site {
    directory: TempDir,
    pub host: Host,
}

impl Site {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["pool", "backups", "run", "scratch"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let tools = Tools::default();
        let host = Host {
            launcher: Launcher::new(tools.setpriv.clone()).unwrap(),
            tools,
            run_directory: directory.path().join("run"),
            stores: Arc::new(RealStores::default()),
            locks: Locks::default(),
        };
        Self { directory, host }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a driver needs that works for nobody.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            tools: self.host.tools.clone(),
            processes: Processes::new(self.host.launcher.clone(), Arc::default()),
            run_directory: self.host.run_directory.clone(),
            journal: Arc::default(),
        }
    }

    /// Makes every destination behave like `store`.
    pub fn use_store(&mut self, store: Arc<dyn Store>) {
        struct Only(Arc<dyn Store>);
        impl Stores for Only {
            fn open(&self, _: &BackupStorage) -> storage::Result<Arc<dyn Store>> {
                Ok(Arc::clone(&self.0))
            }
        }
        self.host.stores = Arc::new(Only(store));
    }

    pub fn volume(&self, size_bytes: u64) -> Volume {
        Volume {
            id: Uuid::now_v7(),
            name: "disk".into(),
            size_bytes,
            belongs: Belongs {
                plan: named("plan"),
                pool: named("pool"),
                group: named("group"),
            },
            pool: Pool::Qcow2File {
                directory: self.path("pool"),
            },
            mark: None,
            instance: None,
        }
    }

    pub fn image(&self, volume: &Volume) -> PathBuf {
        self.path("pool").join(format!("{}.qcow2", volume.id))
    }

    /// A new volume with a file system full of files.
    pub async fn filled_volume(&self, size_bytes: u64) -> Volume {
        let volume = self.volume(size_bytes);
        self.complete(Work::CreateVolume {
            volume: volume.clone(),
        })
        .await;
        let raw = self.path("scratch/raw");
        file_system(&self.path("scratch/files"), &raw, size_bytes);
        run(
            "qemu-img",
            [
                "convert",
                "-n",
                "-f",
                "raw",
                "-O",
                "qcow2",
                text(&raw),
                text(&self.image(&volume)),
            ],
        );
        fs::remove_file(raw).unwrap();
        volume
    }

    pub fn backup_of(&self, volume: &Volume) -> BackupItem {
        BackupItem {
            id: Uuid::now_v7(),
            name: "backup".into(),
            volume_id: volume.id,
            storage_type: StorageType::Qcow2File,
            volume_size_bytes: volume.size_bytes,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            owner: Owner {
                installation_id: Uuid::now_v7(),
                account: named("account"),
            },
            storage: local_storage(self.path("backups")),
        }
    }

    pub fn backup_directory(&self, backup: &BackupItem) -> PathBuf {
        self.path("backups")
            .join(format!("volumes/{}/{}", backup.volume_id, backup.id))
    }

    pub fn operation(&self, work: Work) -> Operation {
        Operation::new(Uuid::now_v7(), work, self.host.clone(), Report::default())
    }

    pub async fn perform(&self, work: Work) -> Outcome {
        let operation = self.operation(work);
        within(operation.perform(&CancellationToken::new())).await
    }

    pub async fn complete(&self, work: Work) -> Completed {
        match self.perform(work).await {
            Outcome::Completed(completed) => completed,
            other => panic!("{other:?}"),
        }
    }

    pub async fn fail(&self, work: Work) -> (Failure, bool) {
        match self.perform(work).await {
            Outcome::Failed {
                failure,
                volume_touched,
                ..
            } => (failure, volume_touched),
            other => panic!("{other:?}"),
        }
    }

    pub async fn take_snapshot(&self, volume: &Volume) -> SnapshotItem {
        let snapshot = SnapshotItem {
            id: Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        };
        let work = Work::CreateSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        };
        self.complete(work).await;
        snapshot
    }

    pub async fn take_backup(&self, volume: &Volume) -> BackupItem {
        let backup = self.backup_of(volume);
        let work = Work::CreateBackup {
            volume: volume.clone(),
            backup: backup.clone(),
        };
        self.complete(work).await;
        backup
    }

    /// The digest of the whole disk as `qemu-img` reads it.
    pub fn digest(&self, volume: &Volume) -> blake3::Hash {
        let raw = self.path("scratch/digest");
        run(
            "qemu-img",
            [
                "convert",
                "-f",
                "qcow2",
                "-O",
                "raw",
                text(&self.image(volume)),
                text(&raw),
            ],
        );
        let digest = digest_of(&raw);
        fs::remove_file(raw).unwrap();
        digest
    }

    /// The digest of the disk's first bytes, once it is certain that the rest is zero.
    pub fn digest_of_beginning(&self, volume: &Volume, length: u64) -> blake3::Hash {
        let raw = self.path("scratch/digest");
        run(
            "qemu-img",
            [
                "convert",
                "-f",
                "qcow2",
                "-O",
                "raw",
                text(&self.image(volume)),
                text(&raw),
            ],
        );
        let content = fs::read(&raw).unwrap();
        fs::remove_file(raw).unwrap();
        assert_eq!(content.len() as u64, volume.size_bytes);
        let (beginning, rest) = content.split_at(usize::try_from(length).unwrap());
        assert!(rest.iter().all(|byte| *byte == 0), "the rest is not zero");
        blake3::hash(beginning)
    }

    /// Overwrites a part of the disk.
    pub fn scribble(&self, volume: &Volume, pattern: u8, offset: u64, length: u64) {
        let command = format!("write -P {pattern} {offset} {length}");
        run(
            "qemu-io",
            ["-f", "qcow2", "-c", &command, text(&self.image(volume))],
        );
    }

    pub fn snapshot_names(&self, volume: &Volume) -> Vec<String> {
        let image = tidemark_agent::qcow2::Image::open(&self.image(volume)).unwrap();
        image
            .snapshots()
            .unwrap()
            .into_iter()
            .map(|snapshot| snapshot.name)
            .collect()
    }

    /// Everything is as an operation has to leave it, whatever came of it.
    pub fn assert_clean(&self) {
        let mut left = Vec::new();
        for directory in ["pool", "run", "backups"] {
            find_hidden(&self.path(directory), &mut left);
        }
        assert!(left.is_empty(), "left behind: {left:?}");
        for entry in fs::read_dir(self.path("pool")).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(image) = tidemark_agent::qcow2::Image::open(&path) {
                for snapshot in image.snapshots().unwrap() {
                    let name = SnapshotName::parse(&snapshot.name);
                    assert!(
                        !matches!(name, Some(SnapshotName::Temporary(_))),
                        "{name:?} is left"
                    );
                }
            }
        }
        let servers = processes_that_mention(text(self.directory.path()));
        assert!(servers.is_empty(), "still running: {servers:?}");
    }

    pub fn check_image(&self, volume: &Volume) {
        run(
            "qemu-img",
            ["check", "-f", "qcow2", text(&self.image(volume))],
        );
    }

    /// Whether QEMU finds neither errors nor leaks.
    pub fn is_whole(&self, volume: &Volume) -> bool {
        let image = self.image(volume);
        let check = ["check", "-q", "-f", "qcow2", text(&image)];
        let status = Command::new("qemu-img").args(check).status();
        status.unwrap().success()
    }

    /// The note that a volume's image is being changed.
    pub fn note_of_change(&self, volume: &Volume) -> PathBuf {
        self.path("pool").join(format!(".{}.changing", volume.id))
    }

    /// As if somebody had died while changing the image.
    pub fn leave_a_change_unfinished(&self, volume: &Volume) {
        fs::write(self.note_of_change(volume), "").unwrap();
    }
}

/// Whether no file is in a directory or below: empty directories count for nothing.
pub fn has_no_files(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().all(|entry| {
        let path = entry.unwrap().path();
        path.is_dir() && has_no_files(&path)
    })
}

fn find_hidden(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.')
            || path
                .extension()
                .is_some_and(|extension| extension == "sock")
        {
            found.push(path);
        } else if path.is_dir() {
            find_hidden(&path, found);
        }
    }
}

pub fn processes_that_mention(words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.starts_with("/usr/bin/qemu") && line.contains(words) {
            found.push(line);
        }
    }
    found
}

/// Waits for a future that has to end soon.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(2), Box::pin(future))
        .await
        .unwrap()
}

/// An ext4 file system in `image`, with files of several kinds.
fn file_system(files: &Path, image: &Path, size_bytes: u64) {
    let _ = fs::remove_dir_all(files);
    fs::create_dir_all(files.join("nested/deeper")).unwrap();
    let mut noise = vec![0; usize::try_from(size_bytes / 8).unwrap()];
    blake3::Hasher::new()
        .update(b"noise")
        .finalize_xof()
        .fill(&mut noise);
    fs::write(files.join("noise"), noise).unwrap();
    fs::write(
        files.join("nested/text"),
        "all work and no play\n".repeat(100_000),
    )
    .unwrap();
    for number in 0..50 {
        fs::write(
            files.join(format!("nested/deeper/{number}")),
            number.to_string(),
        )
        .unwrap();
    }
    let size = (size_bytes / 1024).to_string();
    run(
        "mkfs.ext4",
        ["-q", "-F", "-d", text(files), text(image), &size],
    );
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn digest_of(path: &Path) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(path).unwrap()).unwrap();
    hasher.finalize()
}

/// Runs a tool that the tests cannot do without.
pub fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A backup storage in a directory of this host.
pub fn local_storage(path: PathBuf) -> BackupStorage {
    BackupStorage {
        id: Uuid::now_v7(),
        destination: Destination::Local { path },
        mark: None,
        bytes_per_second: None,
    }
}

/// Something with a name, for manifests.
fn named(name: &str) -> Named {
    Named {
        id: Uuid::now_v7(),
        name: name.into(),
    }
}
