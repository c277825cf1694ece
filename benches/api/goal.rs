//! What is wanted of the API, beside what was measured. Ratios alone: they hold on other machines, too.

use crate::{
    contestant::Who,
    round::Cell,
    tail::{self, Tail, When},
    workload::Workload,
};

/// By how many clients.
const CLIENTS: usize = tail::CLIENTS;

/// All that was measured on one database.
#[derive(Debug, Default)]
pub struct Results {
    pub cells: Vec<Cell>,
    pub tails: Vec<Tail>,
}

/// Prints the goals that something was measured for.
pub fn print(results: &Results) {
    println!("| goal, with {CLIENTS} clients | measured | |");
    println!("|---|---:|---|");
    let throughput = [
        (Workload::Page20, Who::Bare, 0.9),
        (Workload::Page20, Who::Mercurius, 2.2),
        (Workload::Page100, Who::Bare, 0.6),
        (Workload::Typename, Who::Mercurius, 1.5),
    ];
    for (workload, who, least) in throughput {
        if let Some((ours, theirs)) = results.pair(workload, who) {
            let goal = format!(
                "{}: at least {least} × the requests of {}",
                workload.name(),
                plain(who)
            );
            let times = ours.times(theirs);
            line(&goal, times, times >= least);
        }
    }
    if let Some((ours, theirs)) = results.pair(Workload::Page20, Who::Bare) {
        let goal = format!(
            "{}: at most 8 × the server's processor time of {}",
            Workload::Page20.name(),
            plain(Who::Bare)
        );
        let times = ours.server_micros() / theirs.server_micros();
        line(&goal, times, times <= 8.0);
        spread("", ours.latency(500), ours.latency(990));
    }
    for when in [When::AfterPause, When::AfterHangUp] {
        let mut tails = results.tails.iter();
        let found = tails.find(|tail| tail.when == when && tail.who == Who::Tidemark);
        if let Some(tail) = found {
            let when = format!(", {}", when.name());
            spread(&when, tail.latency(500), tail.latency(990));
        }
    }
}

impl Results {
    /// What was measured of us and of another.
    fn pair(&self, workload: Workload, other: Who) -> Option<(&Cell, &Cell)> {
        let find = |who| {
            let mut cells = self.cells.iter();
            cells.find(|it| it.workload == workload && it.clients == CLIENTS && it.who == who)
        };
        find(Who::Tidemark).zip(find(other))
    }
}

fn spread(when: &str, middle: f64, slow: f64) {
    let goal = format!("{}{when}: p99 at most 4 × p50", Workload::Page20.name());
    line(&goal, slow / middle, slow <= 4.0 * middle);
}

fn line(goal: &str, times: f64, is_met: bool) {
    let state = if is_met { "met" } else { "**missed**" };
    println!("| {goal} | {times:.2} × | {state} |");
}

/// Without what a table adds to the name.
fn plain(who: Who) -> &'static str {
    match who {
        Who::Tidemark => "Tidemark",
        Who::Bare => "the statement by hand",
        Who::Mercurius => "Mercurius",
    }
}
