//! `[records]`: how long records are kept.

use std::time::Duration;

use super::section::{Problems, section};
use crate::domain::settings::Kept;

section! {
    /// How long records are kept. What is there of snapshots, backups and volumes is never deleted by its age.
    Records = "records" {
        /// How long a repeated request is known by its idempotency key.
        idempotency_key_hours: u32 = 48;
        /// How long sessions and tokens that have ended are kept.
        token_days: u32 = 30;
        /// How long the logs and the timeline of an operation are kept after its end. Streams do not go on from events
        /// that are gone.
        log_days: u32 = 90;
        /// How long the audit trail is kept.
        audit_days: u32 = 365;
        /// How long operations are kept after their end, and what is known of deleted volumes, snapshots and backups.
        operation_days: u32 = 730;
    }
}

impl Records {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.zero("records.idempotency_key_hours", self.idempotency_key_hours);
        problems.zero("records.token_days", self.token_days);
        problems.zero("records.log_days", self.log_days);
        problems.zero("records.audit_days", self.audit_days);
        problems.unless(
            self.log_days <= self.operation_days,
            "records.operation_days must be at least records.log_days: an operation ends with its logs",
        );
        let longest = [self.token_days, self.audit_days, self.operation_days];
        problems.unless(
            longest.iter().all(|days| *days <= 36_500) && self.idempotency_key_hours <= 8_760,
            "records are kept for at most 36500 days, a hundred years, and idempotency keys for 8760 hours, a year",
        );
    }

    /// How long records are kept.
    pub fn kept(&self) -> Kept {
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
        Kept {
            idempotency_keys: hours(self.idempotency_key_hours),
            tokens: days(self.token_days),
            logs: days(self.log_days),
            audit: days(self.audit_days),
            operations: days(self.operation_days),
        }
    }
}
