//! Whether whoever asked has hung up. What changes something is carried through all the same; only who
//! merely waits may leave. Who merely waits lets go of what others could use, too.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::{CancellationToken, DropGuard};

/// Whether whoever asked has hung up. Clones share it; by default nobody ever does.
#[derive(Clone, Default)]
pub struct HangUp {
    happened: CancellationToken,
    held: Arc<Mutex<Held>>,
}

/// What is held until whoever asked is answered or merely waits.
type Held = Option<Box<dyn Any + Send>>;

impl HangUp {
    /// Whoever asked has hung up once this is dropped.
    pub fn when_dropped(&self) -> DropGuard {
        self.happened.clone().drop_guard()
    }

    /// Whether whoever asked has hung up.
    pub fn has_happened(&self) -> bool {
        self.happened.is_cancelled()
    }

    /// Waits until whoever asked has hung up.
    pub async fn happened(&self) {
        self.happened.cancelled().await;
    }

    /// Holds `thing` for whoever asked.
    pub fn hold(&self, thing: impl Any + Send) {
        *self.held() = Some(Box::new(thing));
    }

    /// Lets go of what is held for whoever asked: from now on they merely wait.
    pub fn let_go(&self) {
        let held = self.held().take();
        drop(held);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HangUp")
            .field(&self.has_happened())
            .finish_non_exhaustive()
    }
}
