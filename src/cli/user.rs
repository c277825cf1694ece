//! `tidemark user`: the people who may sign in.

use std::io::{self, IsTerminal};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use entity::user::Role;
use tidemark::{
    domain::user::{self, change},
    events::bus::Bus,
};

use super::{ConfigFile, open};

/// Where a password may be given. Never in an argument: those are for everybody on the machine to see.
const PASSWORD: &str = "TIDEMARK_PASSWORD";

/// The people who may sign in.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user. The password is read from standard input, or from `TIDEMARK_PASSWORD`.
    Create(Create),
    /// Give a user another password, and end their sessions. The password is read as for `create`.
    SetPassword(SetPassword),
}

/// Give a user another password.
#[derive(Debug, Args)]
pub(super) struct SetPassword {
    #[command(flatten)]
    file: ConfigFile,
    /// What they sign in with.
    #[arg(long)]
    email: String,
}

/// Make a user.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// What they sign in with.
    #[arg(long)]
    email: String,
    /// The name of their account. It is made when there is none.
    #[arg(long)]
    account: String,
    /// Make them an administrator.
    #[arg(long)]
    admin: bool,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run().await,
            Self::SetPassword(set) => set.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let password = password()?;
        let app = open(&config).await?;
        let role = if self.admin { Role::Admin } else { Role::User };
        let user =
            user::create_in_account_named(&app, &self.account, &self.email, password, role).await?;
        app.database.close().await?;
        println!("{}", user.id);
        Ok(())
    }
}

impl SetPassword {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let password = password()?;
        let app = open(&config).await?;
        // Gateways that run meanwhile end the streams of the sessions that end.
        let bus = Bus::of(&app);
        bus.open();
        let user = change::set_password_of(&app, &self.email, password).await?;
        bus.tell().await;
        app.database.close().await?;
        println!("{}", user.id);
        Ok(())
    }
}

fn password() -> anyhow::Result<String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    let input = io::stdin();
    if input.is_terminal() {
        bail!("give the password on standard input (… < FILE) or in {PASSWORD}");
    }
    let mut password = String::new();
    input
        .read_line(&mut password)
        .context("cannot read the password")?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}
