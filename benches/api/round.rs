//! All contestants on one thing, by so many clients: each has its turn in each round, and another one is first each time.

use std::time::Duration;

use anyhow::Result;

use crate::{
    Options,
    burst::{self, Burst},
    contestant::Who,
    meter::{self, Used},
    site::Site,
    workload::{Reply, Workload},
};

/// How long clients ask before it counts.
pub const WARM_UP: Duration = Duration::from_millis(500);

/// A contestant's turn.
#[derive(Debug)]
struct Turn {
    burst: Burst,
    used: Used,
    peak_mib: u64,
}

/// All turns of a contestant on one thing.
#[derive(Debug)]
pub struct Cell {
    pub who: Who,
    pub workload: Workload,
    pub clients: usize,
    turns: Vec<Turn>,
}

/// Has each contestant take its turns.
pub async fn run(
    options: &Options,
    site: &Site,
    replies: &[Reply],
    (workload, clients): (Workload, usize),
) -> Result<Vec<Cell>> {
    let mut cells: Vec<_> = site
        .contestants
        .iter()
        .map(|contestant| Cell {
            who: contestant.who,
            workload,
            clients,
            turns: Vec::new(),
        })
        .collect();
    for round in 0..options.rounds {
        for at in order(cells.len(), round) {
            let turn = turn(options, site, replies, at, (workload, clients)).await?;
            let cell = &mut cells[at];
            let requests = turn.burst.latencies.len();
            eprintln!(
                "{workload:?}, {clients} clients, {}: {requests} requests",
                cell.who.name()
            );
            cell.turns.push(turn);
        }
    }
    Ok(cells)
}

/// In which order so many have their turns: another one is first in each round.
pub fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| (turn + round) % count)
}

async fn turn(
    options: &Options,
    site: &Site,
    replies: &[Reply],
    at: usize,
    (workload, clients): (Workload, usize),
) -> Result<Turn> {
    let pid = site.contestants[at].pid()?;
    let clients = site.clients(at, workload, replies, clients).await?;
    let (clients, _) = burst::run(clients, WARM_UP).await?;
    meter::forget_peak(pid)?;
    let before = Used::by(pid, site.database_server)?;
    let (_, burst) = burst::run(clients, options.turn()).await?;
    let used = Used::by(pid, site.database_server)?.since(before);
    Ok(Turn {
        burst,
        used,
        peak_mib: meter::peak_mib(pid)?,
    })
}

impl Cell {
    /// Requests a second: the median of the turns.
    pub fn rate(&self) -> f64 {
        median(self.rates())
    }

    /// How many times as many requests as another: the median of the rounds, in each of which both had their turn.
    pub fn times(&self, other: &Self) -> f64 {
        let pairs = self.rates().into_iter().zip(other.rates());
        median(pairs.map(|(own, other)| own / other).collect())
    }

    /// Microseconds of processors a request, of the contestant.
    pub fn server_micros(&self) -> f64 {
        self.micros(|used| Some(used.server)).unwrap_or_default()
    }

    /// The same of the database's server, if it has one.
    pub fn database_micros(&self) -> Option<f64> {
        self.micros(|used| used.database)
    }

    /// How long the answer took that is the slowest of so many of a thousand, in milliseconds.
    pub fn latency(&self, per_mille: usize) -> f64 {
        let turns = self.turns.iter();
        latency(
            turns.flat_map(|turn| &turn.burst.latencies).copied(),
            per_mille,
        )
    }

    /// The most memory that the contestant had.
    pub fn peak_mib(&self) -> u64 {
        let peaks = self.turns.iter().map(|turn| turn.peak_mib);
        peaks.max().unwrap_or_default()
    }

    fn rates(&self) -> Vec<f64> {
        let rate = |turn: &Turn| count(&turn.burst) / turn.burst.elapsed.as_secs_f64();
        self.turns.iter().map(rate).collect()
    }

    fn micros(&self, used: impl Fn(&Used) -> Option<Duration>) -> Option<f64> {
        let requests: f64 = self.turns.iter().map(|turn| count(&turn.burst)).sum();
        let used: Option<Duration> = self.turns.iter().map(|turn| used(&turn.used)).sum();
        used.map(|used| used.as_secs_f64() * 1e6 / requests)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn count(burst: &Burst) -> f64 {
    burst.latencies.len() as f64
}

/// How long the answer took that is the slowest of so many of a thousand, in milliseconds.
pub fn latency(latencies: impl Iterator<Item = Duration>, per_mille: usize) -> f64 {
    let mut latencies: Vec<_> = latencies.collect();
    latencies.sort_unstable();
    let rank = (latencies.len() * per_mille).div_ceil(1000);
    let found = latencies.get(rank.saturating_sub(1));
    found.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.get(middle.saturating_sub(1)..=middle) {
        Some([one, other]) if figures.len().is_multiple_of(2) => f64::midpoint(*one, *other),
        _ => figures.get(middle).copied().unwrap_or(f64::NAN),
    }
}
