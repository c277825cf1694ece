//! How much is written to a server between two COMMITs: what it can write down in good time.

use std::time::Duration;

/// What a first COMMIT is asked for. The library gives it 15 seconds: a server that writes a megabyte
/// per second makes it.
const FIRST_BYTES: u64 = 16 << 20;
const LEAST_BYTES: u64 = 2 << 20;
/// How much a server may hold in volatile memory. It may lose that, so that we hold it, too.
const MOST_BYTES: u64 = 64 << 20;
/// What a COMMIT is to take. The next one may meet a server that is several times as busy.
const AIM: Duration = Duration::from_secs(2);
/// How many times as much as before is asked for at most.
const GROWTH: u64 = 4;

/// The amount after which a COMMIT is due, by how long the last one took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    bytes: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { bytes: FIRST_BYTES }
    }
}

impl Pace {
    pub(super) fn is_due(self, unflushed_bytes: u64) -> bool {
        unflushed_bytes >= self.bytes
    }

    /// Takes note of a COMMIT of so many bytes.
    pub(super) fn learn(&mut self, bytes: u64, took: Duration) {
        let in_time = u128::from(bytes) * AIM.as_micros() / took.as_micros().max(1);
        let most = (bytes * GROWTH).min(MOST_BYTES);
        self.bytes = u64::try_from(in_time)
            .unwrap_or(u64::MAX)
            .min(most)
            .max(LEAST_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of a server of so many bytes per second, COMMIT after COMMIT, and the longest.
    fn settled(bytes_per_second: u64) -> (u64, Duration) {
        let mut pace = Pace::default();
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let took = Duration::from_micros(pace.bytes * 1_000_000 / bytes_per_second);
            longest = longest.max(took);
            pace.learn(pace.bytes, took);
        }
        (pace.bytes, longest)
    }

    #[test]
    fn a_commit_takes_about_two_seconds_whatever_the_server() {
        let (bytes, longest) = settled(17 << 20);
        assert_eq!(bytes >> 20, 34);
        assert!(longest <= AIM, "{longest:?}");
        // A disk of two megabytes per second, shared by nobody.
        let (bytes, longest) = settled(2 << 20);
        assert_eq!(bytes >> 20, 4);
        assert!(longest <= Duration::from_secs(8), "{longest:?}");
    }

    #[test]
    fn a_fast_server_is_asked_seldom_and_holds_no_more_than_before() {
        assert_eq!(settled(10 << 30).0, MOST_BYTES);
        let mut pace = Pace::default();
        pace.learn(FIRST_BYTES, Duration::ZERO);
        assert_eq!(pace.bytes, FIRST_BYTES * GROWTH);
    }

    #[test]
    fn a_server_that_becomes_busy_is_asked_for_less_at_once() {
        let mut pace = Pace { bytes: MOST_BYTES };
        pace.learn(MOST_BYTES, Duration::from_secs(10));
        assert_eq!(pace.bytes, MOST_BYTES / 5);
        pace.learn(1, Duration::from_secs(10));
        assert_eq!(pace.bytes, LEAST_BYTES);
    }
}
