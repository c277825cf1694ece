//! Clients that ask as fast as they are answered, and how long each answer took.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::client::Client;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Burst {
    /// How long each answer took.
    pub latencies: Vec<Duration>,
    /// From the first question to the last answer.
    pub elapsed: Duration,
}

/// Has all of `clients` ask for as long as `lasts`, each until its last answer has come. The first wrong answer ends it.
pub async fn run(clients: Vec<Client>, lasts: Duration) -> Result<(Vec<Client>, Burst)> {
    let began = Instant::now();
    let mut asking = start(clients, Some(lasts));
    let mut clients = Vec::with_capacity(asking.len());
    let mut latencies = Vec::new();
    while let Some(ended) = asking.join_next().await {
        let (client, took) = ended??;
        clients.push(client);
        latencies.extend(took);
    }
    let elapsed = began.elapsed();
    Ok((clients, Burst { latencies, elapsed }))
}

/// What a client comes back with: itself, and how long each answer took.
type Ended = Result<(Client, Vec<Duration>)>;

/// Has all of `clients` ask, for a time or without end. Dropped, they hang up wherever they are.
pub fn start(clients: Vec<Client>, lasts: Option<Duration>) -> JoinSet<Ended> {
    let began = Instant::now();
    let mut asking: JoinSet<Ended> = JoinSet::new();
    for mut client in clients {
        asking.spawn(async move {
            let mut took = Vec::new();
            let goes_on = || lasts.is_none_or(|lasts| began.elapsed() < lasts);
            while goes_on() {
                let asked = Instant::now();
                client.ask_next().await?;
                took.push(asked.elapsed());
            }
            Ok((client, took))
        });
    }
    asking
}
