//! The agent in the gateway's own process. It speaks to the gateway as any other agent does, over
//! HTTP on the loopback interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use agent::{AgentConfig, Token};
use anyhow::Context;
use tidemark::config::Agent;
use tokio_util::sync::CancellationToken;

/// Runs the agent against the gateway that listens on `gateway`, until `stopping` is cancelled.
pub(super) async fn run(
    config: Agent,
    gateway: SocketAddr,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let token = tokio::fs::read_to_string(&config.token_file)
        .await
        .with_context(|| {
            format!(
                "cannot read the agent's token {}",
                config.token_file.display()
            )
        })?;
    let url = format!("http://{}", reachable(gateway));
    let config = AgentConfig {
        state_dir: config.state_dir,
        storage_patience_seconds: config.storage_patience_seconds.into(),
        concurrency: usize::try_from(config.concurrency)?,
        ..AgentConfig::new(url, Token::new(token.trim()))
    };
    agent::run(config, stopping).await?;
    Ok(())
}

/// An address of this machine on which a server that listens on `address` is reached.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
