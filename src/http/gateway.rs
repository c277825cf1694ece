//! What the handlers share.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use axum::extract::FromRef;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    acquaintance::Acquaintances, panel::Panel, stranger::Strangers, stream_limit::Streams,
    turn::Turns,
};
use crate::{
    app::App,
    config::{self, Config},
    database::Share,
    domain::billing::export::Terms,
};

/// What the handlers share: the app, the schema that carries requests out, and what runs now.
/// Clones share it.
pub struct Gateway<E>(Arc<Shared<E>>);

/// The parts of a `Gateway`.
pub struct Shared<E> {
    /// The gateway's shared parts, with each share of the database.
    agents: App,
    users: App,
    strangers: App,
    newcomers: App,
    /// Whose secrets were good.
    pub(super) acquaintances: Acquaintances,
    /// Carries GraphQL requests out.
    pub(super) executor: E,
    /// How the API is served.
    pub(super) http: config::Http,
    /// How streams are served.
    pub(super) stream: config::Stream,
    /// What exports say of money.
    pub(super) terms: Terms,
    /// Whether the page for writing queries is served.
    pub(super) graphiql: bool,
    /// The web panel.
    pub(super) panel: Panel,
    /// Cancelled when the gateway is to stop: streams end, and it is no longer ready.
    pub(super) stopping: CancellationToken,
    /// What a gateway that stops waits for: connections, mutations and WebSockets.
    pub(super) running: TaskTracker,
    /// The turns of queries and mutations.
    pub(super) turns: Turns,
    /// The streams that are open.
    pub(super) streams: Streams,
    /// The connections of strangers.
    pub(super) connections: Strangers,
    /// Whether the database was seen to have all migrations.
    pub(super) migrated: AtomicBool,
}

impl<E> Gateway<E> {
    /// A gateway to `executor` that serves until `stopping` is cancelled.
    pub fn new(app: &App, executor: E, config: &Config, stopping: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            agents: app.share(Share::Agents),
            users: app.share(Share::Users),
            strangers: app.share(Share::Strangers),
            newcomers: app.share(Share::Newcomers),
            acquaintances: Acquaintances::default(),
            executor,
            http: config.http.clone(),
            stream: config.stream.clone(),
            terms: config.billing.terms(),
            graphiql: config.graphql.graphiql,
            panel: Panel::built_in(),
            stopping,
            running: TaskTracker::new(),
            turns: Turns::new(&config.http),
            streams: Streams::new(&config.stream),
            connections: Strangers::new(config.http.max_address_connections),
            migrated: AtomicBool::new(false),
        }))
    }
}

impl<E> Gateway<E> {
    /// The gateway's shared parts, with this share of the database.
    pub(super) fn app_of(&self, share: Share) -> &App {
        match share {
            Share::Agents => &self.agents,
            Share::Users => &self.users,
            Share::Strangers => &self.strangers,
            Share::Newcomers => &self.newcomers,
        }
    }
}

impl<E> FromRef<Gateway<E>> for Panel {
    fn from_ref(gateway: &Gateway<E>) -> Self {
        gateway.panel.clone()
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
