//! `tidemark config`: what can be configured.

use clap::Subcommand;

/// What can be configured.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every key with its default, its meaning and its environment variable.
    Example,
}

impl Command {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Example => print!("{}", tidemark::config::example()?),
        }
        Ok(())
    }
}
