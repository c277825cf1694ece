//! What can be watched, and the short names by which gateways tell each other of it.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entity::{AccountId, HypervisorId, OperationId, UserId, VolumeId};
use uuid::Uuid;

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A volume, its items, its lock and its cooldown.
    Volume(VolumeId),
    /// An operation and its phases.
    Operation(OperationId),
    /// How far an operation is, between its phases.
    Progress(OperationId),
    /// The timeline of all operations.
    Events,
    /// The timeline of one account's operations.
    EventsOf(AccountId),
    /// What waits for the agent of a hypervisor.
    Work(HypervisorId),
    /// Hypervisors that come and go.
    Hypervisors,
    /// Answers to tests of backup storages.
    StorageTests,
    /// A user's tokens that were revoked, and its rights.
    User(UserId),
    /// The tokens of a hypervisor's agent that were revoked.
    Agent(HypervisorId),
}

/// A letter, and 22 characters for an id.
impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, id) = match *self {
            Self::Volume(id) => ('v', id.as_uuid()),
            Self::Operation(id) => ('o', id.as_uuid()),
            Self::Progress(id) => ('p', id.as_uuid()),
            Self::EventsOf(id) => ('a', id.as_uuid()),
            Self::Work(id) => ('w', id.as_uuid()),
            Self::User(id) => ('u', id.as_uuid()),
            Self::Agent(id) => ('g', id.as_uuid()),
            Self::Events => return f.write_str("E"),
            Self::Hypervisors => return f.write_str("H"),
            Self::StorageTests => return f.write_str("S"),
        };
        write!(f, "{letter}{}", short(id))
    }
}

/// A text that names no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no topic")]
pub struct NoTopic;

impl FromStr for Topic {
    type Err = NoTopic;

    fn from_str(text: &str) -> Result<Self, NoTopic> {
        let mut letters = text.chars();
        let letter = letters.next().ok_or(NoTopic)?;
        let rest = letters.as_str();
        let id = || long(rest).ok_or(NoTopic);
        Ok(match letter {
            'v' => Self::Volume(VolumeId::from_uuid(id()?)),
            'o' => Self::Operation(OperationId::from_uuid(id()?)),
            'p' => Self::Progress(OperationId::from_uuid(id()?)),
            'a' => Self::EventsOf(AccountId::from_uuid(id()?)),
            'w' => Self::Work(HypervisorId::from_uuid(id()?)),
            'u' => Self::User(UserId::from_uuid(id()?)),
            'g' => Self::Agent(HypervisorId::from_uuid(id()?)),
            'E' if rest.is_empty() => Self::Events,
            'H' if rest.is_empty() => Self::Hypervisors,
            'S' if rest.is_empty() => Self::StorageTests,
            _ => return Err(NoTopic),
        })
    }
}

/// An id in 22 characters.
pub(super) fn short(id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The id that [`short`] wrote, or the database, which writes all of its characters.
pub(super) fn long(text: &str) -> Option<Uuid> {
    const WHOLE: usize = 36;
    if text.len() == WHOLE {
        return Uuid::try_parse(text).ok();
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Uuid::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_is_read_as_it_was_written() {
        let id = Uuid::from_u128(0x0190_a0a0_0000_7000_8000_ffff_ffff_ffff);
        let topics = [
            Topic::Volume(VolumeId::from_uuid(id)),
            Topic::Operation(OperationId::from_uuid(id)),
            Topic::Progress(OperationId::from_uuid(id)),
            Topic::Events,
            Topic::EventsOf(AccountId::from_uuid(id)),
            Topic::Work(HypervisorId::from_uuid(id)),
            Topic::Hypervisors,
            Topic::StorageTests,
            Topic::User(UserId::from_uuid(id)),
            Topic::Agent(HypervisorId::from_uuid(id)),
        ];
        for topic in topics {
            let text = topic.to_string();
            assert!(text.len() <= 23, "{text}");
            assert_eq!(text.parse(), Ok(topic));
        }
        let whole = format!("a{id}");
        assert_eq!(whole.parse(), Ok(Topic::EventsOf(AccountId::from_uuid(id))));
    }

    #[test]
    fn what_names_no_topic_is_refused() {
        for text in ["", "v", "vAAAA", "x", "Ex", "E E", "ö"] {
            assert_eq!(text.parse::<Topic>(), Err(NoTopic), "{text:?}");
        }
    }
}
