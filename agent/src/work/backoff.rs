//! How long to wait before trying again: longer each time, and never all agents at once.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// Growing pauses between attempts.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// Begins with a short pause.
    pub fn new() -> Self {
        Self::default()
    }

    /// An attempt has succeeded: the next pause is short again.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Waits for the pause that is due.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.step()).await;
    }

    /// Between half and all of the pause, which doubles up to a limit.
    fn step(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        // A fresh hasher's keys are random: enough to keep agents apart.
        let random = RandomState::new().hash_one(whole);
        let share = u32::try_from(random % 1000).unwrap_or(0);
        whole / 2 + whole / 2 * share / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_begin_anew() {
        let mut backoff = Backoff::new();
        let mut expected = FIRST;
        for _ in 0..20 {
            let pause = backoff.step();
            assert!(
                pause >= expected / 2 && pause <= expected,
                "{pause:?} of {expected:?}"
            );
            expected = (expected * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.step() <= FIRST);
    }
}
