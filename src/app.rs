//! What every part of the gateway shares: the database, the clock, ids, settings and the hub.

use std::sync::Arc;

use crate::{
    database::Database,
    domain::{Clock, Ids, Settings, Throttle},
    events::Hub,
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
    /// Slows down who guesses passwords.
    pub throttle: Throttle,
    /// Wakes streams and agents after a commit.
    pub hub: Hub,
}

impl App {
    /// An app on `database`, with the database's own clock and no keys for secrets.
    pub fn new(database: Database, settings: Settings) -> Self {
        Self {
            database,
            clock: Clock::Database,
            ids: Ids,
            settings: Arc::new(settings),
            keys: Arc::default(),
            throttle: Throttle::default(),
            hub: Hub::default(),
        }
    }

    /// The same with keys for secrets.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = Arc::new(keys);
        self
    }
}
