//! What the handlers share.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::panel::Panel;
use crate::{
    app::App,
    config::{self, Config},
    limits::Limits,
};

/// What the handlers share: the app, the schema that carries requests out, and what runs now.
/// Clones share it.
pub struct Gateway<E>(Arc<Shared<E>>);

/// The parts of a `Gateway`.
pub struct Shared<E> {
    /// The gateway's shared parts.
    pub(super) app: App,
    /// Carries GraphQL requests out.
    pub(super) executor: E,
    /// How the API is served.
    pub(super) http: config::Http,
    /// How streams are served.
    pub(super) stream: config::Stream,
    /// What one document may ask for: the same as the executor's.
    pub(super) limits: Limits,
    /// Whether the page for writing queries is served.
    pub(super) graphiql: bool,
    /// The web panel.
    pub(super) panel: Panel,
    /// Cancelled when the gateway is to stop: streams end, and it is no longer ready.
    pub(super) stopping: CancellationToken,
    /// What a gateway that stops waits for: connections, mutations and WebSockets.
    pub(super) running: TaskTracker,
    /// The turns of queries and mutations.
    pub(super) turns: Arc<Semaphore>,
    /// Whether the database was seen to have all migrations.
    pub(super) migrated: AtomicBool,
}

impl<E> Gateway<E> {
    /// A gateway to `executor` that serves until `stopping` is cancelled.
    pub fn new(app: App, executor: E, config: &Config, stopping: CancellationToken) -> Self {
        let turns = usize::try_from(config.http.max_requests).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            app,
            executor,
            http: config.http.clone(),
            stream: config.stream.clone(),
            limits: config.graphql.limits(),
            graphiql: config.graphql.graphiql,
            panel: Panel::built_in(),
            stopping,
            running: TaskTracker::new(),
            turns: Arc::new(Semaphore::new(turns)),
            migrated: AtomicBool::new(false),
        }))
    }
}

impl<E> std::ops::Deref for Gateway<E> {
    type Target = Shared<E>;

    fn deref(&self) -> &Shared<E> {
        &self.0
    }
}

impl<E> Clone for Gateway<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for Gateway<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}
