//! Waiting for a state, with an end to it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything takes here, even on a busy machine, and shorter than a test may take in all: what
/// was waited for in vain is said.
pub const PATIENCE: Duration = Duration::from_secs(100);

pub(crate) const POLL: Duration = Duration::from_millis(20);

/// What `look` sees as soon as it sees something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(POLL).await;
    }
}
