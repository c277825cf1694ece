//! How much is carried out at once: what does not fit waits its turn, and is refused after a while.

use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{Gateway, failure::Failure};

/// After how long a refused client is told to come back.
const RETRY_AFTER_SECONDS: u32 = 5;

impl<E> Gateway<E> {
    /// Waits for a turn to carry out a query or a mutation. It lasts until it is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let turns = self.turns.clone();
        match timeout(self.http.queue_timeout(), turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Failure::overloaded(RETRY_AFTER_SECONDS)),
        }
    }
}
