//! `[secrets]`: the keys that secrets are encrypted with before they are kept.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use storage::Secret;

use super::section::section;
use crate::secret::{BadKey, Keys};

section! {
    /// Secrets of backup storages and storage pools are encrypted before they are kept.
    Secrets = "secrets" {
        /// The keys: the first one encrypts, all of them decrypt. Each is `file:PATH`, a file that
        /// holds it, or `base64:KEY`, the key itself; `tidemark secrets new-key` prints one. Without
        /// any, no secrets can be kept.
        keys: Vec<KeySource> = Vec::new();
    }
}

/// Where a key is.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// Here.
    Value(Secret),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read the key {path}: {source}", path = .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was read is no key.
    #[error("secrets.keys: {at:?}: {reason}")]
    NoKey {
        /// Where it was read.
        at: KeySource,
        /// Why.
        reason: BadKey,
    },
}

impl Secrets {
    /// The keys themselves.
    pub fn load(&self) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        for source in &self.keys {
            let key = source.read()?;
            keys.add(&key).map_err(|reason| Error::NoKey {
                at: source.clone(),
                reason,
            })?;
        }
        Ok(keys)
    }
}

impl KeySource {
    fn read(&self) -> Result<Secret, Error> {
        match self {
            Self::Value(key) => Ok(key.clone()),
            Self::File(path) => {
                let text = std::fs::read_to_string(path);
                text.map(Secret::new).map_err(|source| Error::Read {
                    path: path.clone(),
                    source,
                })
            }
        }
    }
}

impl TryFrom<String> for KeySource {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // What is neither may still be a key: it is not repeated.
        if let Some(path) = text.strip_prefix("file:") {
            Ok(Self::File(PathBuf::from(path)))
        } else if let Some(key) = text.strip_prefix("base64:") {
            Ok(Self::Value(Secret::new(key)))
        } else {
            Err("an item of secrets.keys is neither file:PATH nor base64:KEY")
        }
    }
}

impl From<KeySource> for String {
    /// For the example only, which has no keys: a key is not written down.
    fn from(source: KeySource) -> Self {
        format!("{source:?}")
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Value(_) => f.write_str("base64:…"),
        }
    }
}
