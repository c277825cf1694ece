//! `[auth]`: signing in.

use std::time::Duration;

use super::section::{Problems, section};

section! {
    /// Signing in.
    Auth = "auth" {
        /// How long a sign-in lasts.
        session_hours: u32 = 12;
        /// How many passwords of strangers are hashed at once: each takes a processor, and never more
        /// than there are. One more is hashed for those who are signed in already.
        hashes_at_once: u32 = 2;
        /// How many more wait to be hashed. Who comes then is refused with `RATE_LIMITED`.
        hashes_waiting: u32 = 16;
    }
}

impl Auth {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            (1..=8_760).contains(&self.session_hours),
            "auth.session_hours must be from 1 to 8760, a year",
        );
        problems.zero("auth.hashes_at_once", self.hashes_at_once);
        problems.zero("auth.hashes_waiting", self.hashes_waiting);
    }

    /// How long a sign-in lasts.
    pub fn session(&self) -> Duration {
        Duration::from_hours(self.session_hours.into())
    }
}
