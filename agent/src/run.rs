//! The agent's life, from its lock to its last child's end.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::AgentConfig,
    link::{self, Gateway, Link, Welcome},
    lock::Locks,
    operation::{Host, RealStores},
    process::Launcher,
    state::{self, StateDirectory},
    work::{Backoff, Worker},
};

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its directory cannot be used, or another agent uses it.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The gateway cannot be spoken to, and waiting will not help.
    #[error(transparent)]
    Link(#[from] link::Error),
    /// The machine refuses.
    #[error("the agent cannot start: {0}")]
    Io(#[from] std::io::Error),
}

/// Works for the gateway of `config` until `shutdown`.
///
/// It waits for the gateway if that is not up yet. When it is shut down, it stops what it is doing,
/// cleans up, and leaves its leases to its next start.
pub async fn run(config: AgentConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let state = StateDirectory::lock(&config.state_dir)?;
    let link = Gateway::new(&config.gateway_url, &config.token, state.id())?;
    let host = Host {
        launcher: Launcher::new(config.tools.setpriv.clone())?,
        tools: config.tools,
        run_directory: state.run().to_owned(),
        stores: Arc::new(
            RealStores::new(config.bandwidth_limit_bytes_per_second)
                .patient_for(Duration::from_secs(config.storage_patience_seconds)),
        ),
        locks: Locks::default(),
    };
    let Some(welcome) = shutdown
        .run_until_cancelled(greet(&link))
        .await
        .transpose()?
    else {
        return Ok(());
    };
    info!(
        hypervisor = welcome.hypervisor_name,
        "the agent has started"
    );
    Worker::new(Arc::new(link), host, welcome, config.concurrency, shutdown)
        .run()
        .await;
    info!("the agent has stopped");
    Ok(())
}

/// Says hello until the gateway answers. One that knows us not will not know us later.
async fn greet(link: &dyn Link) -> link::Result<Welcome> {
    let mut backoff = Backoff::new();
    loop {
        match link.hello().await {
            Err(error) if error.is_transient() && !error.is_unauthenticated() => {
                warn!(%error, "the gateway does not answer yet");
                backoff.wait().await;
            }
            answer => return answer,
        }
    }
}
