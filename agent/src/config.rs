//! What an agent has to be told before it can start.

use std::{num::NonZeroU64, path::PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::{driver::Tools, link::Token};

/// An agent's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The gateway's base address, such as `https://tidemark.example.org`.
    pub gateway_url: String,
    /// The token that the gateway gave when the hypervisor was enrolled.
    pub token: Token,
    /// A directory of the agent's own, for its lock and its sockets.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
    /// How many operations it works on at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// How many bytes per second it moves to and from backup storages in all; no limit without it.
    #[serde(default)]
    pub bandwidth_limit_bytes_per_second: Option<NonZeroU64>,
    /// For how many seconds an operation waits for a backup storage that is busy or away, once it has taken or
    /// given something; before that, for half a minute.
    #[serde(default = "default_storage_patience_seconds")]
    pub storage_patience_seconds: u64,
    /// The programs that it runs.
    #[serde(default)]
    pub tools: Tools,
}

/// Why there is no configuration. It never repeats what stands in the file, which may be the token.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is no TOML.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A setting is missing, unknown or of a wrong kind.
    #[error("{0}")]
    Setting(String),
}

impl AgentConfig {
    /// The configuration that a file's `text` gives, with the `given` settings laid over it.
    pub fn read(
        text: &str,
        given: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings: Table = text.parse().map_err(|error| syntax(text, &error))?;
        for (name, value) in given {
            settings.insert(name.to_owned(), Value::String(value));
        }
        let config = settings.try_into();
        config.map_err(|error| ConfigError::Setting(without_value(&error.to_string())))
    }

    /// A configuration with everything else at its default.
    pub fn new(gateway_url: impl Into<String>, token: Token) -> Self {
        Self {
            gateway_url: gateway_url.into(),
            token,
            state_dir: default_state_dir(),
            concurrency: default_concurrency(),
            bandwidth_limit_bytes_per_second: None,
            storage_patience_seconds: default_storage_patience_seconds(),
            tools: Tools::default(),
        }
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start));
    ConfigError::Syntax {
        line: before.unwrap_or_default().matches('\n').count() + 1,
        reason: one_line(error.message()),
    }
}

/// The words of an error about a setting, without the value that is wrong.
fn without_value(message: &str) -> String {
    let message = one_line(message);
    let shown = message
        .split_once(": ")
        .zip(message.rsplit_once(", expected "));
    match shown {
        Some(((kind, _), (_, expected))) if kind.starts_with("invalid ") => {
            format!("{kind}, expected {expected}")
        }
        _ => message,
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where an agent keeps its state unless it is told otherwise.
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/tidemark-agent")
}

/// How many operations an agent works on at once unless it is told otherwise.
pub fn default_concurrency() -> usize {
    4
}

/// For how many seconds a backup storage is waited for unless an agent is told otherwise.
pub fn default_storage_patience_seconds() -> u64 {
    15 * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "gateway_url = \"http://gateway\"\n";

    fn refused(rest: &str) -> String {
        let text = format!("{URL}{rest}");
        AgentConfig::read(&text, []).unwrap_err().to_string()
    }

    #[test]
    fn a_file_and_what_is_given_are_one_configuration() {
        let text = format!("{URL}token = \"old\"\nconcurrency = 2\n");
        let read = AgentConfig::read(&text, [("token", "new".to_owned())]).unwrap();
        let expected = AgentConfig::new("http://gateway", Token::new("new"));
        let concurrency = 2;
        assert_eq!(
            read,
            AgentConfig {
                concurrency,
                ..expected
            }
        );
    }

    #[test]
    fn a_broken_file_is_refused_by_its_line_and_never_shown() {
        for broken in [
            "token = \"hunter2\nconcurrency = 2\n",
            "token = hunter2\n",
            "token \"hunter2\"\n",
            "hunter2\n",
        ] {
            let told = refused(broken);
            assert!(told.starts_with("line 2: "), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_setting_of_a_wrong_kind_is_refused_by_its_name_and_never_shown() {
        for (broken, named) in [
            ("token = 19841984\n", "token"),
            ("token = [\"19841984\"]\n", "token"),
            (
                "token = \"x\"\nconcurrency = \"19841984, expected\"\n",
                "concurrency",
            ),
            ("token = \"x\"\nconcurency = 19841984\n", "concurency"),
            ("", "token"),
        ] {
            let told = refused(broken);
            assert!(told.contains(named), "{told}");
            assert!(!told.contains("19841984"), "{told}");
        }
    }
}
