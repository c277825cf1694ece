//! The tables that are printed: Markdown, for docs/performance.md.

use crate::{contestant::Who, round::Cell, tail::Tail};

/// Prints the head of the table of turns.
pub fn head() {
    println!(
        "| clients | what | requests/s | Tidemark is | p50, ms | p99, ms | p99.9, ms | CPU µs a request | of the \
         database, µs | memory, MiB |"
    );
    println!("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// Prints a line for each contestant.
pub fn cells(clients: usize, cells: &[Cell]) {
    let ours = cells.iter().find(|cell| cell.who == Who::Tidemark);
    for (at, cell) in cells.iter().enumerate() {
        let clients = if at == 0 {
            clients.to_string()
        } else {
            String::new()
        };
        let times = ours.filter(|ours| ours.who != cell.who);
        let times = times.map_or_else(String::new, |ours| format!("{:.2} ×", ours.times(cell)));
        let database = cell.database_micros();
        let database = database.map_or_else(|| "–".to_owned(), |micros| format!("{micros:.0}"));
        println!(
            "| {clients} | {} | {:.0} | {times} | {:.2} | {:.2} | {:.2} | {:.0} | {database} | {} |",
            cell.who.name(),
            cell.rate(),
            cell.latency(500),
            cell.latency(990),
            cell.latency(999),
            cell.server_micros(),
            cell.peak_mib()
        );
    }
}

/// Prints the table of first answers.
pub fn tails(tails: &[Tail]) {
    println!("| when | what | p50, ms | p99, ms | p99.9, ms | slowest, ms |");
    println!("|---|---|---:|---:|---:|---:|");
    for tail in tails {
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            tail.when.name(),
            tail.who.name(),
            tail.latency(500),
            tail.latency(990),
            tail.latency(999),
            tail.latency(1000)
        );
    }
}
