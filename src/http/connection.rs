//! A connection that was let in.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::stranger::Standing;

/// One of `max_connections`, until the last clone is dropped. A WebSocket keeps it after its HTTP has ended.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    _permit: Arc<OwnedSemaphorePermit>,
    /// Whether it is a stranger's.
    pub standing: Standing,
}

impl Connection {
    /// One that has `permit` to be open.
    pub fn new(permit: OwnedSemaphorePermit, standing: Standing) -> Self {
        Self {
            _permit: Arc::new(permit),
            standing,
        }
    }
}
