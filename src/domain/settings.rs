//! Times and limits of the rules. The configuration sets them; tests choose their own.

use std::time::Duration;

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// By which repeated requests are known.
    pub idempotency_keys: Duration,
    /// Sessions and tokens that have ended.
    pub tokens: Duration,
    /// Logs and timelines of operations that have ended.
    pub logs: Duration,
    /// The audit trail.
    pub audit: Duration,
    /// Operations that have ended, and what was deleted.
    pub operations: Duration,
}

impl Default for Kept {
    fn default() -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        Self {
            idempotency_keys: days(2),
            tokens: days(30),
            logs: days(90),
            audit: days(365),
            operations: days(730),
        }
    }
}

/// Times and limits of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a volume rests after a snapshot, backup or restore.
    pub cooldown: Duration,
    /// How long after its acceptance an operation that has not ended is failed.
    pub deadline: Duration,
    /// How long an agent holds an operation without renewing.
    pub lease: Duration,
    /// How often agents renew.
    pub heartbeat: Duration,
    /// How many snapshots, backups and restores an account may have in flight.
    pub in_flight_limit: u32,
    /// How many volumes an account may have, unless it has a limit of its own.
    pub volume_limit: u32,
    /// How many bytes the volumes of an account may have in all, unless it has a limit of its own.
    pub volume_bytes_limit: u64,
    /// How many deletes and new volumes of an account may wait for agents that are there.
    pub waiting_limit: u32,
    /// How often an operation is given to an agent before it fails.
    pub max_attempts: u32,
    /// How often streams read their state again although nothing woke them.
    pub stream_refresh: Duration,
    /// How long a sign-in lasts.
    pub session: Duration,
    /// How many passwords of strangers are hashed at once.
    pub hashes_at_once: u32,
    /// How many more wait to be hashed.
    pub hashes_waiting: u32,
    /// How long an agent has to test a backup storage.
    pub storage_test: Duration,
    /// How often what a volume's snapshots keep is measured while nothing is done with it.
    pub measure_interval: Duration,
    /// How long after its end an hour is closed, so that its bill changes no more.
    pub close_after: Duration,
    /// How long records are kept.
    pub records: Kept,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_mins(5),
            deadline: Duration::from_hours(2),
            lease: Duration::from_secs(90),
            heartbeat: Duration::from_secs(20),
            in_flight_limit: 3,
            volume_limit: 500,
            volume_bytes_limit: 100 << 40,
            waiting_limit: 20,
            max_attempts: 3,
            stream_refresh: Duration::from_secs(15),
            session: Duration::from_hours(12),
            hashes_at_once: 2,
            hashes_waiting: 16,
            storage_test: Duration::from_secs(30),
            measure_interval: Duration::from_mins(30),
            close_after: Duration::from_mins(5),
            records: Kept::default(),
        }
    }
}
