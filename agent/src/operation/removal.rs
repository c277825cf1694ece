//! What a deletion that failed has removed, so that what was refused is not taken for lost.

use super::{Operation, Volume};
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

    /// Whether something is in a volume's pool still. That it is not is believed only of the pool that is meant: its disk
    /// may have gone meanwhile.
    pub(super) async fn proved(
        &self,
        volume: &Volume,
        is_there: impl Future<Output = Result<bool>>,
    ) -> Result<bool> {
        let is_there = is_there.await?;
        if !is_there {
            self.prove_pool(volume).await?;
        }
        Ok(is_there)
    }
}
