//! `tidemark serve`: the gateway, until it is told to stop.

use anyhow::{Context, bail};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tidemark::{
    app::App,
    config::Config,
    database::Share,
    domain::{self, installation, operation::progress, refused, secret},
    events::bus::Bus,
    graphql::{self, Schema},
    http::{MetricsServer, Server},
    lifecycle::Lifecycle,
    task,
};

use super::{ConfigFile, embedded_agent, open_with_log};

/// Serve the API.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// Also run the agent of this machine's hypervisor in this process.
    #[arg(long)]
    with_agent: bool,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let app = open_with_log(&config).await?;
        let missing = app
            .database
            .pending_migrations()
            .await
            .context("the database's migrations cannot be read")?;
        if missing > 0 {
            bail!("the database lacks {missing} migrations: run `tidemark migrate` first");
        }
        check_secrets(&app).await?;
        serve(&config, app, self.with_agent).await
    }
}

/// Each connection is an open file. Of those that the system lets it have, a process may open few unless it asks for more.
fn raise_file_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Fails when secrets are kept whose key is not configured: what needs them would fail. A single one
/// that is damaged keeps nobody from the rest.
async fn check_secrets(app: &App) -> anyhow::Result<()> {
    for kept in secret::list(app.database.reads()).await? {
        match kept.open(app) {
            Ok(_) => {}
            Err(domain::Error::SecretUnreadable {
                owner,
                cause: cause @ secret::Cause::UnknownKey(_),
            }) => bail!(
                "the secret of {owner} cannot be decrypted: {cause}; add the key to secrets.keys, or \
                 see \"Secrets\" in docs/operations.md if it is lost"
            ),
            Err(error) => tracing::error!("{error}: set it anew"),
        }
    }
    Ok(())
}

/// Serves `app` until it is told to stop, then closes its database.
pub(super) async fn serve(config: &Config, mut app: App, with_agent: bool) -> anyhow::Result<()> {
    raise_file_limit();
    let metrics = app.metrics.clone();
    app.database.observe(move |info| {
        metrics.ran(&info.statement.sql, info.elapsed, info.failed);
    });
    installation::id(&app)
        .await
        .context("the installation has no id, and none can be kept")?;
    let server = Server::bind(config.http.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.http.listen))?;
    let lifecycle = Lifecycle::new();
    lifecycle
        .stop_on_signal()
        .context("cannot wait for signals")?;
    let address = server.address();
    if with_agent {
        let agent = config.agent.clone();
        lifecycle.spawn_agent(|stopping| async move {
            embedded_agent::run(agent, address, stopping).await
        });
    }
    let bus = Bus::of(&app);
    lifecycle.spawn_task("the bus", |stopping| async move {
        bus.run(stopping).await;
        Ok::<_, domain::Error>(())
    });
    if let Some(address) = config.metrics.address() {
        let server = MetricsServer::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} for metrics"))?;
        let app = app.share(Share::Agents);
        lifecycle.spawn_task("the metrics", |stopping| server.serve(app, stopping));
    }
    for task in task::all(&app, config.rules.cleanup_interval()) {
        let app = app.clone();
        lifecycle.spawn_task(task.name(), |stopping| task.run(app, stopping));
    }
    let schema = schema(config, app.clone());
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    let ended = lifecycle.run(server, app.clone(), schema, config).await;
    if let Err(error) = refused::keep(&app).await {
        tracing::error!(%error, "what strangers were refused since was not counted");
    }
    if let Err(error) = progress::keep(&app).await {
        tracing::error!(%error, "what agents reported last of how far they are was not written");
    }
    app.database
        .close()
        .await
        .context("the database does not close")?;
    tracing::info!("stopped");
    Ok(ended?)
}

fn schema(config: &Config, app: App) -> Schema {
    let builder = graphql::builder(app).limits(config.graphql.limits());
    if config.graphql.introspection {
        builder.finish()
    } else {
        builder.disable_introspection().finish()
    }
}
