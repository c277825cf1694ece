//! A process of QEMU with a volume attached, and two monitors: the agent's and the test's.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Qmp, daemon::Daemon, installed, tool};

/// The volume's id: of the node that is its content, and the beginning of its device's.
pub(crate) const VOLUME: &str = "volume";

#[derive(Debug)]
pub(crate) struct Qemu {
    pub monitor: Qmp,
    pub daemon: Daemon,
    /// The agent's monitor.
    pub socket: PathBuf,
    #[expect(dead_code, reason = "it is removed after the daemon that uses it")]
    directory: TempDir,
}

impl Qemu {
    /// Whether QEMU can be started.
    pub fn installed() -> bool {
        installed(&["setpriv", "stdbuf", "qemu-system-x86_64"])
    }

    /// Starts a machine that emulates its processor, with a qcow2 image as its last disk.
    pub async fn start(directory: TempDir, image: &Path, arguments: &[&str]) -> Self {
        let [socket, own] = ["agent.qmp", "test.qmp"].map(|name| directory.path().join(name));
        let [agent, test] =
            [&socket, &own].map(|path| format!("unix:{},server=on,wait=off", path.display()));
        let image = image.display();
        let file = format!("driver=file,filename={image},node-name={VOLUME}-file,discard=unmap");
        let format = format!("driver=qcow2,file={VOLUME}-file,node-name={VOLUME},discard=unmap");
        let device = format!("virtio-blk-pci,id={VOLUME}-device,drive={VOLUME}");
        let machine = [
            "-machine",
            "q35,accel=tcg",
            "-nodefaults",
            "-no-user-config",
        ];
        let screen = [
            "-nographic",
            "-monitor",
            "none",
            "-qmp",
            &agent,
            "-qmp",
            &test,
        ];
        let disk = ["-blockdev", &file, "-blockdev", &format, "-device", &device];
        let arguments = [&machine[..], &screen, arguments, &disk].concat();
        let mut daemon = Daemon::start("qemu-system-x86_64", arguments, directory.path());
        let there = async |_: &Daemon| own.exists().then_some(());
        daemon.until("its monitor is there", there).await;
        Self {
            monitor: Qmp::connect(&own).await,
            daemon,
            socket,
            directory,
        }
    }

    /// Ends it as a host does that shuts an instance down.
    pub async fn quit(&mut self) {
        self.monitor.send("quit");
        self.daemon.ended().await;
    }
}

/// Makes an empty qcow2 image.
pub fn create_image(image: &Path, size_bytes: u64) {
    let size = size_bytes.to_string();
    let image = image.to_str().unwrap();
    tool::run(
        "qemu-img",
        &["create", "-q", "-f", "qcow2", image, &size],
        &[],
    );
}
