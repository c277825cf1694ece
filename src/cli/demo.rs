//! `tidemark demo`: the whole of Tidemark on one machine with nothing to set up.

mod filesystem;
mod seed;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use tidemark::{
    config::{Config, KeySource},
    secret::new_key,
};
use tokio::fs;

use self::seed::SignIn;
use super::{open_with_log, serve::serve};

/// Serve the API and run an agent, with a data directory of their own that is filled at first with
/// an administrator, two customers and their volumes.
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
        let layout = Layout::prepare(&self.data).await?;
        layout.ensure_secrets_key().await?;
        let config = self.config(&layout)?;
        let app = open_with_log(&config).await?;
        app.database
            .migrate()
            .await
            .context("the database cannot be migrated")?;
        let sign_ins = if layout.is_seeded() {
            layout.read_sign_ins().await?
        } else {
            seed::platform(&app, &layout).await?
        };
        let welcome = {
            let (app, address) = (app.clone(), self.listen);
            tokio::spawn(async move {
                match seed::volumes(&app, &layout, &sign_ins).await {
                    Ok(()) => println!("{}", welcome(address, &layout, &sign_ins)),
                    Err(error) => tracing::error!("the demo's volumes are missing: {error:#}"),
                }
            })
        };
        let served = serve(&config, app, true).await;
        welcome.abort();
        served
    }

    /// The environment's, but for what makes it the demo.
    fn config(&self, layout: &Layout) -> anyhow::Result<Config> {
        let mut config = Config::load(None)?;
        config.database.url = format!("sqlite://{}", layout.database().display());
        config.http.listen = self.listen;
        config.graphql.graphiql = true;
        // The welcome is what its reader looks for; what happens is seen through the API.
        if std::env::var_os("TIDEMARK_LOG_FILTER").is_none() {
            "warn".clone_into(&mut config.log.filter);
        }
        config.secrets.keys = vec![KeySource::File(layout.secrets_key())];
        config.agent.state_dir = layout.agent_state();
        config.agent.token_file = layout.agent_token();
        Ok(config)
    }
}

/// What lies where in the data directory.
#[derive(Clone, Debug)]
pub(super) struct Layout(PathBuf);

impl Layout {
    /// Makes the directory, and clears away what an interrupted first start left in it.
    async fn prepare(data: &Path) -> anyhow::Result<Self> {
        let cannot_make = || format!("cannot make {}", data.display());
        fs::create_dir_all(data).await.with_context(cannot_make)?;
        let data = fs::canonicalize(data).await.with_context(cannot_make)?;
        let layout = Self(data);
        if layout.is_seeded() {
            return Ok(layout);
        }
        let began = layout.0.join("seeding");
        if !fs::try_exists(&began).await? {
            let mut entries = fs::read_dir(&layout.0).await?;
            if entries.next_entry().await?.is_some() {
                bail!(
                    "{} is not empty and was not made by `tidemark demo`: choose another --data",
                    layout.0.display()
                );
            }
        }
        fs::write(&began, "").await.with_context(cannot_make)?;
        for made in ["tidemark.db", "tidemark.db-wal", "tidemark.db-shm"] {
            remove(fs::remove_file(layout.0.join(made)).await)?;
        }
        for made in [layout.pool(), layout.backups()] {
            remove(fs::remove_dir_all(&made).await)?;
            fs::create_dir(&made).await.with_context(cannot_make)?;
        }
        Ok(layout)
    }

    fn is_seeded(&self) -> bool {
        self.0.join("sign-ins.txt").exists()
    }

    fn database(&self) -> PathBuf {
        self.0.join("tidemark.db")
    }

    fn pool(&self) -> PathBuf {
        self.0.join("pool")
    }

    fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    fn agent_state(&self) -> PathBuf {
        self.0.join("agent")
    }

    fn agent_token(&self) -> PathBuf {
        self.0.join("agent.token")
    }

    fn secrets_key(&self) -> PathBuf {
        self.0.join("secrets.key")
    }

    /// The key that secrets are encrypted with, made once.
    async fn ensure_secrets_key(&self) -> anyhow::Result<()> {
        let path = self.secrets_key();
        if !fs::try_exists(&path).await? {
            filesystem::write_secret(&path, new_key()?.expose()).await?;
        }
        Ok(())
    }

    async fn read_sign_ins(&self) -> anyhow::Result<Vec<SignIn>> {
        let text = fs::read_to_string(self.0.join("sign-ins.txt")).await?;
        text.lines().map(SignIn::parse).collect()
    }

    /// The last file that the first start writes: with it the directory is complete.
    async fn write_sign_ins(&self, sign_ins: &[SignIn]) -> anyhow::Result<()> {
        let lines: Vec<_> = sign_ins.iter().map(SignIn::to_string).collect();
        filesystem::write_secret(&self.0.join("sign-ins.txt"), &lines.join("\n")).await?;
        fs::remove_file(self.0.join("seeding")).await?;
        Ok(())
    }
}

/// What is gone already need not be removed.
fn remove(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn welcome(address: SocketAddr, layout: &Layout, sign_ins: &[SignIn]) -> String {
    let people: Vec<_> = sign_ins
        .iter()
        .map(|one| format!("  {:<14} {}  {}", one.role, one.email, one.password))
        .collect();
    let customer = sign_ins
        .last()
        .map_or(("", ""), |one| (&*one.email, &*one.password));
    format!(
        r#"
Tidemark runs.

  API         http://{address}/graphql
  GraphiQL    http://{address}/graphiql
  Volumes     {pool}
  Backups     {backups}

Sign-ins (email, password):
{people}

A first query, to paste into GraphiQL or another shell:

  curl -s http://{address}/graphql -H 'Content-Type: application/json' \
    -d '{{"query":"mutation {{ signIn(input: {{email: \"{email}\", password: \"{password}\"}}) {{ token viewer {{ account {{ name }} }} }} }}"}}'

With its token as `Authorization: Bearer TOKEN`:

  {{ volumes {{ nodes {{ id name status actions {{ createSnapshot {{ allowed }} }} }} }} }}
"#,
        people = people.join("\n"),
        pool = layout.pool().display(),
        backups = layout.backups().display(),
        email = customer.0,
        password = customer.1,
    )
}
