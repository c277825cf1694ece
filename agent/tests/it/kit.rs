//! `nbdkit`: a disk server with whatever properties and faults a test needs.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tidemark_agent::nbd::{Client, Error, Patience};
use tokio::process::{Child, Command};

use crate::site::within;

/// A running `nbdkit`.
pub struct Kit {
    directory: TempDir,
    server: Child,
}

/// Long enough for a server on a busy machine, short enough for a test to wait for.
pub const SHORT: Patience = Patience {
    ceremony: Duration::from_secs(2),
    request: Duration::from_secs(2),
    flush: Duration::from_secs(2),
};

impl Kit {
    /// Starts it with these words on its command line; none where it is not installed.
    pub fn start(arguments: &str) -> Option<Self> {
        if !testbed::installed(&["nbdkit"]) {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("nbdkit");
        command
            .args(["--foreground", "--exit-with-parent", "--unix"])
            .arg(directory.path().join("socket"))
            .args(
                arguments
                    .replace("DIR", directory.path().to_str().unwrap())
                    .split(' '),
            )
            .kill_on_drop(true);
        let server = command.spawn().unwrap();
        Some(Self { directory, server })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Connects as soon as it listens.
    pub async fn connect(&mut self, patience: Patience) -> Result<Client, Error> {
        let socket = self.path("socket");
        within(async {
            loop {
                match Client::connect_with(&socket, 4, patience).await {
                    Err(Error::Connect(_)) => {
                        assert!(self.server.try_wait().unwrap().is_none(), "nbdkit ended");
                        tokio::task::yield_now().await;
                    }
                    outcome => return outcome,
                }
            }
        })
        .await
    }

    pub async fn client(&mut self) -> Client {
        self.connect(Patience::default()).await.unwrap()
    }

    /// Makes it stand still, with its socket open.
    pub fn pause(&self) {
        pause(self.server.id().unwrap());
    }

    pub fn kill(&mut self) {
        self.server.start_kill().unwrap();
    }
}

/// Stops a process as a debugger would.
pub fn pause(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    // The signal has been taken when the kernel shows the process as stopped.
    let stat = format!("/proc/{pid}/stat");
    while !is_stopped(Path::new(&stat)) {
        std::thread::yield_now();
    }
}

fn is_stopped(stat: &Path) -> bool {
    let stat = std::fs::read_to_string(stat).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('T')
}
