//! `tidemark secrets`: the keys that secrets are encrypted with.

use anyhow::Context;
use clap::Subcommand;
use tidemark::{domain::secret, secret::new_key};

use super::{ConfigFile, open};

/// The keys that secrets are encrypted with.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a new key, for a file that `secrets.keys` names.
    NewKey,
    /// Encrypt with the first key what was encrypted with another, which is then needed no more.
    Reencrypt(ConfigFile),
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::NewKey => println!("{}", new_key()?.expose()),
            Self::Reencrypt(file) => reencrypt(&file).await?,
        }
        Ok(())
    }
}

async fn reencrypt(file: &ConfigFile) -> anyhow::Result<()> {
    let app = open(&file.load()?).await?;
    let changed = secret::reencrypt(&app)
        .await
        .context("nothing was encrypted anew")?;
    let kept = secret::list(app.database.reads()).await?.len();
    app.database.close().await?;
    println!("Encrypted {changed} of {kept} secrets anew. All are encrypted with the first key.");
    Ok(())
}
