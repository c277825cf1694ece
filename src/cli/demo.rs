//! `tidemark demo`: the whole of Tidemark on one machine with nothing to set up.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Args;
use tidemark::config::Config;

use super::{open_with_log, serve::serve};

/// Serve the API with a data directory of its own.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where everything is kept. It is made when it is not there.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("cannot make {}", self.data.display()))?;
        let data = self
            .data
            .canonicalize()
            .with_context(|| format!("cannot find {}", self.data.display()))?;
        let mut config = Config::default();
        config.database.url = format!("sqlite://{}", data.join("tidemark.db").display());
        config.http.listen = self.listen;
        config.graphql.graphiql = true;
        config.agent.state_dir = data.join("agent");
        let app = open_with_log(&config).await?;
        app.database
            .migrate()
            .await
            .context("the database cannot be migrated")?;
        tracing::info!("queries are written at http://{}/graphiql", self.listen);
        serve(&config, app, false).await
    }
}
