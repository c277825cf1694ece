//! How much is carried out at once. Agents, users and strangers have turns of their own, and none of them
//! waits for the others; each hypervisor, account and address has only a part of them. What does not fit
//! waits its turn, and is refused after a while, or at once where too many wait already.

use std::net::IpAddr;

use tokio::time::{Instant, timeout_at};

use super::{Gateway, auth::Caller, failure::Failure};
use crate::{
    config,
    database::Share,
    domain::{Party, Requester},
    queue::{Full, Queue, Queues},
};

/// After how long a refused client is told to come back.
const RETRY_AFTER_SECONDS: u32 = 5;
/// How many wait of those who may wait at all, for each turn that they may have at once.
const WAITING: usize = 4;

/// On whose account a turn is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// An account or a hypervisor.
    Party(Party),
    /// The network of somebody whom nobody knows.
    Network(Option<IpAddr>),
}

impl Payer {
    /// Who pays for what `caller` does.
    pub fn of(caller: &Caller) -> Self {
        match caller.requester.party().or(caller.familiar) {
            Some(party) => Self::Party(party),
            None => Self::Network(caller.network),
        }
    }

    /// What it is called in a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Party(Party::Account(_)) => "An account",
            Self::Party(Party::Hypervisor(_)) => "A hypervisor's agent",
            Self::Network(_) => "An address from which nobody has signed in",
        }
    }
}

/// Whose share of the gateway the requester has.
pub(super) fn share(requester: &Requester) -> Share {
    match requester {
        Requester::Agent { .. } => Share::Agents,
        Requester::User { .. } => Share::Users,
        Requester::Anonymous => Share::Strangers,
    }
}

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

impl<E> Gateway<E> {
    /// Waits for a turn to carry out a query or a mutation.
    pub(super) async fn turn(&self, caller: &Caller) -> Result<Turn, Failure> {
        let class = self.turns.class(caller.share());
        let deadline = Instant::now() + self.http.queue_timeout();
        class.turn(Payer::of(caller), deadline).await
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
