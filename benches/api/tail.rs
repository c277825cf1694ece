//! The first answers after nobody has asked for a while, and after all clients hung up at once: where a server that keeps
//! up well may have to open connections to its database first.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::{
    Options, burst,
    contestant::Who,
    round::{self, order},
    site::Site,
    workload::{Reply, Workload},
};

/// What is asked.
pub const WORKLOAD: Workload = Workload::Page20;
/// By how many clients.
pub const CLIENTS: usize = 16;
/// How long clients ask that hang up while their answers are on the way.
const BEFORE: Duration = Duration::from_secs(1);

/// What was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nobody asked, on connections that stayed open.
    AfterPause,
    /// All clients hung up in the middle of their requests, and others came at once.
    AfterHangUp,
}

/// The answers of a contestant in all rounds.
#[derive(Debug)]
pub struct Tail {
    pub when: When,
    pub who: Who,
    latencies: Vec<Duration>,
}

impl When {
    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::AfterPause => "after a pause",
            Self::AfterHangUp => "after all hung up",
        }
    }
}

impl Tail {
    /// How long the answer took that is the slowest of so many of a thousand, in milliseconds.
    pub fn latency(&self, per_mille: usize) -> f64 {
        round::latency(self.latencies.iter().copied(), per_mille)
    }
}

/// Measures both, in as many rounds as all else.
pub async fn run(options: &Options, site: &Site, replies: &[Reply]) -> Result<Vec<Tail>> {
    let mut paused = empty(site, When::AfterPause);
    let mut hung_up = empty(site, When::AfterHangUp);
    for round in 0..options.rounds {
        let mut waiting = Vec::new();
        for at in 0..paused.len() {
            let clients = site.clients(at, WORKLOAD, replies, CLIENTS).await?;
            waiting.push(Some(burst::run(clients, round::WARM_UP).await?.0));
        }
        eprintln!("{} s of silence", options.pause);
        sleep(Duration::from_secs(options.pause)).await;
        for at in order(paused.len(), round) {
            let clients = waiting[at].take().unwrap_or_default();
            let (_, burst) = burst::run(clients, options.turn()).await?;
            paused[at].latencies.extend(burst.latencies);
        }
        for at in order(hung_up.len(), round) {
            let clients = site.clients(at, WORKLOAD, replies, CLIENTS).await?;
            let asking = burst::start(clients, None);
            sleep(BEFORE).await;
            drop(asking);
            let clients = site.clients(at, WORKLOAD, replies, CLIENTS).await?;
            let (_, burst) = burst::run(clients, options.turn()).await?;
            hung_up[at].latencies.extend(burst.latencies);
        }
    }
    paused.extend(hung_up);
    Ok(paused)
}

fn empty(site: &Site, when: When) -> Vec<Tail> {
    let contestants = site.contestants.iter();
    let tails = contestants.map(|contestant| Tail {
        when,
        who: contestant.who,
        latencies: Vec::new(),
    });
    tails.collect()
}
