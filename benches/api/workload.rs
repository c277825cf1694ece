//! What is asked, of each contestant in its own words, and what has to come back.

use std::sync::Arc;

use bytes::Bytes;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::contestant::Who;

/// The page that a customer's list shows. The statements in `bare/` answer the same.
const PAGE: &str = "query Page($first: Int!) { volumes(first: $first) { nodes {
    id name sizeBytes storageType status createdAt
    plan { id name sizeBytes maxSnapshots maxBackups }
    snapshots(first: 5) { nodes { id name status createdAt } }
    backups(first: 5) { nodes { id name status storedBytes createdAt } }
} pageInfo { hasNextPage } } }";
const RENAME: &str = "mutation Rename($input: UpdateVolumeInput!) {
    updateVolume(input: $input) { volume { id name } } }";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// A page of 20 volumes with snapshots, backups and plan.
    #[value(name = "page20")]
    Page20,
    /// The same of 100.
    #[value(name = "page100")]
    Page100,
    /// `{ __typename }`: what a request costs before anything is read.
    #[value(name = "typename")]
    Typename,
    /// A mutation: calling a volume something else, which is noted in the audit trail.
    #[value(name = "rename")]
    Rename,
}

impl Workload {
    /// What it is called in a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page20 => "a page of 20 volumes",
            Self::Page100 => "a page of 100 volumes",
            Self::Typename => "`{ __typename }`",
            Self::Rename => "renaming a volume",
        }
    }

    /// How many volumes are on the page, if it is one.
    pub fn rows(self) -> Option<usize> {
        match self {
            Self::Page20 => Some(20),
            Self::Page100 => Some(100),
            Self::Typename | Self::Rename => None,
        }
    }
}

/// One request: what is sent, and what has to come back.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where to.
    pub path: &'static str,
    /// What is sent.
    pub body: Bytes,
    /// What has to come back.
    pub reply: Reply,
}

/// What has to come back.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Anything that has data.
    Any,
    /// These bytes.
    Exactly(Bytes),
    /// Something with this text.
    With(String),
}

impl Reply {
    /// Whether `answer` is it.
    pub fn is(&self, answer: &[u8]) -> bool {
        match self {
            Self::Any => serde_json::from_slice::<Value>(answer)
                .is_ok_and(|answer| answer["data"].is_object()),
            Self::Exactly(bytes) => bytes == answer,
            Self::With(text) => std::str::from_utf8(answer).is_ok_and(|it| it.contains(text)),
        }
    }
}

/// What one client asks, again and again.
#[derive(Debug)]
pub enum Questions {
    /// Always the same.
    Same(Question),
    /// Each time another volume is called something that nothing was called before.
    Renames {
        who: Who,
        volumes: Arc<[String]>,
        random: fastrand::Rng,
        count: u32,
        client: u64,
    },
}

impl Questions {
    /// What the client with this number asks. `reply` is what has to come back where that is always the same.
    pub fn new(
        (who, workload): (Who, Workload),
        reply: Reply,
        volumes: &Arc<[String]>,
        client: u64,
    ) -> Self {
        if workload == Workload::Rename {
            return Self::Renames {
                who,
                volumes: Arc::clone(volumes),
                // The same volumes in the same order for each contestant.
                random: fastrand::Rng::with_seed(client),
                count: 0,
                client,
            };
        }
        let (path, body) = match (who, workload.rows()) {
            (Who::Bare, Some(first)) => ("/page", json!({ "first": first })),
            (_, Some(first)) => (
                "/graphql",
                json!({ "query": PAGE, "variables": { "first": first } }),
            ),
            (Who::Bare, None) => ("/typename", json!({ "query": "{ __typename }" })),
            (_, None) => ("/graphql", json!({ "query": "{ __typename }" })),
        };
        Self::Same(Question {
            path,
            body: body.to_string().into(),
            reply,
        })
    }

    /// What is asked next.
    pub fn question(&mut self) -> Question {
        match self {
            Self::Same(question) => question.clone(),
            Self::Renames {
                who,
                volumes,
                random,
                count,
                client,
            } => {
                *count += 1;
                let volume = &volumes[random.usize(..volumes.len())];
                rename(*who, volume, &format!("disk {count} of client {client}"))
            }
        }
    }
}

/// Calls `volume` something else.
pub fn rename(who: Who, volume: &str, name: &str) -> Question {
    let (path, body) = if who == Who::Bare {
        ("/rename", json!({ "volumeId": volume, "name": name }))
    } else {
        let input = json!({ "volumeId": volume, "name": name });
        (
            "/graphql",
            json!({ "query": RENAME, "variables": { "input": input } }),
        )
    };
    Question {
        path,
        body: body.to_string().into(),
        reply: Reply::With(format!("\"{name}\"")),
    }
}
