//! Ceph: the driver by the suite that all pass, whole operations, and a cluster that fails.

use std::fs;

use storage::Secret;
use testbed::Ceph;
use tidemark_agent::driver::{
    Driver, SnapshotName,
    ceph_rbd::{CephPool, CephRbd},
};

use crate::{
    conformance::{self, Disk, Storage},
    site::{MIB, Site, run, text},
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
        let ceph = Ceph::start().await?;
        for arguments in [&["osd", "pool", "create", POOL, "4", "4"][..]] {
            ceph.ceph(arguments);
        }
        ceph.rbd(&["pool", "init", POOL]);
        let keyring = Some(Secret::new(ceph.user(USER, POOL)));
        let pool = CephPool {
            pool: POOL.into(),
            user: USER.into(),
            config_path: Some(ceph.conf().into()),
            keyring,
        };
        let site = Site::new();
        Some(Self { ceph, pool, site })
    }

    /// Runs `rbd` as the administrator with an image, and gives what it prints.
    fn rbd(&self, verb: &[&str], image: &str, options: &[&str]) -> String {
        let image = ["--pool", POOL, "--image", image];
        self.ceph.rbd(&[verb, &image, options].concat())
    }

    /// Lets QEMU do something to an image.
    fn poke(&self, image: &str, command: &str) {
        let options = format!(
            "driver=raw,discard=unmap,file.driver=rbd,file.discard=unmap,file.pool={POOL},\
             file.image={image},file.conf={}",
            text(self.ceph.conf())
        );
        run("qemu-io", ["-c", command, "--image-opts", &options]);
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
        for image in self.images() {
            assert!(!image.starts_with("tidemark-tmp-"), "{image} is left");
            for snapshot in self.snapshots(&image) {
                let name = SnapshotName::parse(&snapshot);
                assert!(matches!(name, Some(SnapshotName::Kept(_))), "{snapshot}");
            }
        }
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
async fn ceph_images_keep_every_promise_of_a_driver() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::snapshots(&cluster).await;
    conformance::volumes(&cluster).await;
    conformance::errors(&cluster).await;
    cluster.assert_clean();
}
