//! An agent that does no work but speaks as one: it claims, renews, reports and finishes.

use std::sync::Arc;

use entity::{OperationId, SnapshotId, TokenId, VolumeId, hypervisor};
use serde_json::{Value, json};
use tidemark::domain::Requester;

use super::{World, mutation::text};

/// A process of the agent of the platform's hypervisor.
pub struct Agent<'w> {
    world: &'w World,
    requester: Requester,
}

/// An operation that an agent holds, as it was claimed.
#[derive(Clone, Debug)]
pub struct Work {
    /// All that the agent was told.
    pub assignment: Value,
    /// The operation.
    pub operation: String,
    /// The epoch of the claim.
    pub epoch: i64,
    /// What is to be done.
    pub kind: String,
}

const CLAIM: &str = "mutation($input: AgentClaimInput!) { agentClaim(input: $input) {
    assignments {
        operationId epoch attempt kind leaseSeconds replaceImage installationId account { id name }
        volume { id sizeBytes group { id name } instance { id running qmpSocket } ...Pool }
        targetVolume { id sizeBytes ...Pool }
        snapshot { id } backup { id destination { ...Destination } }
    }
    storageTests { id waitSeconds destination { ...Destination } }
    measurements { id sizeBytes ...Pool }
} }
fragment Pool on AgentVolume { pool {
    id name qcow2File { path } cephRbd { pool user configPath keyring }
} }
fragment Destination on AgentDestination {
    id bandwidthLimit local { path } nfs { server export directory }
    s3 { endpoint region bucket prefix accessKeyId secretAccessKey forcePathStyle }
}";
const RENEW: &str =
    "mutation($input: AgentRenewInput!) { agentRenew(input: $input) { leases { state } } }";
const REPORT: &str = "mutation($input: AgentReportProgressInput!) {
    agentReportProgress(input: $input) { isWatched lease { state } }
}";
const LOG: &str =
    "mutation($input: AgentLogInput!) { agentLog(input: $input) { lease { state } } }";
const FINISH: &str =
    "mutation($input: AgentFinishInput!) { agentFinish(input: $input) { accepted } }";
const FINISH_TEST: &str = "mutation($input: AgentFinishStorageTestInput!) {
    agentFinishStorageTest(input: $input) { accepted }
}";
const REPORT_RETAINED: &str = "mutation($input: AgentReportRetainedInput!) {
    agentReportRetained(input: $input) { accepted }
}";
const HELLO: &str =
    "mutation($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorName } }";

impl World {
    /// The agent of the platform's hypervisor.
    pub fn worker(&self) -> Agent<'_> {
        Agent {
            world: self,
            requester: self.agent(),
        }
    }

    /// The agent of another hypervisor.
    pub fn worker_of(&self, hypervisor: hypervisor::Model) -> Agent<'_> {
        Agent {
            world: self,
            requester: Requester::Agent {
                hypervisor: Arc::new(hypervisor),
                token: self.app.ids.next(TokenId::from_uuid),
            },
        }
    }

    /// Lets the agent do all that waits.
    pub async fn work(&self) {
        let agent = self.worker();
        for work in agent.claim().await {
            assert!(agent.complete(&work).await, "{work:?}");
        }
    }

    /// Lets the agent do all that waits, and the volumes rest.
    pub async fn work_and_rest(&self) {
        self.work().await;
        self.wait_seconds(300);
    }
}

/// Of the state directory that its processes hold.
const STATE_ID: &str = "0190a0a0-0000-7000-8000-00000000a9e1";

impl Agent<'_> {
    /// Another process starts with its token, which holds another state directory.
    pub async fn hello_elsewhere(&self) {
        let input = json!({
            "version": "0.1.0",
            "stateId": "0190a0a0-0000-7000-8000-00000000a9e2",
            "capabilities": [],
        });
        self.say(HELLO, input).await;
    }

    /// Its process starts.
    pub async fn hello(&self) {
        let input = json!({
            "version": "0.1.0",
            "stateId": STATE_ID,
            "capabilities": ["VOLUME_SNAPSHOT", "VOLUME_BACKUP"],
        });
        self.say(HELLO, input).await;
    }

    /// Takes all that waits.
    pub async fn claim(&self) -> Vec<Work> {
        self.claim_up_to(100).await
    }

    /// Takes some of what waits.
    pub async fn claim_up_to(&self, limit: u32) -> Vec<Work> {
        self.claim_with(json!({ "limit": limit })).await
    }

    async fn claim_with(&self, input: Value) -> Vec<Work> {
        let data = self.say(CLAIM, input).await;
        let assignments = data["agentClaim"]["assignments"].as_array().unwrap();
        let work = |assignment: &Value| Work {
            operation: text(&assignment["operationId"]),
            epoch: assignment["epoch"].as_i64().unwrap(),
            kind: text(&assignment["kind"]),
            assignment: assignment.clone(),
        };
        assignments.iter().map(work).collect()
    }

    /// The same, of an agent that says what it holds.
    pub async fn claim_holding(&self, holding: &[&Work]) -> Vec<Work> {
        let lease = |work: &&Work| json!({ "operationId": work.operation, "epoch": work.epoch });
        let holding: Vec<_> = holding.iter().map(lease).collect();
        self.claim_with(json!({ "limit": 100, "holding": holding }))
            .await
    }

    /// The storage tests that wait for it, as it is told of them.
    pub async fn storage_tests(&self) -> Vec<Value> {
        let data = self.say(CLAIM, json!({ "limit": 0 })).await;
        let tests = data["agentClaim"]["storageTests"].as_array();
        tests.unwrap().clone()
    }

    /// Answers a storage test; whether that counted.
    pub async fn answer_test(&self, test: &Value, ok: bool) -> bool {
        let input = json!({ "id": test["id"], "ok": ok, "message": "The agent's words." });
        let data = self.say(FINISH_TEST, input).await;
        data["agentFinishStorageTest"]["accepted"]
            .as_bool()
            .unwrap()
    }

    /// The ids of the volumes that it is to measure.
    pub async fn measurements(&self) -> Vec<String> {
        let data = self.say(CLAIM, json!({ "limit": 0 })).await;
        let volumes = data["agentClaim"]["measurements"].as_array().unwrap();
        volumes.iter().map(|volume| text(&volume["id"])).collect()
    }

    /// Says what a snapshot keeps; whether that counted.
    pub async fn report_retained(
        &self,
        volume: VolumeId,
        snapshot: SnapshotId,
        bytes: i64,
    ) -> bool {
        self.report_all_retained(volume, &[(snapshot, bytes)]).await
    }

    /// Says what each of a volume's snapshots keeps; whether that counted.
    pub async fn report_all_retained(
        &self,
        volume: VolumeId,
        retained: &[(SnapshotId, i64)],
    ) -> bool {
        let one = |(snapshot, bytes): &(SnapshotId, i64)| json!({ "snapshotId": snapshot.to_string(), "retainedBytes": bytes });
        let retained: Vec<_> = retained.iter().map(one).collect();
        let input = json!({ "volumeId": volume.to_string(), "retained": retained });
        let data = self.say(REPORT_RETAINED, input).await;
        data["agentReportRetained"]["accepted"].as_bool().unwrap()
    }

    /// Takes the one operation that waits.
    pub async fn claim_one(&self) -> Work {
        let mut claimed = self.claim().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    /// Renews a lease: HELD, CANCEL or LOST.
    pub async fn renew(&self, work: &Work) -> String {
        self.renew_all(&[work]).await.remove(0)
    }

    /// Renews several leases at once.
    pub async fn renew_all(&self, works: &[&Work]) -> Vec<String> {
        let lease = |work: &&Work| json!({ "operationId": work.operation, "epoch": work.epoch });
        let leases: Vec<_> = works.iter().map(lease).collect();
        let data = self.say(RENEW, json!({ "leases": leases })).await;
        let states = data["agentRenew"]["leases"].as_array().unwrap();
        states.iter().map(|lease| text(&lease["state"])).collect()
    }

    /// Says that the work is done, whatever the gateway says to that.
    pub async fn try_finish(&self, work: &Work) {
        let input = json!({
            "operationId": work.operation, "epoch": work.epoch, "outcome": { "completed": {} },
        });
        let variables = json!({ "input": input });
        self.world.answer(&self.requester, FINISH, variables).await;
    }

    /// Reports progress, and says whether somebody may watch it.
    pub async fn hears_of_watchers(&self, work: &Work, done: u64) -> bool {
        let input = json!({
            "operationId": work.operation,
            "epoch": work.epoch,
            "phase": "Uploading",
            "bytesDone": done,
            "bytesTotal": 1000,
        });
        let data = self.say(REPORT, input).await;
        data["agentReportProgress"]["isWatched"].as_bool().unwrap()
    }

    /// Reports progress: HELD, CANCEL or LOST.
    pub async fn report(&self, work: &Work, phase: &str, done: u64, total: u64) -> String {
        let input = json!({
            "operationId": work.operation,
            "epoch": work.epoch,
            "phase": phase,
            "bytesDone": done,
            "bytesTotal": total,
        });
        let data = self.say(REPORT, input).await;
        text(&data["agentReportProgress"]["lease"]["state"])
    }

    /// The code by which a report of such a phase is refused.
    pub async fn report_error(&self, work: &Work, phase: &str) -> String {
        let input = json!({
            "operationId": work.operation,
            "epoch": work.epoch,
            "phase": phase,
            "bytesDone": 0,
            "bytesTotal": 0,
        });
        let variables = json!({ "input": input });
        let error = self
            .world
            .error_with(&self.requester, REPORT, variables)
            .await;
        text(&error["extensions"]["code"])
    }

    /// Writes a line to the operation's log: HELD, CANCEL or LOST.
    pub async fn log(&self, work: &Work, message: &str) -> String {
        let entry = json!({
            "at": "2026-09-21T14:13:20Z", "level": "INFO", "message": message, "public": true,
        });
        let input = json!({
            "operationId": work.operation, "epoch": work.epoch, "entries": [entry],
        });
        let data = self.say(LOG, input).await;
        text(&data["agentLog"]["lease"]["state"])
    }

    /// Writes numbered lines to the operation's log, the first with the number `first`.
    pub async fn log_from(&self, work: &Work, first: usize, messages: &[&str]) -> String {
        let entry = |(number, message): (usize, &&str)| {
            json!({
                "at": "2026-09-21T14:13:20Z", "level": "INFO", "message": message, "public": true,
                "number": first + number,
            })
        };
        let entries: Vec<_> = messages.iter().enumerate().map(entry).collect();
        let input = json!({
            "operationId": work.operation, "epoch": work.epoch, "entries": entries,
        });
        let data = self.say(LOG, input).await;
        text(&data["agentLog"]["lease"]["state"])
    }

    /// Says that the work is done; whether that counted.
    pub async fn complete(&self, work: &Work) -> bool {
        let backup = work.kind == "CREATE_BACKUP";
        let yields = if backup {
            json!({ "storedBytes": 4096, "checksum": "blake3:00" })
        } else {
            json!({})
        };
        self.complete_with(work, yields).await
    }

    /// Says that the work is done, and what it yields; whether that counted.
    pub async fn complete_with(&self, work: &Work, yields: Value) -> bool {
        self.finish(work, json!({ "completed": yields })).await
    }

    /// Says that the work failed; whether that counted.
    pub async fn fail(&self, work: &Work, touched: bool) -> bool {
        let failed = json!({
            "code": "STORAGE_FAILED", "message": "The storage broke.", "volumeTouched": touched,
        });
        self.finish(work, json!({ "failed": failed })).await
    }

    /// Says that it has stopped; whether that counted.
    pub async fn stop(&self, work: &Work, touched: bool) -> bool {
        let stopped = json!({ "stopped": { "volumeTouched": touched } });
        self.finish(work, stopped).await
    }

    /// Ends the work in any way; whether that counted.
    pub async fn finish(&self, work: &Work, outcome: Value) -> bool {
        let input = json!({
            "operationId": work.operation, "epoch": work.epoch, "outcome": outcome,
        });
        let data = self.say(FINISH, input).await;
        data["agentFinish"]["accepted"].as_bool().unwrap()
    }

    async fn say(&self, document: &str, input: Value) -> Value {
        let variables = json!({ "input": input });
        self.world
            .data_with(&self.requester, document, variables)
            .await
    }
}

impl Work {
    /// The operation's id.
    pub fn id(&self) -> OperationId {
        self.operation.parse().unwrap()
    }
}
