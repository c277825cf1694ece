//! The name of an object: a relative path that means the same in a directory and in a bucket.

use std::fmt;

/// The longest name of one component that every file system takes, less what a temporary name adds.
const MAX_COMPONENT: usize = 200;
const MAX_PATH: usize = 900;
/// What Tidemark keeps for itself in a place.
const OWN_DIRECTORY: &str = ".tidemark";
/// What lies in a place in which nothing lies: what file systems and servers bring, what tests of a backup
/// storage leave, and the marker itself.
const NOTHING: [&str; 4] = [OWN_DIRECTORY, "lost+found", ".snapshot", "probes"];
/// The directory that stays when the last backup goes.
pub(crate) const OUTERMOST: &str = "volumes";

/// A validated path below a destination's root, such as `volumes/…/manifest.json`.
///
/// Components consist of ASCII letters, digits, `-`, `_` and `.`, and do not begin with a dot. So a
/// path can neither leave its root nor meet a temporary name, which does begin with one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectPath(String);

/// A path that could leave the destination, or that cannot be stored everywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is no valid object path: {reason}")]
pub struct InvalidPath {
    /// The path as it was given.
    path: String,
    /// The rule that it breaks.
    reason: &'static str,
}

impl ObjectPath {
    /// Checks and takes a path.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidPath> {
        let path = path.into();
        match broken_rule(&path) {
            None => Ok(Self(path)),
            Some(reason) => Err(InvalidPath { path, reason }),
        }
    }

    /// A path below this one.
    pub fn join(&self, below: &str) -> Result<Self, InvalidPath> {
        Self::new(format!("{}/{below}", self.0))
    }

    /// Where a place says whose it is. No other path begins like it, so that no listing shows it.
    pub fn marker() -> Self {
        Self(format!("{OWN_DIRECTORY}/owner.json"))
    }

    /// Whether this is where a place says whose it is.
    pub(crate) fn is_marker(&self) -> bool {
        self.components().next() == Some(OWN_DIRECTORY)
    }

    /// The path as text, components separated by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this is `prefix` itself or lies below it, by whole components.
    pub fn is_below(&self, prefix: &Self) -> bool {
        self.0
            .strip_prefix(&prefix.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether something directly in a place counts for nothing when it is asked whether the place is empty.
pub(crate) fn is_nothing(name: &str) -> bool {
    NOTHING.contains(&name)
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn broken_rule(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > MAX_PATH {
        return Some("it is too long");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    path.split('/').find_map(|component| {
        if component.is_empty() {
            Some("a component is empty")
        } else if component.starts_with('.') {
            Some("a component begins with a dot")
        } else if component.len() > MAX_COMPONENT {
            Some("a component is too long")
        } else if !component
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            Some("a component has characters other than letters, digits, '-', '_' and '.'")
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_root() {
        for path in [
            "", "/etc", "..", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\\b", "a b", "ä",
        ] {
            assert!(ObjectPath::new(path).is_err(), "{path:?} was accepted");
        }
    }

    #[test]
    fn a_prefix_covers_whole_components_only() {
        let prefix = ObjectPath::new("volumes/a").unwrap();
        assert!(prefix.is_below(&prefix));
        assert!(ObjectPath::new("volumes/a/b").unwrap().is_below(&prefix));
        assert!(!ObjectPath::new("volumes/ab").unwrap().is_below(&prefix));
    }
}
