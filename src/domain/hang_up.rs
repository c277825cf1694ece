//! Whether whoever asked has hung up. What changes something is carried through all the same; only who
//! merely waits may leave.

use tokio_util::sync::{CancellationToken, DropGuard};

/// Whether whoever asked has hung up. Clones share it; by default nobody ever does.
#[derive(Clone, Debug, Default)]
pub struct HangUp(CancellationToken);

impl HangUp {
    /// Whoever asked has hung up once this is dropped.
    pub fn when_dropped(&self) -> DropGuard {
        self.0.clone().drop_guard()
    }

    /// Whether whoever asked has hung up.
    pub fn has_happened(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until whoever asked has hung up.
    pub async fn happened(&self) {
        self.0.cancelled().await;
    }
}
