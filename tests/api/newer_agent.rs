//! An agent that is newer than the gateway: each word that the gateway does not know costs no more than itself.

use entity::{operation::OperationStatus, snapshot::ItemStatus};
use serde_json::{Value, json};

use crate::harness::{id, on, on_each_database};

#[tokio::test]
async fn an_error_of_an_unknown_code_is_a_failure_of_storage_with_its_own_words() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = on("volumeId", volume.id);
        let asked = world.run(&alice.requester, "createSnapshot", input).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let failed = json!({
            "code": "DISK_ON_FIRE", "message": "The disk is on fire.", "volumeTouched": false,
        });
        assert!(agent.finish(&work, json!({ "failed": failed })).await);
        let row = world.operation_row(work.id()).await;
        assert_eq!(row.status, OperationStatus::Failed);
        assert_eq!(row.error_code.as_deref(), Some("STORAGE_FAILED"));
        assert_eq!(row.error_message.as_deref(), Some("The disk is on fire."));
        let snapshot = world.snapshot_row(id(&asked["snapshot"])).await;
        assert_eq!(snapshot.status, ItemStatus::Failed);
    })
    .await;
}

#[tokio::test]
async fn of_a_deletion_that_removed_what_the_gateway_has_no_word_for_nobody_knows_what_is_left() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
        let asked = world.run(&alice.requester, "deleteSnapshot", input).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let failed = json!({
            "code": "STORAGE_FAILED", "message": "It is in the bin.", "volumeTouched": false,
            "removed": "TO_THE_BIN",
        });
        assert!(agent.finish(&work, json!({ "failed": failed })).await);
        let row = world.operation_row(id(&asked["operation"])).await;
        let told = "It is in the bin. Some of it may be gone: delete it again.";
        assert_eq!(row.error_message.as_deref(), Some(told));
        let left = world.snapshot_row(snapshot.id).await;
        assert_eq!(left.status, ItemStatus::Failed);
        assert_eq!(left.deleted_at, None);
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_can_do_more_is_passed_over_and_the_rest_counts() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let input = json!({
            "version": "9.0.0",
            "stateId": "0190a0a0-0000-7000-8000-00000000a9e1",
            "capabilities": ["VOLUME_TELEPORT", "VOLUME_BACKUP"],
        });
        let hello = "mutation($input: AgentHelloInput!) {
            agentHello(input: $input) { hypervisorName } }";
        let variables = json!({ "input": input });
        world.data_with(&world.agent(), hello, variables).await;
        let shown = world
            .data(&admin, "{ hypervisors { agentVersion capabilities } }")
            .await;
        let expected = json!([{ "agentVersion": "9.0.0", "capabilities": ["VOLUME_BACKUP"] }]);
        assert_eq!(shown["hypervisors"], expected);
    })
    .await;
}

#[tokio::test]
async fn a_line_of_an_unknown_level_is_kept_beside_the_others() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = on("volumeId", volume.id);
        world.run(&alice.requester, "createSnapshot", input).await;
        let work = world.worker().claim_one().await;
        let line = |level: &str| {
            json!({
                "at": "2026-09-21T14:13:20Z", "level": level, "message": level, "public": true,
            })
        };
        let entries: Vec<Value> = ["WARN", "NOTICE", "info"].map(line).to_vec();
        let log =
            "mutation($input: AgentLogInput!) { agentLog(input: $input) { lease { state } } }";
        let input = json!({
            "operationId": work.operation, "epoch": work.epoch, "entries": entries,
        });
        let variables = json!({ "input": input });
        world.data_with(&world.agent(), log, variables).await;
        let shown = "query($id: ID!) { operation(id: $id) { logs { nodes { level message } } } }";
        let shown = world
            .data_with(&alice.requester, shown, on("id", &work.operation))
            .await;
        let lines = shown["operation"]["logs"]["nodes"].as_array().unwrap();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (line["level"].as_str(), line["message"].as_str()))
            .collect();
        let expected = [("WARN", "WARN"), ("INFO", "NOTICE"), ("INFO", "info")];
        assert_eq!(
            lines,
            expected.map(|(level, message)| (Some(level), Some(message)))
        );
    })
    .await;
}
