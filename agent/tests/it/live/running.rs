//! A hypervisor on which an instance runs, and a guest in it that never stops writing.

use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};
use testbed::Machine;
use tidemark_agent::operation::{Instance, RestoreSource, SnapshotItem, Volume, Work};
use uuid::Uuid;

use crate::site::{MIB, Site, run, text, within};

pub struct Running {
    pub site: Site,
    pub volume: Volume,
    pub machine: Machine,
}

impl Running {
    /// An instance with a volume that has a file system in it; none where QEMU is missing.
    pub async fn start(size_bytes: u64) -> Option<Self> {
        let site = Site::new();
        let mut volume = site.filled_volume(size_bytes).await;
        let machine = Machine::start(&site.image(&volume)).await?;
        attach(&mut volume, machine.qmp_socket().to_owned());
        Some(Self {
            site,
            volume,
            machine,
        })
    }

    /// The instance runs as if nothing had happened to it: it has not been stopped, and its disk
    /// takes writes and gives them back.
    pub fn assert_unharmed(&mut self) {
        let status = self.machine.execute("query-status", &json!({}));
        assert_eq!(status["status"], "prelaunch", "{status}");
        let end = self.volume.size_bytes - MIB;
        for pattern in [0x3c, 0xc3] {
            self.machine.write(end, MIB, pattern);
            self.machine.assert_holds(end, MIB, pattern);
        }
        let jobs = self.machine.execute("query-jobs", &json!({}));
        assert_eq!(jobs, json!([]), "a job is left in QEMU");
    }

    /// Shuts the instance down and checks that it leaves a sound image and nothing of ours.
    pub async fn end(mut self) -> (Site, Volume) {
        self.assert_unharmed();
        within(self.machine.quit()).await;
        self.site.check_image(&self.volume);
        self.site.assert_clean();
        (self.site, self.volume)
    }

    pub fn backup(&self) -> Work {
        Work::CreateBackup {
            volume: self.volume.clone(),
            backup: self.site.backup_of(&self.volume),
        }
    }

    pub fn snapshot(&self) -> (SnapshotItem, Work) {
        snapshot_of(&self.volume)
    }

    /// The digest of a snapshot's content, as a new volume shows it.
    pub async fn digest_of_snapshot(&self, snapshot: &SnapshotItem) -> blake3::Hash {
        let target = self.site.volume(self.volume.size_bytes);
        let work = Work::RestoreSnapshot {
            volume: self.volume.clone(),
            snapshot: snapshot.clone(),
            target: target.clone(),
        };
        self.site.complete(work).await;
        let digest = self.site.digest(&target);
        self.site
            .complete(Work::DeleteVolume { volume: target })
            .await;
        digest
    }
}

pub fn attach(volume: &mut Volume, qmp_socket: PathBuf) {
    volume.instance = Some(Instance {
        running: true,
        qmp_socket: Some(qmp_socket),
    });
}

pub fn snapshot_of(volume: &Volume) -> (SnapshotItem, Work) {
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

pub fn in_place(volume: &Volume, source: RestoreSource) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    }
}

/// What it writes at once.
pub const BLOCK: u64 = 64 << 10;
const BLOCKS: u64 = 128;
/// Where the guest writes, in an otherwise empty volume.
pub const WRITTEN: u64 = BLOCK * BLOCKS;

/// A guest that writes one block after the other, round and round, each time with another pattern,
/// so that a copy of its disk tells by itself of which instant it is, and whether of one at all.
pub struct Guest {
    written: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<Machine>,
}

impl Guest {
    /// An empty volume, and a guest that has begun to write to it.
    pub async fn start(site: &Site) -> Option<(Self, Volume)> {
        Self::start_with(site, false, false).await
    }

    /// The same, with the image opened past the host's cache, or with lazy reference counts.
    pub async fn start_with(site: &Site, direct: bool, lazy: bool) -> Option<(Self, Volume)> {
        let mut volume = site.volume(2 * WRITTEN);
        let work = Work::CreateVolume {
            volume: volume.clone(),
        };
        site.complete(work).await;
        let mut machine = Machine::start(&site.image(&volume)).await?;
        attach(&mut volume, machine.qmp_socket().to_owned());
        let cache = json!({ "direct": direct });
        let file = json!({
            "driver": "file", "node-name": "volume-file", "filename": site.image(&volume),
            "discard": "unmap", "cache": cache,
        });
        let format = json!({
            "driver": "qcow2", "node-name": "volume", "file": "volume-file", "discard": "unmap",
            "cache": cache, "lazy-refcounts": lazy,
        });
        machine.execute("blockdev-reopen", &json!({ "options": [file, format] }));
        let (written, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (count, told) = (Arc::clone(&written), Arc::clone(&stop));
        let writer = thread::spawn(move || {
            while !told.load(Ordering::SeqCst) {
                let number = count.load(Ordering::SeqCst);
                machine.write(number % BLOCKS * BLOCK, BLOCK, pattern(number));
                count.store(number + 1, Ordering::SeqCst);
            }
            machine
        });
        let guest = Self {
            written,
            stop,
            writer,
        };
        guest.go_on(2 * BLOCKS).await;
        Some((guest, volume))
    }

    /// How many blocks it has written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Waits until it has written some more.
    pub async fn go_on(&self, blocks: u64) {
        let enough = self.written() + blocks;
        let wrote = async {
            while self.written() < enough {
                assert!(!self.writer.is_finished(), "the guest has died");
                tokio::task::yield_now().await;
            }
        };
        within(wrote).await;
    }

    pub fn end(self) -> Machine {
        self.stop.store(true, Ordering::SeqCst);
        self.writer.join().unwrap()
    }
}

fn pattern(number: u64) -> u8 {
    u8::try_from(number % 251 + 1).unwrap()
}

/// Fails unless the volume is what the guest had written at one instant: after that many blocks, as
/// one of `instants` says, and not one more or less.
pub fn assert_one_instant(site: &Site, volume: &Volume, instants: Range<u64>) {
    let raw = site.path("scratch/instant");
    let (image, path) = (site.image(volume), text(&raw).to_owned());
    run(
        "qemu-img",
        ["convert", "-f", "qcow2", "-O", "raw", text(&image), &path],
    );
    let content = std::fs::read(&raw).unwrap();
    std::fs::remove_file(raw).unwrap();
    let (blocks, rest) = content.split_at(usize::try_from(WRITTEN).unwrap());
    assert!(rest.iter().all(|byte| *byte == 0));
    let blocks: Vec<_> = blocks
        .chunks(usize::try_from(BLOCK).unwrap())
        .map(|block| {
            let first = block[0];
            assert!(block.iter().all(|byte| *byte == first), "half a write");
            first
        })
        .collect();
    // The block that is written next, and then those after it, hold what was written longest ago.
    let is_of = |instant: &u64| {
        (instant - BLOCKS..*instant).all(|number| {
            let place = usize::try_from(number % BLOCKS).unwrap();
            blocks[place] == pattern(number)
        })
    };
    // A write that was under way may have been done and not counted yet.
    let mut instants = instants.start..instants.end + 2;
    assert!(instants.any(|instant| is_of(&instant)), "{blocks:?}");
}

/// What QEMU itself says of its image's snapshots.
pub fn snapshots_in_qemu(machine: &mut Machine) -> Vec<String> {
    let nodes = machine.execute("query-named-block-nodes", &json!({ "flat": true }));
    let nodes = nodes.as_array().unwrap();
    let format = nodes.iter().find(|node| node["drv"] == "qcow2").unwrap();
    let snapshots = format["image"]["snapshots"].as_array();
    let name = |snapshot: &Value| snapshot["name"].as_str().unwrap().to_owned();
    snapshots
        .map(|all| all.iter().map(name).collect())
        .unwrap_or_default()
}
