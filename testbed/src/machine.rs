//! A QEMU that runs without an operating system: a real running instance, as cheap as a process.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Qmp, daemon::Daemon, installed};

/// The disk's id: as a device, and of the node with its format.
const DEVICE: &str = "volume";

/// An instance with one qcow2 image attached.
#[derive(Debug)]
pub struct Machine {
    monitor: Qmp,
    daemon: Daemon,
    socket: PathBuf,
    #[expect(dead_code, reason = "it is removed after the daemon that uses it")]
    directory: TempDir,
}

impl Machine {
    /// Starts an instance with a qcow2 image, if QEMU is there.
    pub async fn start(image: &Path) -> Option<Self> {
        Self::start_with(image, &[]).await
    }

    /// The same, with more arguments for QEMU.
    pub async fn start_with(image: &Path, arguments: &[&str]) -> Option<Self> {
        if !installed(&["setpriv", "stdbuf", "qemu-system-x86_64"]) {
            return None;
        }
        let directory = crate::directory("qemu");
        let [socket, own] = ["agent.qmp", "test.qmp"].map(|name| directory.path().join(name));
        let [agent, test] =
            [&socket, &own].map(|path| format!("unix:{},server=on,wait=off", path.display()));
        let file = format!(
            "driver=file,filename={},node-name={DEVICE}-file,discard=unmap",
            image.display()
        );
        let format = format!("driver=qcow2,file={DEVICE}-file,node-name={DEVICE},discard=unmap");
        let device = format!("virtio-blk-pci,id={DEVICE}-device,drive={DEVICE}");
        let own_arguments = [
            "-S",
            "-machine",
            "q35,accel=tcg",
            "-m",
            "64",
            "-nodefaults",
            "-no-user-config",
            "-nographic",
            "-monitor",
            "none",
            "-blockdev",
            &file,
            "-blockdev",
            &format,
            "-device",
            &device,
            "-qmp",
            &agent,
            "-qmp",
            &test,
        ];
        let arguments = [&own_arguments[..], arguments].concat();
        let mut daemon = Daemon::start("qemu-system-x86_64", arguments, directory.path());
        daemon
            .until("its monitor is there", async |_| own.exists().then_some(()))
            .await;
        Some(Self {
            monitor: Qmp::connect(&own).await,
            daemon,
            socket,
            directory,
        })
    }

    /// The monitor's socket that nobody uses yet.
    pub fn qmp_socket(&self) -> &Path {
        &self.socket
    }

    /// The name of the node that is the image's content.
    pub fn node(&self) -> &'static str {
        DEVICE
    }

    /// Writes `length` bytes of `pattern`, as a guest would.
    pub fn write(&mut self, offset: u64, length: u64, pattern: u8) {
        self.disk(&format!("write -P {pattern} {offset} {length}"), "wrote ");
    }

    /// Writes zeros that take no space, as a guest's `fstrim` would.
    pub fn discard(&mut self, offset: u64, length: u64) {
        self.disk(&format!("discard {offset} {length}"), "discard ");
    }

    /// Fails unless there are `length` bytes of `pattern`, as a guest would see them.
    pub fn assert_holds(&mut self, offset: u64, length: u64, pattern: u8) {
        self.disk(&format!("read -P {pattern} {offset} {length}"), "read ");
    }

    fn disk(&mut self, command: &str, good: &str) {
        let device = format!("/machine/peripheral/{DEVICE}-device/virtio-backend");
        // What comes of it goes to QEMU's standard output.
        let before = self.daemon.said().len();
        let line = format!("qemu-io -d {device} \"{command}\"");
        let refused = self.monitor.human(&line);
        let said = refused + &self.daemon.said()[before..];
        let fine = said.starts_with(good) && !said.contains("failed");
        assert!(fine, "{command}: {said}");
    }

    /// Runs a command of QMP beside the agent's connection.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Value {
        self.monitor.execute(command, arguments)
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Makes it stand still: its monitor takes connections, and answers nothing.
    pub fn pause(&self) {
        self.daemon.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.daemon.resume();
    }

    /// Ends it in order, as a host that shuts the instance down.
    pub async fn quit(&mut self) {
        self.monitor.send("quit");
        self.daemon.ended().await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }
}
