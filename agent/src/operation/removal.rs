//! What a deletion that failed has removed, so that what was refused is not taken for lost.

use super::Operation;
use crate::driver::{Failure, Removed, Result};

impl Operation {
    /// Says of what failed before anything could be asked of the storage that it was not begun, and of a deletion what
    /// it has removed.
    pub(super) fn not_begun(&self, failure: Failure) -> Failure {
        let removed = if self.is_first {
            Removed::Nothing
        } else {
            Removed::Unknown
        };
        failure.having_removed(removed).before_change()
    }

    /// Says of a deletion that failed what it has removed: what was never begun has removed nothing, unless another
    /// attempt was before it; else what still `is_there` tells.
    pub(super) async fn judged(
        &self,
        failure: Failure,
        is_there: impl Future<Output = Result<bool>>,
    ) -> Failure {
        let removed = match failure.removed {
            _ if !failure.begun && self.is_first => Removed::Nothing,
            Some(removed) if failure.begun => removed,
            _ => match is_there.await {
                Ok(true) => Removed::Nothing,
                Ok(false) => Removed::Some,
                Err(_) => Removed::Unknown,
            },
        };
        failure.having_removed(removed)
    }
}
