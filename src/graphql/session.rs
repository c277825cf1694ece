//! What a mutation did to the session of its caller, for transports that keep it for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::DataContext;
use chrono::TimeDelta;
use entity::{TokenId, UserId};
use storage::Secret;

use super::context::requester;

/// What became of a session.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// One began.
    Began {
        /// What its bearer sends.
        secret: Secret,
        /// What shows that the user signed in with this browser: it is kept after the session.
        device: Secret,
        /// How long it lasts.
        lasts: Option<TimeDelta>,
    },
    /// The one that the request came with ended.
    Ended,
}

/// The last change that a request made. A transport puts it into the request's data, and reads it once
/// the request is answered. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SessionChanges {
    held: Option<TokenId>,
    last: Arc<Mutex<Option<SessionChange>>>,
}

impl SessionChanges {
    /// Those to the session `held`, which a browser keeps. It ends when another one begins in its place.
    pub fn of(held: Option<TokenId>) -> Self {
        Self {
            held,
            last: Arc::default(),
        }
    }

    /// Takes the last change out.
    pub fn take(&self) -> Option<SessionChange> {
        self.last().take()
    }

    fn put(&self, change: SessionChange) {
        *self.last() = Some(change);
    }

    fn last(&self) -> MutexGuard<'_, Option<SessionChange>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that the caller's browser keeps, if it is to keep the next one in its place.
pub fn held<'a>(ctx: &impl DataContext<'a>) -> Option<TokenId> {
    ctx.data_opt::<SessionChanges>()?.held
}

/// Tells the transport that all sessions of a user ended, in case it is the caller.
pub fn own_sessions_ended<'a>(ctx: &impl DataContext<'a>, user: UserId) {
    if requester(ctx).user_id() == Some(user) {
        changed(ctx, SessionChange::Ended);
    }
}

/// Tells the transport of `change`, if it wants to know.
pub fn changed<'a>(ctx: &impl DataContext<'a>, change: SessionChange) {
    if let Some(changes) = ctx.data_opt::<SessionChanges>() {
        changes.put(change);
    }
}
