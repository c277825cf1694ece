//! The driver of running instances' volumes, by the suite that all drivers pass. The instance runs
//! whenever it may, and is stopped for what is done to stopped ones only.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use serde_json::json;
use testbed::Machine;
use tidemark_agent::{
    driver::{
        Driver, OpenSnapshot, OpenTarget, Result, Retained, SnapshotName, Touched,
        qcow2_file::Qcow2File, qcow2_live::Qcow2Live,
    },
    lock::Keyed,
};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{
    conformance::{self, Disk, Storage},
    site::{Site, run, text},
};

/// A pool with instances, by the ids of their volumes.
struct Pool {
    site: Site,
    machines: Arc<Mutex<HashMap<Uuid, Machine>>>,
}

impl Pool {
    fn image(&self, disk: Disk) -> PathBuf {
        self.site.path("pool").join(format!("{}.qcow2", disk.id))
    }

    /// Has the instance do something, and write it back; false if it is stopped.
    fn in_guest(&self, disk: Disk, work: impl FnOnce(&mut Machine)) -> bool {
        let mut machines = self.machines.lock().unwrap();
        let Some(machine) = machines.get_mut(&disk.id) else {
            return false;
        };
        work(machine);
        let flush = "qemu-io -d /machine/peripheral/volume-device/virtio-backend flush";
        let human = json!({ "command-line": flush });
        assert_eq!(machine.execute("human-monitor-command", &human), "");
        true
    }

    /// Does something to the image of an instance that is stopped.
    fn poke(&self, disk: Disk, command: &str) {
        let image = self.image(disk);
        let options = format!(
            "driver=qcow2,discard=unmap,file.driver=file,file.filename={}",
            text(&image)
        );
        run("qemu-io", ["-c", command, "--image-opts", &options]);
    }

    fn stop(&self, disk: Disk) {
        // It has written back all that was written to it.
        let machine = self.machines.lock().unwrap().remove(&disk.id);
        drop(machine);
    }
}

impl Storage for Pool {
    fn driver(&self, disk: Disk) -> Box<dyn Driver> {
        let socket = self.site.path(&format!("scratch/{}.sock", disk.id));
        let pool = self.site.path("pool");
        let surroundings = self.site.surroundings();
        let file = Qcow2File::new(&pool, disk.id, disk.size_bytes, surroundings).unwrap();
        Box::new(Instance {
            volume: disk.id,
            image: self.image(disk),
            driver: Qcow2Live::new(file, socket.clone(), Keyed::default()),
            socket,
            machines: Arc::clone(&self.machines),
        })
    }

    fn write(&self, disk: Disk, pattern: u8, offset: u64, length: u64) {
        if !self.in_guest(disk, |guest| guest.write(offset, length, pattern)) {
            self.poke(disk, &format!("write -P {pattern} {offset} {length}"));
        }
    }

    fn discard(&self, disk: Disk, offset: u64, length: u64) {
        if !self.in_guest(disk, |guest| guest.discard(offset, length)) {
            self.poke(disk, &format!("discard {offset} {length}"));
        }
    }

    fn read(&self, disk: Disk, snapshot: Option<SnapshotName>) -> Vec<u8> {
        let raw = self.site.path("scratch/raw");
        let name = snapshot.map(|name| format!("snapshot.name={name}"));
        let mut arguments = vec!["convert", "-U", "-f", "qcow2", "-O", "raw"];
        arguments.extend(name.iter().flat_map(|name| ["-l", name]));
        let image = self.image(disk);
        arguments.extend([text(&image), text(&raw)]);
        run("qemu-img", arguments);
        fs::read(raw).unwrap()
    }

    fn grow(&self, disk: Disk, size_bytes: u64) {
        self.stop(disk);
        let size = size_bytes.to_string();
        let image = self.image(disk);
        run(
            "qemu-img",
            ["resize", "-q", "-f", "qcow2", text(&image), &size],
        );
    }

    fn delete_snapshot(&self, disk: Disk, name: SnapshotName) {
        let mut machines = self.machines.lock().unwrap();
        let arguments = json!({ "device": "volume", "name": name.to_string() });
        let machine = machines.get_mut(&disk.id).unwrap();
        machine.execute("blockdev-snapshot-delete-internal-sync", &arguments);
    }

    fn remove(&self, disk: Disk) {
        self.stop(disk);
        fs::remove_file(self.image(disk)).unwrap();
    }

    fn remains(&self, disk: Disk) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.site.path("pool")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name == format!("{}.qcow2", disk.id) {
                let image = tidemark_agent::qcow2::Image::open(&self.image(disk)).unwrap();
                let snapshots = image.snapshots().unwrap().into_iter();
                names.push("volume".into());
                names.extend(snapshots.map(|snapshot| snapshot.name));
            } else if name.contains(&disk.id.to_string()) {
                names.push(name);
            }
        }
        names
    }
}

/// A volume's driver, with a platform before it that starts and stops the instance.
struct Instance {
    volume: Uuid,
    image: PathBuf,
    socket: PathBuf,
    driver: Qcow2Live,
    machines: Arc<Mutex<HashMap<Uuid, Machine>>>,
}

impl Instance {
    fn running(&self) -> &Qcow2Live {
        let runs = self.machines.lock().unwrap().contains_key(&self.volume);
        if !runs && self.image.exists() {
            let monitor = format!("unix:{},server=on,wait=off", text(&self.socket));
            let arguments = ["-qmp", monitor.as_str()];
            let machine = block_on(Machine::start_with(&self.image, &arguments)).unwrap();
            self.machines.lock().unwrap().insert(self.volume, machine);
        }
        &self.driver
    }

    fn stopped(&self) -> &Qcow2Live {
        let machine = self.machines.lock().unwrap().remove(&self.volume);
        if let Some(mut machine) = machine {
            block_on(machine.quit());
        }
        &self.driver
    }
}

/// Waits for what need not be done elsewhere, where nothing else can.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}

#[async_trait]
impl Driver for Instance {
    async fn clean_up(&self) -> Result<()> {
        self.running().clean_up().await
    }
    async fn repair(&self) -> Result<()> {
        self.stopped().repair().await
    }
    async fn create(&self) -> Result<()> {
        self.stopped().create().await
    }
    async fn delete(&self) -> Result<()> {
        self.stopped().delete().await
    }
    async fn is_there(&self) -> Result<bool> {
        self.stopped().is_there().await
    }
    async fn create_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.running().create_snapshot(name).await
    }
    async fn delete_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.running().delete_snapshot(name).await
    }
    async fn has_snapshot(&self, name: SnapshotName) -> Result<bool> {
        self.running().has_snapshot(name).await
    }
    async fn check_roll_back(&self, name: SnapshotName) -> Result<()> {
        self.stopped().check_roll_back(name).await
    }
    async fn roll_back(&self, name: SnapshotName, touched: &Touched) -> Result<()> {
        self.stopped().roll_back(name, touched).await
    }
    async fn retained(&self) -> Result<Vec<Retained>> {
        self.running().retained().await
    }
    async fn open_snapshot(&self, name: SnapshotName) -> Result<OpenSnapshot> {
        self.running().open_snapshot(name).await
    }
    async fn check_overwrite(&self) -> Result<()> {
        self.stopped().check_overwrite().await
    }
    async fn overwrite(&self) -> Result<OpenTarget> {
        self.stopped().overwrite().await
    }
    async fn stage_replacement(&self, by: Uuid, stored_bytes: u64) -> Result<OpenTarget> {
        self.stopped().stage_replacement(by, stored_bytes).await
    }
    async fn replace(&self) -> Result<()> {
        self.stopped().replace().await
    }
    async fn is_replacement(&self, by: Uuid) -> Result<bool> {
        self.stopped().is_replacement(by).await
    }
    async fn stage(&self) -> Result<OpenTarget> {
        self.stopped().stage().await
    }
    async fn publish(&self) -> Result<()> {
        self.stopped().publish().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_running_instances_keep_every_promise_of_a_driver() {
    if !testbed::installed(&["setpriv", "qemu-system-x86_64"]) {
        return;
    }
    let pool = Pool {
        site: Site::new(),
        machines: Arc::default(),
    };
    conformance::snapshots(&pool).await;
    conformance::volumes(&pool).await;
    conformance::errors(&pool).await;
    pool.machines.lock().unwrap().clear();
    pool.site.assert_clean();
}
