//! What a mutation did to the session of its caller, for transports that keep it for them.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::DataContext;
use chrono::TimeDelta;
use storage::Secret;

/// What became of a session.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// One began.
    Began {
        /// What its bearer sends.
        secret: Secret,
        /// How long it lasts.
        lasts: Option<TimeDelta>,
    },
    /// The one that the request came with ended.
    Ended,
}

/// The last change that a request made. A transport puts it into the request's data, and reads it once
/// the request is answered. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SessionChanges(Arc<Mutex<Option<SessionChange>>>);

impl SessionChanges {
    /// Takes the last change out.
    pub fn take(&self) -> Option<SessionChange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, change: SessionChange) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }
}

/// Tells the transport of `change`, if it wants to know.
pub fn changed<'a>(ctx: &impl DataContext<'a>, change: SessionChange) {
    if let Some(changes) = ctx.data_opt::<SessionChanges>() {
        changes.put(change);
    }
}
