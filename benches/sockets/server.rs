//! A server that is measured: a process of its own on a processor of its own.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::meter::Used;

/// How long one has to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is not as it is shipped: all sockets come from one address, and belong to few accounts.
const SETTINGS: [(&str, &str); 4] = [
    ("TIDEMARK_HTTP_LISTEN", "127.0.0.1:0"),
    ("TIDEMARK_HTTP_MAX_ADDRESS_CONNECTIONS", "16000"),
    ("TIDEMARK_STREAM_MAX_ACCOUNT_SOCKETS", "16000"),
    ("TIDEMARK_STREAM_MAX_ACCOUNT_SUBSCRIPTIONS", "16000"),
];

/// A server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it is the gateway.
    pub is_gateway: bool,
    child: Child,
}

impl Server {
    /// The gateway on a database that is brought to its schema first.
    pub async fn gateway(url: &str, directory: &Path, processor: usize) -> Result<Self> {
        let migrated = gateway(url, directory, processor, "migrate")
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&migrated.stderr);
        ensure!(migrated.status.success(), "migrate: {complaint}");
        let log = directory.join("gateway.log");
        let mut command = gateway(url, directory, processor, "serve");
        let mut child = command
            .stderr(File::create(&log)?)
            .stdout(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = fs::read_to_string(&log)?;
            let address = told.split_once("serving address=").and_then(|(_, rest)| {
                let (address, _) = rest.split_once(char::is_whitespace)?;
                address.parse::<SocketAddr>().ok()
            });
            if let Some(address) = address {
                return Ok(Self {
                    address,
                    is_gateway: true,
                    child,
                });
            }
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("the gateway does not start:\n{told}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// This program once more, as a server of so many topics.
    pub async fn bare(processor: usize, topics: usize) -> Result<Self> {
        let mut command = pinned(processor, std::env::current_exe()?.as_os_str());
        command.arg(format!("--bare={topics}"));
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("it has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        Ok(Self {
            address: line.context("it has ended")?.parse()?,
            is_gateway: false,
            child,
        })
    }

    /// What it has used of its processor.
    pub fn used(&self) -> Result<Duration> {
        Ok(Used::by(self.pid()?, None)?.server)
    }

    /// Its memory, in kilobytes of 1,000 bytes.
    pub fn kilobytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kibibytes = line.context("no RssAnon")?;
        let kibibytes: f64 = kibibytes.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1.024)
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    fn pid(&self) -> Result<u32> {
        self.child.id().context("it has ended")
    }
}

fn gateway(url: &str, directory: &Path, processor: usize, word: &str) -> Command {
    let mut command = pinned(processor, env!("CARGO_BIN_EXE_tidemark").as_ref());
    // Settings of whoever measures are not for this gateway.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"TIDEMARK_") {
            command.env_remove(name);
        }
    }
    command
        .arg(word)
        .current_dir(directory)
        .env("TIDEMARK_DATABASE_URL", url)
        .envs(SETTINGS);
    command
}

fn pinned(processor: usize, program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new("taskset");
    command
        .args(["-c", &processor.to_string()])
        .arg(program)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
