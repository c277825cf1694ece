//! Ceph: the driver by the suite that all pass, whole operations, and a cluster that fails.

mod delete;
mod export;
mod fault;
mod held;
mod measure;
mod operation;
mod place;
mod refusal;
mod rename;
mod replace;
mod room;
mod speed;

use std::{fs, process::Stdio};

use storage::{Secret, format::manifest::StorageType};
use testbed::Ceph;
use tidemark_agent::{
    driver::{Driver, SnapshotName, ceph_rbd::CephRbd},
    operation::{BackupItem, CephPool, Pool, RestoreSource, SnapshotItem, Volume, Work},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout},
};
use uuid::Uuid;

use crate::{
    conformance::{self, Disk, Storage},
    site::{MIB, Site, run, text, within},
};

const POOL: &str = "volumes";
const USER: &str = "tidemark";
/// What images are cut into.
const OBJECT: u64 = 4 * MIB;

/// A hypervisor with a pool of a real cluster, which it may use as a user of that pool only.
struct Cluster {
    ceph: Ceph,
    pool: CephPool,
    site: Site,
}

impl Cluster {
    async fn start() -> Option<Self> {
        Some(Self::start_on(Ceph::start().await?))
    }

    fn start_on(ceph: Ceph) -> Self {
        // What the driver leaves to the operator: tests have less patience.
        let conf = fs::read_to_string(ceph.conf()).unwrap();
        let patience = format!("{conf}\n[client]\nrados_osd_op_timeout = 4\n");
        fs::write(ceph.conf(), patience).unwrap();
        ceph.ceph(&["osd", "pool", "create", POOL, "4", "4"]);
        ceph.rbd(&["pool", "init", POOL]);
        let keyring = Some(Secret::new(ceph.user(USER, POOL)));
        let pool = CephPool {
            pool: POOL.into(),
            user: USER.into(),
            config_path: Some(ceph.conf().into()),
            keyring,
        };
        let site = Site::new();
        Self { ceph, pool, site }
    }

    fn volume(&self, size_bytes: u64) -> Volume {
        Volume {
            pool: Pool::CephRbd(self.pool.clone()),
            ..self.site.volume(size_bytes)
        }
    }

    /// A new volume, every fourth MiB of it noise.
    async fn filled_volume(&self, size_bytes: u64) -> Volume {
        let volume = self.volume(size_bytes);
        let work = Work::CreateVolume {
            volume: volume.clone(),
        };
        self.site.complete(work).await;
        let noise = self.site.path("scratch/noise");
        let mut bytes = vec![0; usize::try_from(MIB).unwrap()];
        blake3::Hasher::new()
            .update(b"noise")
            .finalize_xof()
            .fill(&mut bytes);
        fs::write(&noise, bytes).unwrap();
        let mut commands = Vec::new();
        for offset in (0..size_bytes / MIB).step_by(4) {
            let offset = offset * MIB;
            commands.push(format!("write -s {} {offset} {MIB}", text(&noise)));
        }
        let commands: Vec<_> = commands.iter().map(String::as_str).collect();
        self.poke_all(&volume.id.to_string(), &commands);
        volume
    }

    fn scribble(&self, volume: &Volume, pattern: u8, offset: u64, length: u64) {
        let command = format!("write -P {pattern} {offset} {length}");
        self.poke(&volume.id.to_string(), &command);
    }

    fn digest(&self, volume: &Volume) -> blake3::Hash {
        blake3::hash(&self.content(&volume.id.to_string(), None))
    }

    /// The digest of the disk's first bytes, once it is certain that the rest is zero.
    fn digest_of_beginning(&self, volume: &Volume, length: u64) -> blake3::Hash {
        let content = self.content(&volume.id.to_string(), None);
        assert_eq!(content.len() as u64, volume.size_bytes);
        let (beginning, rest) = content.split_at(usize::try_from(length).unwrap());
        assert!(rest.iter().all(|byte| *byte == 0), "the rest is not zero");
        blake3::hash(beginning)
    }

    fn backup_of(&self, volume: &Volume) -> BackupItem {
        BackupItem {
            storage_type: StorageType::CephRbd,
            ..self.site.backup_of(volume)
        }
    }

    async fn take_backup(&self, volume: &Volume) -> BackupItem {
        let backup = self.backup_of(volume);
        self.site.complete(backup_work(volume, &backup)).await;
        backup
    }

    /// Runs `rbd` as the administrator with an image, and gives what it prints.
    fn rbd(&self, verb: &[&str], image: &str, options: &[&str]) -> String {
        let image = ["--pool", POOL, "--image", image];
        self.ceph.rbd(&[verb, &image, options].concat())
    }

    /// Opens a volume as an instance does, and writes to it.
    async fn hold(&self, volume: &Volume) -> Holder {
        let options = self.options(&volume.id.to_string());
        let mut holder = tokio::process::Command::new("qemu-io");
        holder
            .args(["--image-opts", &options])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = holder.kill_on_drop(true).spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut holder = Holder { process, answers };
        holder.write(9).await;
        holder
    }

    /// Lets QEMU do something to an image.
    fn poke(&self, image: &str, command: &str) {
        self.poke_all(image, &[command]);
    }

    fn poke_all(&self, image: &str, commands: &[&str]) {
        let options = self.options(image);
        let commands = commands.iter().flat_map(|command| ["-c", command]);
        run("qemu-io", commands.chain(["--image-opts", &options]));
    }

    /// An image, as QEMU is told of it.
    fn options(&self, image: &str) -> String {
        let conf = text(self.ceph.conf());
        format!(
            "driver=raw,discard=unmap,file.driver=rbd,file.discard=unmap,file.pool={POOL},\
             file.image={image},file.conf={conf}"
        )
    }

    fn content(&self, image: &str, snapshot: Option<SnapshotName>) -> Vec<u8> {
        let raw = self.site.path("scratch/raw");
        let _ = fs::remove_file(&raw);
        let snapshot = snapshot.map(|name| name.to_string());
        let mut options = vec!["--no-progress", "--path", text(&raw)];
        options.extend(snapshot.iter().flat_map(|name| ["--snap", name]));
        self.rbd(&["export"], image, &options);
        fs::read(raw).unwrap()
    }

    /// The names of all images.
    fn images(&self) -> Vec<String> {
        let listed = self.ceph.rbd(&["ls", "--pool", POOL]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The names by which images can be opened, whether the pool's directory knows them or not.
    fn names(&self) -> Vec<String> {
        let objects = self.ceph.rados(&["--pool", POOL, "ls"]);
        let names = objects
            .lines()
            .filter_map(|name| name.strip_prefix("rbd_id."));
        names.map(str::to_owned).collect()
    }

    fn snapshots(&self, image: &str) -> Vec<String> {
        let listed = self.rbd(&["snap", "ls"], image, &["--format", "json"]);
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
        let names = listed.iter().map(|snapshot| snapshot["name"].as_str());
        names.map(|name| name.unwrap().to_owned()).collect()
    }

    fn assert_clean(&self) {
        self.site.assert_clean();
        let run = fs::read_dir(self.site.path("run")).unwrap();
        assert_eq!(run.count(), 0, "a configuration or a keyring is left");
        let (mut names, mut images) = (self.names(), self.images());
        names.sort();
        images.sort();
        assert_eq!(names, images, "an image has two names, or a name no image");
        for image in images {
            assert!(!image.starts_with("tidemark-tmp-"), "{image} is left");
            for snapshot in self.snapshots(&image) {
                let name = SnapshotName::parse(&snapshot);
                assert!(matches!(name, Some(SnapshotName::Kept(_))), "{snapshot}");
            }
        }
    }
}

/// A client that has a volume open.
struct Holder {
    process: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    /// Writes to the first MiB, which has to succeed.
    async fn write(&mut self, pattern: u8) {
        let command = format!("write -P {pattern} 0 1M\n");
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(command.as_bytes()).await.unwrap();
        let answer = async {
            loop {
                let line = self.answers.next_line().await.unwrap().unwrap();
                if !line.ends_with("ops/sec)") {
                    break line;
                }
            }
        };
        let answer = within(answer).await;
        assert!(answer.contains("wrote 1048576/1048576"), "{answer}");
    }

    /// Lets go of the volume.
    async fn close(mut self) {
        drop(self.process.stdin.take());
        within(self.process.wait()).await.unwrap();
    }
}

fn backup_work(volume: &Volume, backup: &BackupItem) -> Work {
    Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    }
}

fn snapshot_work(volume: &Volume) -> (SnapshotItem, Work) {
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    };
    (snapshot, work)
}

fn in_place(volume: &Volume, source: RestoreSource) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    }
}

fn from_backup(backup: &BackupItem) -> RestoreSource {
    RestoreSource::Backup(Box::new(backup.clone()))
}

fn restore_snapshot(volume: &Volume, snapshot: &SnapshotItem, target: &Volume) -> Work {
    Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
        target: target.clone(),
    }
}

impl Storage for Cluster {
    fn driver(&self, disk: Disk) -> Box<dyn Driver> {
        let surroundings = self.site.surroundings();
        let driver = CephRbd::new(&self.pool, disk.id, disk.size_bytes, surroundings);
        Box::new(driver.unwrap())
    }

    fn write(&self, disk: Disk, pattern: u8, offset: u64, length: u64) {
        let command = format!("write -P {pattern} {offset} {length}");
        self.poke(&disk.id.to_string(), &command);
    }

    fn discard(&self, disk: Disk, offset: u64, length: u64) {
        self.poke(&disk.id.to_string(), &format!("discard {offset} {length}"));
    }

    /// An object has a length, and no holes before its end.
    fn kept_from(&self, offset: u64) -> u64 {
        offset / OBJECT * OBJECT
    }

    fn read(&self, disk: Disk, snapshot: Option<SnapshotName>) -> Vec<u8> {
        self.content(&disk.id.to_string(), snapshot)
    }

    fn grow(&self, disk: Disk, size_bytes: u64) {
        let size = format!("{size_bytes}B");
        let options = ["--no-progress", "--size", &size];
        self.rbd(&["resize"], &disk.id.to_string(), &options);
    }

    fn delete_snapshot(&self, disk: Disk, name: SnapshotName) {
        let name = name.to_string();
        let options = ["--no-progress", "--snap", &name];
        self.rbd(&["snap", "rm"], &disk.id.to_string(), &options);
    }

    fn remove(&self, disk: Disk) {
        self.rbd(&["rm"], &disk.id.to_string(), &["--no-progress"]);
    }

    fn remains(&self, disk: Disk) -> Vec<String> {
        let id = disk.id.to_string();
        let mut names = Vec::new();
        for image in self.images() {
            if image == id {
                names.push("volume".into());
                names.extend(self.snapshots(&image));
            } else if image.contains(&id) {
                names.push(image);
            }
        }
        names
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ceph_images_keep_the_promises_about_snapshots() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::snapshots(&cluster).await;
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn ceph_images_keep_the_promises_about_volumes() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::volumes(&cluster).await;
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn ceph_images_keep_the_promises_about_errors() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::errors(&cluster).await;
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn ceph_images_keep_the_promises_about_writers() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::writers(&cluster).await;
    cluster.assert_clean();
}
