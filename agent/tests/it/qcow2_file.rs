//! qcow2 files, by the suite that all drivers pass.

use std::{fs, path::PathBuf};

use tidemark_agent::driver::{Driver, SnapshotName, qcow2_file::Qcow2File};

use crate::{
    conformance::{self, Disk, Storage},
    site::{Site, run, text},
};

struct Pool(Site);

impl Pool {
    fn image(&self, disk: Disk) -> PathBuf {
        self.0.path("pool").join(format!("{}.qcow2", disk.id))
    }

    fn poke(&self, disk: Disk, command: &str) {
        let options = format!(
            "driver=qcow2,discard=unmap,file.driver=file,file.filename={}",
            text(&self.image(disk))
        );
        run("qemu-io", ["-c", command, "--image-opts", &options]);
    }
}

impl Storage for Pool {
    fn driver(&self, disk: Disk) -> Box<dyn Driver> {
        let pool = self.0.path("pool");
        let driver = Qcow2File::new(&pool, disk.id, disk.size_bytes, self.0.surroundings());
        Box::new(driver.unwrap())
    }

    fn write(&self, disk: Disk, pattern: u8, offset: u64, length: u64) {
        self.poke(disk, &format!("write -P {pattern} {offset} {length}"));
    }

    fn discard(&self, disk: Disk, offset: u64, length: u64) {
        self.poke(disk, &format!("discard {offset} {length}"));
    }

    fn read(&self, disk: Disk, snapshot: Option<SnapshotName>) -> Vec<u8> {
        let raw = self.0.path("scratch/raw");
        let name = snapshot.map(|name| format!("snapshot.name={name}"));
        let mut arguments = vec!["convert", "-f", "qcow2", "-O", "raw"];
        arguments.extend(name.iter().flat_map(|name| ["-l", name]));
        let image = self.image(disk);
        arguments.extend([text(&image), text(&raw)]);
        run("qemu-img", arguments);
        fs::read(raw).unwrap()
    }

    fn grow(&self, disk: Disk, size_bytes: u64) {
        let size = size_bytes.to_string();
        let image = self.image(disk);
        run(
            "qemu-img",
            ["resize", "-q", "-f", "qcow2", text(&image), &size],
        );
    }

    fn delete_snapshot(&self, disk: Disk, name: SnapshotName) {
        let name = name.to_string();
        run(
            "qemu-img",
            ["snapshot", "-d", &name, text(&self.image(disk))],
        );
    }

    fn remove(&self, disk: Disk) {
        fs::remove_file(self.image(disk)).unwrap();
    }

    fn remains(&self, disk: Disk) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.0.path("pool")).unwrap() {
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

#[tokio::test(flavor = "multi_thread")]
async fn qcow2_files_keep_the_promises_about_snapshots() {
    let pool = Pool(Site::new());
    conformance::snapshots(&pool).await;
    pool.0.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn qcow2_files_keep_the_promises_about_volumes() {
    let pool = Pool(Site::new());
    conformance::volumes(&pool).await;
    pool.0.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn qcow2_files_keep_the_promises_about_errors() {
    let pool = Pool(Site::new());
    conformance::errors(&pool).await;
    pool.0.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn qcow2_files_keep_the_promises_about_writers() {
    let pool = Pool(Site::new());
    conformance::writers(&pool).await;
    pool.0.assert_clean();
}
