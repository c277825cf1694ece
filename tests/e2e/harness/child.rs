//! The agent's `qemu-nbd` children, found by their parent and stopped in the middle of their work.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testbed::PATIENCE;
use tokio::time::{Instant, sleep};

/// What counts: calls or, where the kernel does the calling (`io_uring`), what reached the disk.
const MOVED: [&str; 4] = ["rchar", "read_bytes", "wchar", "write_bytes"];

/// A `qemu-nbd` that stands still.
#[derive(Debug)]
pub struct Nbd {
    pub pid: i32,
}

impl Nbd {
    /// Waits for a server under the process `parent` that has moved so many bytes, and stops it.
    pub async fn stop_under(parent: i32, bytes: u64) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for pid in children(parent) {
                if has_moved(pid, bytes) == Some(true) {
                    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
                    return Self { pid };
                }
            }
            assert!(
                Instant::now() < deadline,
                "no qemu-nbd has moved {bytes} bytes"
            );
            sleep(Duration::from_micros(500)).await;
        }
    }

    /// Lets it go on.
    pub fn go_on(self) {
        kill(Pid::from_raw(self.pid), Signal::SIGCONT).unwrap();
    }
}

/// Processes called `qemu-nbd` whose parent is `parent`.
fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything; the state and the parent follow it.
    let (before, rest) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    if name != "qemu-nbd" {
        return None;
    }
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn has_moved(pid: i32, least: u64) -> Option<bool> {
    let counters = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let lines = counters.lines().filter_map(|line| line.split_once(": "));
    let mut counted = lines.filter(|(name, _)| MOVED.contains(name));
    Some(counted.any(|(_, bytes)| bytes.parse().is_ok_and(|bytes: u64| bytes >= least)))
}
