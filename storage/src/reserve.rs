//! The space that an object's data leaves free on a file system, so that more than data fits.

use crate::{Error, Result};

/// What data leaves free: for the manifests, without which no backup counts, and for file systems
/// that need some space to delete in.
const RESERVE_BYTES: u64 = 16 << 20;
/// An object that expects less may use the reserve.
const SMALL_BYTES: u64 = 1 << 20;

/// How closely the reserve is kept.
const STEP_BYTES: u64 = 4 << 20;
/// The most that is written without looking: others write too.
const MAX_STEP_BYTES: u64 = 1 << 30;

/// Watches the space that one object may use.
///
/// How much an object will have is not known before: what is expected is uncompressed. So an object
/// is refused only where not even the reserve is left, and stopped as soon as it reaches it.
#[derive(Debug)]
pub(crate) struct Reserve {
    expected_bytes: u64,
    /// What may be written before the next look.
    step_bytes: u64,
}

impl Reserve {
    pub(crate) fn new(expected_bytes: u64) -> Self {
        Self {
            expected_bytes,
            step_bytes: 0,
        }
    }

    /// Counts what is written, and says whether it is time to look how much is available: at first,
    /// and then the more often the less there was.
    pub(crate) fn is_due(&mut self, bytes: u64) -> bool {
        self.step_bytes = self.step_bytes.saturating_sub(bytes);
        self.step_bytes == 0 && self.expected_bytes >= SMALL_BYTES
    }

    /// Refuses to go on if no more than the reserve is available.
    pub(crate) fn check(&mut self, available_bytes: u64, doing: &str) -> Result<()> {
        let usable = available_bytes.saturating_sub(RESERVE_BYTES);
        if usable == 0 {
            return Err(Error::Full {
                doing: doing.to_owned(),
            });
        }
        self.step_bytes = (usable / 2).clamp(STEP_BYTES, MAX_STEP_BYTES);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_stops_at_the_reserve_and_a_manifest_does_not() {
        let mut data = Reserve::new(1 << 30);
        assert!(data.is_due(0));
        assert!(data.check(RESERVE_BYTES + 1, "writing").is_ok());
        let full = data.check(RESERVE_BYTES, "writing");
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
        assert!(!Reserve::new(4096).is_due(0));
    }

    #[test]
    fn a_volume_larger_than_what_is_free_may_still_fit_compressed() {
        assert!(Reserve::new(1 << 40).check(1 << 30, "writing").is_ok());
    }

    #[test]
    fn the_closer_the_reserve_the_more_often_it_is_looked_at() {
        let (mut data, mut available, mut looks) = (Reserve::new(1 << 40), 1_u64 << 40, 0);
        while !data.is_due(STEP_BYTES) || {
            looks += 1;
            data.check(available, "writing").is_ok()
        } {
            available -= STEP_BYTES;
        }
        assert_eq!(available, RESERVE_BYTES, "the reserve is kept");
        assert!(looks < 1100, "looked {looks} times for a terabyte");
    }
}
