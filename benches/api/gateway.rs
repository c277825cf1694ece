//! The gateway, with all settings as they are shipped but where it listens, where its database is, and what a benchmark says.

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::contestant::{Contestant, Who};

/// A gateway's program and its settings.
pub struct Gateway<'a> {
    /// Where its database is.
    pub url: &'a str,
    /// Where its log goes.
    pub directory: &'a Path,
    /// Settings that are not as shipped, as variables of its environment.
    pub settings: &'a [(&'a str, String)],
}

impl Gateway<'_> {
    /// Brings the database to the schema of this build.
    pub async fn migrate(&self) -> Result<()> {
        run(self.command(&["migrate"])).await
    }

    /// Makes somebody who can sign in.
    pub async fn create_user(&self, email: &str, password: &str, admin: bool) -> Result<()> {
        let mut command = self.command(&["user", "create", "--email", email, "--account", email]);
        if admin {
            command.arg("--admin");
        }
        command.env("TIDEMARK_PASSWORD", password);
        run(command).await
    }

    /// Starts it.
    pub async fn serve(&self) -> Result<Contestant> {
        let log = self.directory.join("gateway.log");
        let command = self.command(&["serve"]);
        Contestant::start_logging(Who::Tidemark, command, &log, "serving address=").await
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidemark"));
        // Settings of whoever measures are not for this gateway.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"TIDEMARK_") {
                command.env_remove(name);
            }
        }
        command
            .args(words)
            .current_dir(self.directory)
            .env("TIDEMARK_DATABASE_URL", self.url)
            .env("TIDEMARK_HTTP_LISTEN", "127.0.0.1:0")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

async fn run(mut command: Command) -> Result<()> {
    let output = command.output().await?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {complaint}");
    Ok(())
}
