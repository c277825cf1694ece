//! A QEMU that runs without an operating system: a real running instance, as cheap as a process.

use std::path::Path;

use serde_json::Value;

use crate::qemu::{Qemu, VOLUME};

/// An instance with one qcow2 image attached.
#[derive(Debug)]
pub struct Machine(Qemu);

impl Machine {
    /// Starts an instance with a qcow2 image, if QEMU is there.
    pub async fn start(image: &Path) -> Option<Self> {
        Self::start_with(image, &[]).await
    }

    /// The same, with more arguments for QEMU.
    pub async fn start_with(image: &Path, arguments: &[&str]) -> Option<Self> {
        if !Qemu::installed() {
            return None;
        }
        let arguments = [&["-S", "-m", "64"], arguments].concat();
        let qemu = Qemu::start(crate::directory("qemu"), image, &arguments).await;
        Some(Self(qemu))
    }

    /// The monitor's socket that nobody uses yet.
    pub fn qmp_socket(&self) -> &Path {
        &self.0.socket
    }

    /// The name of the node that is the image's content.
    pub fn node(&self) -> &'static str {
        VOLUME
    }

    /// Writes `length` bytes of `pattern`, as a guest would.
    pub fn write(&mut self, offset: u64, length: u64, pattern: u8) {
        self.disk(&format!("write -P {pattern} {offset} {length}"), "wrote ");
    }

    /// Discards, as a guest's `fstrim` would.
    pub fn discard(&mut self, offset: u64, length: u64) {
        self.disk(&format!("discard {offset} {length}"), "discard ");
    }

    /// Fails unless there are `length` bytes of `pattern`, as a guest would see them.
    pub fn assert_holds(&mut self, offset: u64, length: u64, pattern: u8) {
        self.disk(&format!("read -P {pattern} {offset} {length}"), "read ");
    }

    fn disk(&mut self, command: &str, good: &str) {
        let device = format!("/machine/peripheral/{VOLUME}-device/virtio-backend");
        // What comes of it goes to QEMU's standard output.
        let before = self.0.daemon.said().len();
        let line = format!("qemu-io -d {device} \"{command}\"");
        let refused = self.0.monitor.human(&line);
        let said = refused + &self.0.daemon.said()[before..];
        let fine = said.starts_with(good) && !said.contains("failed");
        assert!(fine, "{command}: {said}");
    }

    /// Runs a command of QMP beside the agent's connection.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Value {
        self.0.monitor.execute(command, arguments)
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.0.daemon.pid()
    }

    /// Makes it stand still: its monitor takes connections, and answers nothing.
    pub fn pause(&self) {
        self.0.daemon.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.0.daemon.resume();
    }

    /// Ends it in order, as a host that shuts the instance down.
    pub async fn quit(&mut self) {
        self.0.quit().await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.0.daemon.kill();
    }
}
