//! `[rules]`: times and limits of operations.

use std::time::Duration;

use super::section::{Problems, section};

section! {
    /// Times and limits of operations.
    Rules = "rules" {
        /// How long a volume rests after a snapshot, a backup or a restore. 0: not at all.
        cooldown_seconds: u32 = 300;
        /// An operation that has not ended this long after it was accepted is failed.
        deadline_seconds: u32 = 7_200;
        /// How long an agent holds an operation without a heartbeat.
        lease_seconds: u32 = 90;
        /// How often agents send a heartbeat: at most a third of the lease.
        heartbeat_seconds: u32 = 20;
        /// How many snapshots, backups and restores an account may have in flight.
        in_flight_limit: u32 = 3;
        /// How many volumes an account may have. `updateAccount` gives one a limit of its own.
        volume_limit: u32 = 500;
        /// How many bytes the volumes of an account may have in all (100 TiB). `updateAccount` gives one a limit of its own.
        volume_bytes_limit: u64 = 109_951_162_777_600;
        /// How many deletes and new volumes of an account may wait for agents. Those that wait for one that is
        /// offline are not counted.
        waiting_limit: u32 = 20;
        /// How often an operation is given to an agent before it fails with `AGENT_LOST`.
        max_attempts: u32 = 3;
        /// How often stuck operations and orphaned locks are looked for.
        cleanup_interval_seconds: u32 = 60;
        /// How often a subscription reads its state again although nothing woke it.
        stream_refresh_seconds: u32 = 15;
        /// How long an agent has to test a backup storage.
        storage_test_seconds: u32 = 30;
        /// How often agents measure what snapshots keep, which is what is billed: at least hourly.
        measure_interval_seconds: u32 = 1_800;
    }
}

impl Rules {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.zero("rules.heartbeat_seconds", self.heartbeat_seconds);
        problems.unless(
            u64::from(self.heartbeat_seconds) * 3 <= u64::from(self.lease_seconds),
            "rules.heartbeat_seconds must be at most a third of rules.lease_seconds, so that two \
             lost heartbeats do not lose the lease",
        );
        problems.unless(
            self.lease_seconds < self.deadline_seconds,
            "rules.lease_seconds must be less than rules.deadline_seconds",
        );
        problems.unless(
            self.cooldown_seconds <= 86_400,
            "rules.cooldown_seconds must be at most 86400, a day",
        );
        problems.zero("rules.in_flight_limit", self.in_flight_limit);
        problems.unless(
            self.volume_bytes_limit < 1 << 53,
            "rules.volume_bytes_limit must be less than 9007199254740992, 2^53",
        );
        problems.zero("rules.waiting_limit", self.waiting_limit);
        problems.zero("rules.max_attempts", self.max_attempts);
        problems.zero(
            "rules.cleanup_interval_seconds",
            self.cleanup_interval_seconds,
        );
        problems.zero("rules.stream_refresh_seconds", self.stream_refresh_seconds);
        problems.zero("rules.storage_test_seconds", self.storage_test_seconds);
        problems.zero(
            "rules.measure_interval_seconds",
            self.measure_interval_seconds,
        );
        problems.unless(
            self.measure_interval_seconds <= 3_600,
            "rules.measure_interval_seconds must be at most 3600: each hour is billed by what was \
             measured in it",
        );
    }

    /// How long a volume rests.
    pub fn cooldown(&self) -> Duration {
        Duration::from_secs(self.cooldown_seconds.into())
    }

    /// How long an operation may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds.into())
    }

    /// How long an agent holds an operation.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.into())
    }

    /// How often agents renew.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds.into())
    }

    /// How often the gateway cleans up.
    pub fn cleanup_interval(&self) -> Duration {
        Duration::from_secs(self.cleanup_interval_seconds.into())
    }

    /// How often streams read their state again.
    pub fn stream_refresh(&self) -> Duration {
        Duration::from_secs(self.stream_refresh_seconds.into())
    }

    /// How long a test of a backup storage may take.
    pub fn storage_test(&self) -> Duration {
        Duration::from_secs(self.storage_test_seconds.into())
    }

    /// How often what snapshots keep is measured.
    pub fn measure_interval(&self) -> Duration {
        Duration::from_secs(self.measure_interval_seconds.into())
    }
}
