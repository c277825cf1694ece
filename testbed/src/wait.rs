//! Waiting for a state, with an end to it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything takes here, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

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
