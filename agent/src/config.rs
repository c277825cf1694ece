//! What an agent has to be told before it can start.

use std::{num::NonZeroU64, path::PathBuf};

use serde::Deserialize;

use crate::{driver::Tools, link::Token};

/// An agent's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The gateway's base address, such as `https://tidemark.example.org`.
    pub gateway_url: String,
    /// The token that the gateway gave when the hypervisor was enrolled.
    pub token: Token,
    /// A directory of the agent's own, for its lock and its sockets.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
    /// How many operations it works on at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// How many bytes per second it moves to and from backup storages in all; no limit without it.
    #[serde(default)]
    pub bandwidth_limit_bytes_per_second: Option<NonZeroU64>,
    /// The programs that it runs.
    #[serde(default)]
    pub tools: Tools,
}

impl AgentConfig {
    /// A configuration with everything else at its default.
    pub fn new(gateway_url: impl Into<String>, token: Token) -> Self {
        Self {
            gateway_url: gateway_url.into(),
            token,
            state_dir: default_state_dir(),
            concurrency: default_concurrency(),
            bandwidth_limit_bytes_per_second: None,
            tools: Tools::default(),
        }
    }
}

/// Where an agent keeps its state unless it is told otherwise.
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/tidemark-agent")
}

/// How many operations an agent works on at once unless it is told otherwise.
pub fn default_concurrency() -> usize {
    4
}
