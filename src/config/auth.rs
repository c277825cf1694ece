//! `[auth]`: signing in.

use std::time::Duration;

use super::section::{Problems, section};

section! {
    /// Signing in.
    Auth = "auth" {
        /// How long a sign-in lasts.
        session_hours: u32 = 12;
    }
}

impl Auth {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            (1..=8_760).contains(&self.session_hours),
            "auth.session_hours must be from 1 to 8760, a year",
        );
    }

    /// How long a sign-in lasts.
    pub fn session(&self) -> Duration {
        Duration::from_hours(self.session_hours.into())
    }
}
