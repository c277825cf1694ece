//! The command line. What goes wrong is one line on standard error, and a code: 0 done, 1 failed,
//! 2 the command or the configuration is wrong.

mod config;
mod demo;
mod doctor;
mod embedded_agent;
mod errors;
mod migrate;
mod schema;
mod secrets;
mod serve;
mod user;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use sea_orm::DbErr;
use tidemark::{app::App, config::Config, database::Database, telemetry};

/// GraphQL gateway for volume snapshots and backups.
#[derive(Debug, Parser)]
#[command(name = "tidemark", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API.
    Serve(serve::Serve),
    /// Serve the API with a data directory of its own and nothing to set up: to try it out.
    Demo(demo::Demo),
    /// Bring the database's schema to what this build needs.
    Migrate(ConfigFile),
    /// Print the API's schema.
    Schema,
    /// Print the table of the API's error codes.
    Errors,
    /// What can be configured.
    #[command(subcommand)]
    Config(config::Command),
    /// The keys that secrets are encrypted with.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// The people who may sign in.
    #[command(subcommand)]
    User(user::Command),
    /// Look for what would keep the gateway from working, and say what to do about it.
    Doctor(ConfigFile),
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file. Without one, the defaults and the environment hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref())?)
    }
}

/// How long what still waits for a disk may take once everything else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start threads")),
    };
    let outcome = runtime.block_on(cli.command.run());
    // A pool behind a network that is gone may never answer the agent in here.
    runtime.shutdown_timeout(LAST_WAIT);
    outcome.unwrap_or_else(|error| failed(&error))
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(serve) => serve.run().await?,
            Self::Demo(demo) => demo.run().await?,
            Self::Migrate(file) => migrate::run(&file).await?,
            Self::Schema => schema::run().await?,
            Self::Errors => errors::run(),
            Self::Config(command) => command.run()?,
            Self::Secrets(command) => command.run().await?,
            Self::User(command) => command.run().await?,
            Self::Doctor(file) => return doctor::run(&file).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The app on the configured database, with the configured keys.
async fn open(config: &Config) -> anyhow::Result<App> {
    let database = Database::connect(&config.database.url, config.database.max_connections);
    app(config, database).await
}

/// The same, with the log set up and all connections open: for what stays.
async fn open_with_log(config: &Config) -> anyhow::Result<App> {
    telemetry::init(&config.log)?;
    let database = Database::connect_at_once(&config.database.url, config.database.max_connections);
    app(config, database).await
}

async fn app(
    config: &Config,
    database: impl Future<Output = Result<Database, DbErr>>,
) -> anyhow::Result<App> {
    let keys = config
        .secrets
        .load()
        .map_err(tidemark::config::Error::from)?;
    let database = database.await.map_err(|error| {
        anyhow::anyhow!(
            "the database does not open: {error}; check database.url, or run `tidemark doctor`"
        )
    })?;
    Ok(App::new(database, config.settings()).with_keys(keys))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let message = format!("{error:#}");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("tidemark: {message}");
    if error.is::<tidemark::config::Error>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}
