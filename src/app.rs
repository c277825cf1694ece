//! What every part of the gateway shares: the database, the clock, ids, settings and the hub.

use std::sync::Arc;

use crate::{
    database::{Database, Share},
    domain::{
        Clock, Hashing, Ids, Permits, Refused, Settings, agent::Heartbeats, damage::Known,
        installation::Installation, operation::progress::Reports,
    },
    events::Hub,
    metrics::Metrics,
    secret::Keys,
};

/// The gateway's shared parts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Where everything is kept.
    pub database: Database,
    /// The one source of instants.
    pub clock: Clock,
    /// The one source of ids and secrets.
    pub ids: Ids,
    /// Times and limits of the rules.
    pub settings: Arc<Settings>,
    /// What secrets are encrypted with.
    pub keys: Arc<Keys>,
    /// Where passwords are hashed.
    pub hashing: Hashing,
    /// What callers were refused whom nobody knows.
    pub refused: Refused,
    /// Wakes streams and agents after a commit.
    pub hub: Hub,
    /// Who may still watch of those who do.
    pub permits: Permits,
    /// What agents reported of how far they are.
    pub reports: Reports,
    /// Which agents were just seen.
    pub heartbeats: Heartbeats,
    /// The damaged rows that the log knows of.
    pub damage: Known,
    /// What the database is one of.
    pub installation: Installation,
    /// What the gateway counts of itself.
    pub metrics: Metrics,
}

impl App {
    /// An app on `database`, with the database's own clock and no keys for secrets.
    pub fn new(database: Database, settings: Settings) -> Self {
        Self {
            database,
            clock: Clock::Database,
            ids: Ids,
            hashing: Hashing::new(&settings),
            settings: Arc::new(settings),
            keys: Arc::default(),
            refused: Refused::default(),
            hub: Hub::default(),
            permits: Permits::default(),
            reports: Reports::default(),
            heartbeats: Heartbeats::default(),
            damage: Known::default(),
            installation: Installation::default(),
            metrics: Metrics::default(),
        }
    }

    /// The same with another share of the database.
    #[must_use]
    pub fn share(&self, share: Share) -> Self {
        Self {
            database: self.database.share(share),
            ..self.clone()
        }
    }

    /// The same with keys for secrets.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = Arc::new(keys);
        self
    }
}
