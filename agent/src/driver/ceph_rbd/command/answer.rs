//! What `rbd` answers.

use serde::Deserialize;

/// What an image is like.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Info {
    /// What it is called inside the cluster, whatever its name.
    pub(in super::super) id: Option<String>,
    pub(in super::super) size: u64,
    /// The group of images that it is in.
    pub(in super::super) group: Option<String>,
    /// Nothing of this is known, because it cannot be opened.
    #[serde(skip)]
    pub(in super::super) is_damaged: bool,
}

impl Info {
    /// Of an image that is there and cannot be opened.
    pub(in super::super) fn damaged() -> Self {
        Self {
            id: None,
            size: 0,
            group: None,
            is_damaged: true,
        }
    }
}

/// A snapshot in an image's list.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Listed {
    pub(in super::super) id: u64,
    pub(in super::super) name: String,
    pub(in super::super) size: u64,
    /// A word.
    protected: String,
    /// Whose it is, where all are listed.
    namespace: Option<Namespace>,
}

#[derive(Debug, Deserialize)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
}

impl Listed {
    pub(in super::super) fn is_protected(&self) -> bool {
        self.protected == "true"
    }

    /// Whether it was taken of a group of images.
    pub(in super::super) fn is_of_group(&self) -> bool {
        let namespace = self.namespace.as_ref();
        namespace.is_some_and(|namespace| namespace.kind == "group")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) watchers: Vec<Watcher>,
}

/// A client that has an image open to write.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Watcher {
    pub(in super::super) address: String,
}

/// A lock, and who holds it.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Lock {
    pub(super) id: String,
    pub(super) locker: String,
}

/// An image that stands on a snapshot of another.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Child {
    pub(in super::super) pool: String,
    pub(in super::super) image: String,
}
