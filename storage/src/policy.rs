//! How often something is tried that fails for reasons that pass.

use std::time::Duration;

/// How often and for how long something is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many attempts there are at most.
    pub attempts: u32,
    /// The first pause; each is twice the one before.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first.
    pub limit: Duration,
}

impl Default for Policy {
    /// Bridges the restart of a server, and gives up on a dead one within a minute.
    fn default() -> Self {
        Self {
            attempts: 8,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(8),
            limit: Duration::from_secs(25),
        }
    }
}

impl Policy {
    /// One attempt, for whoever is repeated as a whole: what passes is still said to pass.
    pub(crate) const ONCE: Self = Self {
        attempts: 1,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        limit: Duration::ZERO,
    };

    /// For a person who waits for the answer: one more attempt, soon.
    pub const PROMPT: Self = Self {
        attempts: 2,
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_millis(500),
        limit: Duration::from_secs(3),
    };
}
