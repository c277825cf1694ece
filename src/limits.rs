//! What one document may ask for, and how long lists are that have no pages: the only place where these figures
//! stand.

use std::time::Duration;

/// What one document may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep fields may nest. Introspection is not counted.
    pub max_depth: u32,
    /// How many fields the answer may have, if every page is full.
    pub max_complexity: u64,
    /// How many fields an operation may have at its root: each asks the database by itself.
    pub max_root_fields: u64,
    /// How many fields a mutation may have at its root: each changes something, or hashes a password.
    pub max_mutations: u64,
    /// How long the text of a document may be.
    pub max_document_bytes: u32,
    /// How many tokens it may have: names, values, punctuation.
    pub max_tokens: u32,
    /// How many bytes the answer to a query may have.
    pub max_answer_bytes: u32,
    /// How many seconds a query may take.
    pub query_timeout_seconds: u32,
}

impl Limits {
    /// Those of a gateway whose configuration says nothing else.
    pub const DEFAULT: Self = Self {
        max_depth: 16,
        max_complexity: 20_000,
        max_root_fields: 50,
        max_mutations: 10,
        max_document_bytes: 100_000,
        max_tokens: 10_000,
        max_answer_bytes: 32 << 20,
        query_timeout_seconds: 10,
    };
}

impl Limits {
    /// How long a query may take.
    pub fn query_timeout(&self) -> Duration {
        Duration::from_secs(self.query_timeout_seconds.into())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The most volumes that are attached to an instance.
pub const MAX_VOLUMES_OF_INSTANCE: u64 = 16;
/// The most bytes of an email address (RFC 5321, section 4.5.3.1.3).
pub const MAX_EMAIL_BYTES: usize = 254;
/// The most users of an account.
pub const MAX_USERS_OF_ACCOUNT: u64 = 64;
/// The most volume plans. Each group's are listed under it.
pub const MAX_PLANS: u64 = 50;
/// The most versions of one of a plan's rates that are told: the newest.
pub const MAX_RATE_VERSIONS: u64 = 50;
/// The most hypervisor groups.
pub const MAX_GROUPS: u64 = 64;
/// The most hypervisors of a group.
pub const MAX_HYPERVISORS_OF_GROUP: u64 = 64;
/// The most hypervisors.
pub const MAX_HYPERVISORS: u64 = 512;
/// The most storage pools.
pub const MAX_POOLS: u64 = 512;
/// The most backup storages.
pub const MAX_BACKUP_STORAGES: u64 = 64;
/// The most marks of a backup storage that are listed, those first at which something is wrong.
pub const MAX_MARKS: u64 = 16;
/// The most API tokens of a user.
pub const MAX_API_TOKENS: u64 = 100;
/// The most sessions of a user: one more ends the oldest.
pub const MAX_SESSIONS: u64 = 100;

/// How many rows a list of type `parent` holds that has no pages; none for what is no such list.
pub fn rows_of(parent: &str, field: &str) -> Option<u64> {
    Some(match (parent, field) {
        ("Instance", "volumes") => MAX_VOLUMES_OF_INSTANCE,
        ("Account", "users") => MAX_USERS_OF_ACCOUNT,
        ("Viewer", "apiTokens") => MAX_API_TOKENS,
        ("Viewer", "sessions") => MAX_SESSIONS,
        ("Query", "volumePlans") | ("HypervisorGroup", "plans") => MAX_PLANS,
        ("VolumePlan", "rates") => 2 * MAX_RATE_VERSIONS,
        ("Query", "hypervisorGroups") => MAX_GROUPS,
        ("HypervisorGroup", "hypervisors") => MAX_HYPERVISORS_OF_GROUP,
        ("Query", "hypervisors") => MAX_HYPERVISORS,
        ("Query", "storagePools") => MAX_POOLS,
        ("Query", "backupStorages") => MAX_BACKUP_STORAGES,
        ("StoragePool", "marks") | ("UsageGroups", "nodes") => 1,
        ("BackupStorage", "marks") => MAX_MARKS,
        ("AgentMark", "witnesses") => 5,
        ("Query", "errorCatalog") => 100,
        ("ActionAvailability", "blockers") => 8,
        ("Hypervisor", "capabilities") => 2,
        _ => return None,
    })
}

/// The most characters of a line of an operation's log; what is longer is cut.
pub const MAX_LOG_CHARS: usize = 4000;
/// The most characters of a checksum; what is longer is cut.
pub const MAX_CHECKSUM_CHARS: usize = 128;

/// How many fields of usual length a text is worth, which may be longer than a name. By these the largest answer that a
/// document within the limits can have stays below the largest that is sent, though every character takes four bytes. What is
/// summed from many rows is worth what it takes to read them.
pub fn weight_of(parent: &str, field: &str) -> u64 {
    match (parent, field) {
        ("Blocker", "message") => 1,
        ("UsageReport", "lines" | "groups" | "totalCredits") => 400,
        ("OperationLog", "message") => 16,
        ("Snapshot" | "Backup", "cost") => 10,
        (_, "message" | "failure" | "reason" | "problem") => 8,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::{MAX_NAME_CHARS, MAX_REASON_CHARS};

    /// What JSON adds to a text at most: its key, quotes and a comma.
    const BESIDE: u64 = 64;

    #[test]
    fn the_largest_answer_that_a_document_may_ask_for_is_sent() {
        let longest = [
            ("OperationLog", "message", MAX_LOG_CHARS),
            ("OperationEvent", "message", 1000),
            ("Backup", "failure", 1000),
            ("AuditEvent", "reason", MAX_REASON_CHARS),
            ("Backup", "checksum", MAX_CHECKSUM_CHARS),
            ("Volume", "name", MAX_NAME_CHARS),
        ];
        for (parent, field, characters) in longest {
            let bytes = 4 * u64::try_from(characters).unwrap() + BESIDE;
            let texts = Limits::DEFAULT.max_complexity / weight_of(parent, field);
            let answer = bytes * texts;
            let most = u64::from(Limits::DEFAULT.max_answer_bytes);
            assert!(answer < most, "{parent}.{field}: {answer}");
        }
    }
}
