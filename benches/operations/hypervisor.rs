//! Simulated agents: they claim, write a line to the log and finish, as real ones that have nothing to do.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, Notify},
    task::JoinSet,
    time::sleep,
};

use crate::{api::Api, customer::Waiting};

/// How many operations one works on at once.
const PLACES: usize = 16;
/// How often one looks for work that nobody told of.
const HEARTBEAT: Duration = Duration::from_secs(10);

const HELLO: &str =
    "mutation($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorName } }";
const CLAIM: &str = "mutation($input: AgentClaimInput!) { agentClaim(input: $input) {
    assignments {
        operationId epoch attempt kind leaseSeconds replaceImage installationId account { id name }
        volume { id sizeBytes group { id name } instance { id running qmpSocket } ...Pool }
        targetVolume { id sizeBytes ...Pool } snapshot { id }
    }
    storageTests { id } measurements { id }
} }
fragment Pool on AgentVolume { pool {
    id name qcow2File { path } cephRbd { pool user configPath keyring }
} }";
const LOG: &str =
    "mutation($input: AgentLogInput!) { agentLog(input: $input) { lease { state } } }";
const FINISH: &str =
    "mutation($input: AgentFinishInput!) { agentFinish(input: $input) { accepted } }";
const WORK: &str = "subscription { agentWork { claimable } }";

/// Works until it is dropped. Tells those who wait what has completed.
pub async fn work(api: Api, waiting: Arc<Waiting>) -> Result<()> {
    let capabilities = ["VOLUME_SNAPSHOT", "VOLUME_BACKUP"];
    let hello = json!({
        "version": env!("CARGO_PKG_VERSION"), "stateId": uuid::Uuid::now_v7().to_string(),
        "capabilities": capabilities,
    });
    api.data(HELLO, hello).await?;
    let wake = Arc::new(Notify::new());
    let mut stream = api.stream(WORK).await?;
    let woken = Arc::clone(&wake);
    let mut listener = JoinSet::new();
    listener.spawn(async move {
        loop {
            if stream.next().await?["agentWork"]["claimable"] != 0 {
                woken.notify_one();
            }
        }
        #[expect(unreachable_code, reason = "it says what the loop fails with")]
        anyhow::Ok(())
    });
    let held: Arc<Mutex<Vec<Value>>> = Arc::default();
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = wake.notified() => {}
            Some(done) = tasks.join_next() => done??,
            Some(ended) = listener.join_next() => ended??,
            () = sleep(HEARTBEAT) => {}
        }
        // All that have ended leave their places at once.
        while let Some(done) = tasks.try_join_next() {
            done??;
        }
        let holding = held.lock().await.clone();
        let limit = PLACES.saturating_sub(tasks.len());
        let claim = json!({ "limit": limit, "holding": holding });
        let claimed = api.data(CLAIM, claim).await?;
        let assignments = claimed["agentClaim"]["assignments"].as_array();
        for assignment in assignments.context("no assignments")? {
            let lease = json!({
                "operationId": assignment["operationId"], "epoch": assignment["epoch"],
            });
            held.lock().await.push(lease.clone());
            let (held, waiting) = (Arc::clone(&held), Arc::clone(&waiting));
            tasks.spawn(perform(api.clone(), lease, held, waiting));
        }
    }
}

async fn perform(
    api: Api,
    lease: Value,
    held: Arc<Mutex<Vec<Value>>>,
    waiting: Arc<Waiting>,
) -> Result<()> {
    let mut log = lease.clone();
    log["entries"] = json!([{
        "at": chrono::Utc::now().to_rfc3339(), "level": "INFO", "message": "Took the snapshot.",
        "public": true, "number": 1,
    }]);
    api.data(LOG, log).await?;
    let mut finish = lease.clone();
    finish["outcome"] = json!({ "completed": {} });
    let finished = api.data(FINISH, finish).await?;
    anyhow::ensure!(
        finished["agentFinish"]["accepted"] == true,
        "{lease} was not accepted"
    );
    let operation = lease["operationId"].as_str().context("no id")?;
    waiting.completed(operation)?;
    held.lock().await.retain(|known| *known != lease);
    Ok(())
}
