//! Who answers: a process of its own, which is found by its address and ends with this one.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use hyper::header::HeaderValue;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long one has to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The gateway, as it is shipped.
    Tidemark,
    /// axum and SQL, without anything else: [`crate::bare`].
    Bare,
    /// Mercurius with its JIT: `mercurius/server.mjs`.
    Mercurius,
}

impl Who {
    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tidemark => "**Tidemark**",
            Self::Bare => "limit: axum, SQL by hand",
            Self::Mercurius => "Mercurius with JIT",
        }
    }
}

/// A process that answers.
#[derive(Debug)]
pub struct Contestant {
    /// Which one it is.
    pub who: Who,
    /// Where it listens.
    pub address: SocketAddr,
    /// By what it knows who asks, if it wants to.
    pub authorization: Option<HeaderValue>,
    child: Child,
}

impl Contestant {
    /// Starts `command`, whose first line says where it listens.
    pub async fn start(who: Who, mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("it has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .with_context(|| format!("{} does not start", who.name()))??;
        let line = line.with_context(|| format!("{} has ended", who.name()))?;
        let address = line.trim_start_matches("http://").parse::<SocketAddr>();
        Ok(Self {
            who,
            address: address.with_context(|| format!("{line:?} is no address"))?,
            authorization: None,
            child,
        })
    }

    /// Starts `command`, which says where it listens somewhere in its log behind `mark`.
    pub async fn start_logging(
        who: Who,
        mut command: Command,
        log: &Path,
        mark: &str,
    ) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = fs::read_to_string(log)?;
            let address = told.split_once(mark).and_then(|(_, rest)| {
                let (address, _) = rest.split_once(char::is_whitespace)?;
                address.parse::<SocketAddr>().ok()
            });
            if let Some(address) = address {
                return Ok(Self {
                    who,
                    address,
                    authorization: None,
                    child,
                });
            }
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("{} does not start:\n{told}", who.name());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process.
    pub fn pid(&self) -> Result<u32> {
        self.child
            .id()
            .with_context(|| format!("{} has ended", self.who.name()))
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
