//! How much is carried out at once. Agents, users and strangers have turns of their own, and none of them
//! waits for the others; each hypervisor, account and address has only a part of them. What does not fit
//! waits its turn, and is refused after a while, or at once where too many wait already.

use tokio::time::{Instant, timeout_at};

use super::{failure::Failure, payer::Payer};
use crate::{
    config,
    database::Share,
    queue::{Full, Queue, Queues},
};

/// After how long a refused client is told to come back.
const RETRY_AFTER_SECONDS: u32 = 5;
/// How many wait of those who may wait at all, for each turn that they may have at once.
const WAITING: usize = 4;

/// The turns of queries and mutations.
#[derive(Debug)]
pub(super) struct Turns {
    agents: Class,
    users: Class,
    strangers: Class,
}

/// The turns of all callers of one kind, and how many of them each may have.
#[derive(Debug)]
struct Class {
    all: Queue,
    each: Queues<Payer>,
    each_at_once: usize,
}

/// A turn to carry out a query or a mutation. It lasts until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _all: crate::queue::Turn,
    _own: crate::queue::Turn,
}

impl Turns {
    /// As many as `config` says.
    pub fn new(config: &config::Http) -> Self {
        let agents = config.max_agent_requests;
        Self {
            // One agent that is mad leaves turns to the others. Each of them may wait: a lease is at stake.
            agents: Class::new(agents, usize::MAX, agents.div_ceil(4)),
            users: Class::new(config.max_requests, usize::MAX, config.max_account_requests),
            strangers: Class::new(
                config.max_anonymous_requests,
                size(config.max_anonymous_requests).saturating_mul(8 * WAITING),
                config.max_address_requests,
            ),
        }
    }

    /// Waits until `deadline` for a turn of `payer`, who has this share of the gateway.
    pub async fn turn(
        &self,
        share: Share,
        payer: Payer,
        deadline: Instant,
    ) -> Result<Turn, Failure> {
        self.class(share).turn(payer, deadline).await
    }

    fn class(&self, share: Share) -> &Class {
        match share {
            Share::Agents => &self.agents,
            Share::Users => &self.users,
            Share::Strangers | Share::Newcomers => &self.strangers,
        }
    }
}

impl Class {
    fn new(at_once: u32, waiting: usize, each: u32) -> Self {
        let each_at_once = size(each);
        Self {
            all: Queue::new(size(at_once), waiting),
            each: Queues::new(each_at_once, each_at_once.saturating_mul(WAITING)),
            each_at_once,
        }
    }

    async fn turn(&self, payer: Payer, deadline: Instant) -> Result<Turn, Failure> {
        let own = timeout_at(deadline, self.each.enter(payer)).await;
        let own = own.unwrap_or(Err(Full)).map_err(|Full| {
            let (who, limit) = (payer.name(), self.each_at_once);
            let what = format!("{who} has at most {limit} requests carried out at once.");
            Failure::too_many(&what, RETRY_AFTER_SECONDS)
        })?;
        let all = timeout_at(deadline, self.all.enter()).await;
        let all = all
            .unwrap_or(Err(Full))
            .map_err(|Full| Failure::overloaded(RETRY_AFTER_SECONDS))?;
        Ok(Turn {
            _all: all,
            _own: own,
        })
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
