//! How many streams one account, or one hypervisor's agent, may have open: WebSockets, and subscriptions on
//! them or as event streams.

use super::{failure::Failure, payer::Payer};
use crate::{
    config,
    queue::{Full, Queues, Turn},
};

/// After how long a refused client is told to come back.
const RETRY_AFTER_SECONDS: u32 = 30;

/// The streams that are open.
#[derive(Debug)]
pub(super) struct Streams {
    sockets: Slots,
    subscriptions: Slots,
}

/// So many of each, and nobody waits.
#[derive(Debug)]
struct Slots {
    name: &'static str,
    limit: u32,
    taken: Queues<Payer>,
}

impl Streams {
    /// As many as `config` says.
    pub fn new(config: &config::Stream) -> Self {
        Self {
            sockets: Slots::new("WebSockets", config.max_account_sockets),
            subscriptions: Slots::new("subscriptions", config.max_account_subscriptions),
        }
    }

    /// Opens a WebSocket of `payer`, which lasts until the turn is dropped.
    pub async fn socket(&self, payer: Payer) -> Result<Turn, Failure> {
        self.sockets.take(payer).await
    }

    /// Begins a subscription of `payer`, which lasts until the turn is dropped.
    pub async fn subscription(&self, payer: Payer) -> Result<Turn, Failure> {
        self.subscriptions.take(payer).await
    }
}

impl Slots {
    fn new(name: &'static str, limit: u32) -> Self {
        let at_once = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            name,
            limit,
            taken: Queues::new(at_once, 0),
        }
    }

    async fn take(&self, payer: Payer) -> Result<Turn, Failure> {
        self.taken.enter(payer).await.map_err(|Full| {
            let (who, limit, name) = (payer.name(), self.limit, self.name);
            let what = format!("{who} has at most {limit} {name} at once.");
            Failure::too_many(&what, RETRY_AFTER_SECONDS)
        })
    }
}
