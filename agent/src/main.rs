//! `tidemark-agent`: the agent as a process of its own, for a hypervisor without a gateway on it.

use std::{
    io::{self, IsTerminal as _},
    num::NonZeroU64,
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use clap::Parser;
use tidemark_agent::AgentConfig;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The token that the gateway gave when this hypervisor was enrolled. As an argument, everybody on
/// the host could read it.
const TOKEN_VARIABLE: &str = "TIDEMARK_AGENT_TOKEN";

/// Works on the volumes of this hypervisor for a Tidemark gateway.
#[derive(Debug, Parser)]
#[command(name = "tidemark-agent", version)]
struct Arguments {
    /// The configuration, in TOML. What stands in the environment goes before it.
    #[arg(
        long,
        env = "TIDEMARK_AGENT_CONFIG",
        default_value = "/etc/tidemark/agent.toml"
    )]
    config: PathBuf,
    /// The gateway's base address.
    #[arg(long, env = "TIDEMARK_AGENT_GATEWAY_URL")]
    gateway_url: Option<String>,
    /// A directory of the agent's own, for its lock and its sockets.
    #[arg(long, env = "TIDEMARK_AGENT_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// How many operations are worked on at once.
    #[arg(long, env = "TIDEMARK_AGENT_CONCURRENCY")]
    concurrency: Option<usize>,
    /// How many bytes per second are moved to and from backup storages in all.
    #[arg(long, env = "TIDEMARK_AGENT_BANDWIDTH_LIMIT_BYTES_PER_SECOND")]
    bandwidth_limit_bytes_per_second: Option<NonZeroU64>,
    /// For how many seconds a backup storage that is busy or away is waited for, once it has worked.
    #[arg(long, env = "TIDEMARK_AGENT_STORAGE_PATIENCE_SECONDS")]
    storage_patience_seconds: Option<u64>,
}

impl Arguments {
    /// The file's settings with the given ones laid over them.
    fn load(self) -> anyhow::Result<AgentConfig> {
        let place = self.config.display().to_string();
        let text = match std::fs::read_to_string(&self.config) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("{place} cannot be read")),
        };
        let state_dir = self.state_dir.map(|path| path.display().to_string());
        let given = [
            ("gateway_url", self.gateway_url),
            ("token", std::env::var(TOKEN_VARIABLE).ok()),
            ("state_dir", state_dir),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut config = AgentConfig::read(&text, given)
            .with_context(|| format!("{place} and the environment give no configuration"))?;
        config.concurrency = self.concurrency.unwrap_or(config.concurrency);
        config.bandwidth_limit_bytes_per_second = self
            .bandwidth_limit_bytes_per_second
            .or(config.bandwidth_limit_bytes_per_second);
        config.storage_patience_seconds = self
            .storage_patience_seconds
            .unwrap_or(config.storage_patience_seconds);
        Ok(config)
    }
}

/// How long what still waits for a disk may take once everything else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(run());
    // A pool behind a network that is gone may never answer.
    runtime.shutdown_timeout(LAST_WAIT);
    outcome
}

async fn run() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("TIDEMARK_AGENT_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let config = Arguments::parse().load()?;
    let shutdown = CancellationToken::new();
    let (mut terminated, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        stop.cancel();
    });
    Ok(tidemark_agent::run(config, shutdown).await?)
}
