//! Customers, each of whom asks for a snapshot of one of its volumes and waits until it is there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::sync::oneshot;

use crate::api::Api;

const SNAPSHOT: &str = "mutation($input: CreateSnapshotInput!) {
    createSnapshot(input: $input) { operation { id } } }";

/// Who waits for which operation, or that it has ended already.
#[derive(Default)]
pub struct Waiting(Mutex<HashMap<String, Option<oneshot::Sender<()>>>>);

impl Waiting {
    /// Until the operation has completed.
    async fn until_completed(&self, operation: &str) -> Result<()> {
        let receiver = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.remove(operation).is_some() {
                return Ok(());
            }
            let (sender, receiver) = oneshot::channel();
            all.insert(operation.to_owned(), Some(sender));
            receiver
        };
        Ok(receiver.await?)
    }

    /// The operation has completed: its agent was told so.
    pub fn completed(&self, operation: &str) -> Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.remove(operation) {
            Some(Some(waits)) => drop(waits.send(())),
            Some(None) => bail!("{operation} completed twice"),
            None => {
                all.insert(operation.to_owned(), None);
            }
        }
        Ok(())
    }
}

/// Asks again and again until `until`. How long each took, in seconds.
pub async fn ask(
    api: Api,
    volumes: Vec<String>,
    waiting: Arc<Waiting>,
    until: Instant,
) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for volume in volumes.iter().cycle() {
        let began = Instant::now();
        if began >= until {
            break;
        }
        let asked = api.data(SNAPSHOT, json!({ "volumeId": volume })).await?;
        let operation = asked["createSnapshot"]["operation"]["id"].as_str();
        waiting.until_completed(operation.context("no id")?).await?;
        took.push(began.elapsed().as_secs_f64());
    }
    Ok(took)
}
