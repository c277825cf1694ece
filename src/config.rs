//! The configuration: a TOML file with a section per concern, overlaid by environment variables.
//!
//! Each section is one file and one `section!`: that definition gives the struct, the defaults, the
//! example file and the names of the environment variables, so that they cannot disagree.

mod agent;
mod auth;
mod billing;
mod database;
mod example;
mod graphql;
mod http;
mod log;
mod metrics;
mod network;
mod overlay;
mod records;
mod rules;
mod secrets;
mod section;
mod stream;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::section::{Key, Problems, Section};
pub use self::{
    agent::Agent,
    auth::Auth,
    billing::Billing,
    database::Database,
    example::example,
    graphql::Graphql,
    http::Http,
    log::{Log, LogFormat},
    metrics::Metrics,
    network::Network,
    records::Records,
    rules::Rules,
    secrets::{KeySource, Secrets},
    stream::Stream,
};
use crate::domain::Settings;

/// Everything that an operator can set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept.
    pub database: Database,
    /// How the API is served.
    pub http: Http,
    /// How WebSockets and event streams are served.
    pub stream: Stream,
    /// Times and limits of operations.
    pub rules: Rules,
    /// What usage is billed by.
    pub billing: Billing,
    /// How long records are kept.
    pub records: Records,
    /// Signing in.
    pub auth: Auth,
    /// The keys that secrets are encrypted with.
    pub secrets: Secrets,
    /// Limits of single GraphQL requests.
    pub graphql: Graphql,
    /// What is written to the log, and how.
    pub log: Log,
    /// Who may read what the gateway counts.
    pub metrics: Metrics,
    /// The agent in the gateway's own process.
    pub agent: Agent,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}", path = .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value is of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// There is no such section, key or variable.
    #[error("{0}")]
    Unknown(String),
    /// The keys that secrets are encrypted with cannot be had.
    #[error(transparent)]
    Secrets(#[from] secrets::Error),
    /// Values that make no sense, each with what to do.
    #[error("the configuration makes no sense: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Config {
    /// The sections, in the order of the example.
    const SECTIONS: &[SectionInfo] = &[
        SectionInfo::of::<Database>(),
        SectionInfo::of::<Http>(),
        SectionInfo::of::<Stream>(),
        SectionInfo::of::<Rules>(),
        SectionInfo::of::<Billing>(),
        SectionInfo::of::<Records>(),
        SectionInfo::of::<Auth>(),
        SectionInfo::of::<Secrets>(),
        SectionInfo::of::<Graphql>(),
        SectionInfo::of::<Log>(),
        SectionInfo::of::<Metrics>(),
        SectionInfo::of::<Agent>(),
    ];

    /// Reads `file`, if there is one, overlays it with this process's environment, and checks it.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|source| Error::Read {
                path: path.to_owned(),
                source,
            })?,
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            // A variable of ours has a name and a value that are text.
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        });
        Self::read(&text, variables).map_err(|error| match (error, file) {
            (Error::Syntax(message), Some(path)) => {
                Error::Syntax(format!("{}: {message}", path.display()))
            }
            (error, _) => error,
        })
    }

    /// The configuration that `text` and `variables` give.
    pub fn read(
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| Error::Syntax(syntax(text, &error)))?;
        overlay::refuse_unknown_keys(&table)?;
        overlay::apply(&mut table, variables)?;
        let config: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| Error::Syntax(one_line(&without_value(&error))))?;
        config.validate()?;
        Ok(config)
    }

    /// Fails when values make no sense, with every reason at once.
    pub fn validate(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        self.database.check(&mut problems);
        self.http.check(&mut problems);
        self.stream.check(&mut problems);
        self.rules.check(&mut problems);
        self.billing.check(&mut problems);
        self.records.check(&mut problems);
        self.auth.check(&mut problems);
        self.graphql.check(&mut problems);
        self.log.check(&mut problems);
        self.metrics.check(&mut problems);
        self.agent.check(&mut problems);
        match problems.into_vec() {
            problems if problems.is_empty() => Ok(()),
            problems => Err(Error::Invalid(problems)),
        }
    }

    /// The times and limits that the domain keeps.
    pub fn settings(&self) -> Settings {
        Settings {
            cooldown: self.rules.cooldown(),
            deadline: self.rules.deadline(),
            lease: self.rules.lease(),
            heartbeat: self.rules.heartbeat(),
            in_flight_limit: self.rules.in_flight_limit,
            volume_limit: self.rules.volume_limit,
            volume_bytes_limit: self.rules.volume_bytes_limit,
            waiting_limit: self.rules.waiting_limit,
            max_attempts: self.rules.max_attempts,
            stream_refresh: self.rules.stream_refresh(),
            session: self.auth.session(),
            hashes_at_once: self.auth.hashes_at_once,
            hashes_waiting: self.auth.hashes_waiting,
            storage_test: self.rules.storage_test(),
            measure_interval: self.rules.measure_interval(),
            close_after: self.billing.close_after(),
            records: self.records.kept(),
        }
    }
}

/// What is known of a section without a value of it.
#[derive(Debug)]
struct SectionInfo {
    name: &'static str,
    about: &'static [&'static str],
    keys: &'static [Key],
}

impl SectionInfo {
    const fn of<S: Section>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            keys: S::KEYS,
        }
    }
}

/// Where a file is no TOML, and why. Its own text is not repeated: it may be a secret.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", one_line(error.message()))
}

/// Which key is of a wrong kind, and why, without the text that stands there.
fn without_value(error: &toml::de::Error) -> String {
    let message = error.to_string();
    match (message.split_once("string \""), message.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) => format!("{before}a string{after}"),
        _ => message,
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
