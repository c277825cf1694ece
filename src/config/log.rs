//! `[log]`: what is written to the log, and how.

use serde::{Deserialize, Serialize};

use super::section::{Problems, section};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

section! {
    /// What is written to the log, which is standard error.
    Log = "log" {
        /// "text" for people or "json" for programs.
        format: LogFormat = LogFormat::Text;
        /// The least level that is written (error, warn, info, debug or trace), also by part:
        /// `info,tidemark::http=debug`.
        filter: String = "info".to_owned();
    }
}

impl Log {
    pub(super) fn check(&self, problems: &mut Problems) {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            problems.unless(false, format!("log.filter cannot be read: {error}"));
        }
    }
}
