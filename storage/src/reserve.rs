//! The space that an object's data leaves free on a file system, so that more than data fits.

use crate::{Error, Result};

/// What data leaves free: for the manifests, without which no backup counts, and for file systems
/// that need some space to delete in.
const RESERVE_BYTES: u64 = 16 << 20;
/// An object that expects less may use the reserve.
const SMALL_BYTES: u64 = 1 << 20;

/// Watches the space that one object may use.
///
/// How much an object will have is not known before: what is expected is uncompressed. So an object
/// is refused only where not even the reserve is left, and stopped as soon as it reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reserve {
    expected_bytes: u64,
}

impl Reserve {
    pub(crate) fn new(expected_bytes: u64) -> Self {
        Self { expected_bytes }
    }

    /// Whether the object has to leave the reserve alone.
    pub(crate) fn applies(self) -> bool {
        self.expected_bytes >= SMALL_BYTES
    }

    /// Refuses to go on if no more than the reserve is available.
    pub(crate) fn check(self, available_bytes: u64, doing: &str) -> Result<()> {
        if self.applies() && available_bytes <= RESERVE_BYTES {
            return Err(Error::Full {
                doing: doing.to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_stops_at_the_reserve_and_a_manifest_does_not() {
        let data = Reserve::new(1 << 30);
        assert!(data.check(RESERVE_BYTES + 1, "writing").is_ok());
        let full = data.check(RESERVE_BYTES, "writing");
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
        assert!(Reserve::new(4096).check(0, "writing").is_ok());
    }

    #[test]
    fn a_volume_larger_than_what_is_free_may_still_fit_compressed() {
        assert!(Reserve::new(1 << 40).check(1 << 30, "writing").is_ok());
    }
}
