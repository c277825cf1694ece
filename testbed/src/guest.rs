//! A guest with an operating system, which writes to a file system on the volume.
//!
//! It is a minimal Debian (`scripts/guest` makes it) with an emulated processor. What it does stands
//! in `testbed/guest/init`.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    daemon::Daemon,
    qemu::{Qemu, VOLUME},
    skip, tool,
};

/// How many of its latest files the guest keeps.
const KEPT: u64 = 100;

/// A running instance whose guest makes and mounts an ext4 on the volume and writes files.
#[derive(Debug)]
pub struct Guest {
    qemu: Qemu,
    console: PathBuf,
    serial: PathBuf,
}

impl Guest {
    /// Boots a guest with a qcow2 image, if QEMU and the guest are there; it has begun to write.
    pub async fn start(image: &Path) -> Option<Self> {
        if !Qemu::installed() {
            return None;
        }
        let files = files()?;
        let at = |name: &str| files.join(name).into_os_string().into_string().unwrap();
        let directory = crate::directory("guest");
        let [console, serial] = ["console.log", "serial"].map(|name| directory.path().join(name));
        let root = format!(
            "driver=raw,node-name=root,read-only=on,file.driver=file,file.filename={}",
            at("disk")
        );
        let line = format!(
            "socket,id=serial,path={},server=on,wait=off,logfile={}",
            serial.display(),
            console.display()
        );
        let [kernel, initrd] = ["kernel", "initrd"].map(at);
        let append = "root=/dev/vda ro init=/sbin/writer console=ttyS0 quiet mitigations=off";
        let arguments = [
            &["-m", "512", "-cpu", "max", "-no-reboot"][..],
            &["-kernel", &kernel, "-initrd", &initrd, "-append", append],
            &["-blockdev", &root, "-device", "virtio-blk-pci,drive=root"],
            &["-chardev", &line, "-serial", "chardev:serial"],
        ];
        let qemu = Qemu::start(directory, image, &arguments.concat()).await;
        let mut guest = Self {
            qemu,
            console,
            serial,
        };
        guest.writes_on().await;
        Some(guest)
    }

    /// The monitor's socket that nobody uses yet.
    pub fn qmp_socket(&self) -> &Path {
        &self.qemu.socket
    }

    /// The name of the node that is the volume's content.
    pub fn node(&self) -> &'static str {
        VOLUME
    }

    /// Runs a command of QMP beside the agent's connection.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Value {
        self.qemu.monitor.execute(command, arguments)
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.qemu.daemon.pid()
    }

    /// How many files are on the disk for certain.
    pub fn written(&self) -> u64 {
        written(&self.console)
    }

    /// Waits until it has written one more file: it runs, and its disk takes writes.
    pub async fn writes_on(&mut self) {
        self.writes(self.written() + 1).await;
    }

    /// Waits until it has written so many files in all.
    pub async fn writes(&mut self, files: u64) {
        let console = self.console.clone();
        let enough = async |_: &Daemon| (written(&console) >= files).then_some(());
        let what = format!("{files} files are written");
        self.qemu.daemon.until(&what, enough).await;
    }

    /// Lets it unmount its file system and power itself off.
    pub async fn shut_down(&mut self) {
        let mut serial = UnixStream::connect(&self.serial).unwrap();
        serial.write_all(b"stop\n").unwrap();
        self.qemu.daemon.ended().await;
        let said = fs::read_to_string(&self.console).unwrap();
        assert!(said.contains("unmounted"), "the guest ended badly:\n{said}");
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.qemu.daemon.kill();
    }

    /// Fails unless a raw disk, which is changed, holds the guest's file system of a time when
    /// `written` files were on it: its journal replayed, it is clean, and all files of then are whole.
    pub fn assert_file_system(disk: &Path, written: u64) {
        let disk = disk.to_str().unwrap();
        // As mounting it would do.
        tool::run("e2fsck", &["-E", "journal_only", "-y", disk], &[]);
        tool::run("e2fsck", &["-f", "-n", disk], &[]);
        let copy = crate::directory("files");
        let dump = format!("rdump / {}", copy.path().display());
        tool::run("debugfs", &["-R", &dump, disk], &[]);
        let files = sums(copy.path());
        let latest = written.saturating_sub(KEPT - 1).max(1)..=written;
        for number in latest {
            // The guest may have been about to remove the oldest.
            let gone = written > KEPT && number <= written - KEPT + 2;
            assert!(
                gone || files.contains_key(&number),
                "file {number} of {written} is lost"
            );
        }
    }
}

/// The numbers of the guest's files, each of which has to be what its name says.
fn sums(directory: &Path) -> BTreeMap<u64, PathBuf> {
    let mut files = BTreeMap::new();
    for directory in fs::read_dir(directory).unwrap() {
        let directory = directory.unwrap().path();
        if !directory.is_dir() || directory.ends_with("lost+found") {
            continue;
        }
        for file in fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let (number, sum) = name.split_once('.').unwrap();
            let printed = tool::run("sha256sum", &[path.to_str().unwrap()], &[]);
            assert!(printed.starts_with(sum), "{name} holds something else");
            files.insert(number.parse().unwrap(), path);
        }
    }
    files
}

fn written(console: &Path) -> u64 {
    let said = fs::read(console).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    // A line that is not complete may show the beginning of a number.
    let complete = said.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let mut numbers = complete
        .lines()
        .rev()
        .filter_map(|line| line.strip_prefix("written "));
    numbers
        .next()
        .map_or(0, |number| number.trim().parse().unwrap())
}

/// The directory with the guest's disk, kernel and initial RAM disk, made if need be.
fn files() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap();
    // target/{profile}/deps/{test}
    let directory = program.ancestors().nth(3).unwrap().join("guest");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/guest");
    let made = tool::command("sh", &[])
        .arg(&script)
        .arg(&directory)
        .output();
    let made = made.unwrap();
    if !made.status.success() {
        let reason = String::from_utf8_lossy(&made.stderr);
        skip(&format!(
            "the guest cannot be made (it takes root and the network): {reason}"
        ));
        return None;
    }
    Some(directory)
}
