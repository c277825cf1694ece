//! Idempotency keys: the same request twice is one operation.

use serde_json::{Value, json};

use crate::harness::{Tenant, World, on_each_database};

/// A request of each mutation that takes a key, on things of its own.
async fn requests(world: &World, alice: &Tenant) -> Vec<(&'static str, Value)> {
    let mut requests = Vec::new();
    for mutation in ["createSnapshot", "createBackup"] {
        let volume = world.volume(alice, |_| {}).await;
        requests.push((mutation, json!({ "volumeId": volume.id.to_string() })));
    }
    let volume = world.volume(alice, |_| {}).await;
    let snapshot = world.snapshot(&volume, |_| {}).await;
    requests.push((
        "deleteSnapshot",
        json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" }),
    ));
    let backup = world.backup(&volume, |_| {}).await;
    requests.push((
        "deleteBackup",
        json!({ "backupId": backup.id.to_string(), "confirmName": "backup" }),
    ));
    let volume = world.volume(alice, |_| {}).await;
    let backup = world.backup(&volume, |_| {}).await;
    let source = json!({ "backupId": backup.id.to_string() });
    requests.push((
        "restoreInPlace",
        json!({ "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume" }),
    ));
    requests.push((
        "restoreToNewVolume",
        json!({ "source": source, "name": "copy" }),
    ));
    requests.push(("createVolume", world.new_volume("data")));
    let volume = world.volume(alice, |_| {}).await;
    requests.push((
        "deleteVolume",
        json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" }),
    ));
    requests
}

#[tokio::test]
async fn each_mutation_with_a_key_is_answered_alike_as_often_as_it_is_sent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for (number, (mutation, mut input)) in
            requests(&world, &alice).await.into_iter().enumerate()
        {
            input["idempotencyKey"] = json!(format!("key {number}"));
            let first = world.run(&alice.requester, mutation, input.clone()).await;
            let again = world.run(&alice.requester, mutation, input.clone()).await;
            assert_eq!(first, again, "{mutation}");
            world.work_and_rest().await;
            let after = world.run(&alice.requester, mutation, input.clone()).await;
            assert_eq!(
                first["operation"]["id"], after["operation"]["id"],
                "{mutation}"
            );
            assert_eq!(after["operation"]["status"], "COMPLETED", "{mutation}");
            if let Some(name) = input.get_mut("confirmName") {
                *name = json!("another");
            } else {
                input["name"] = json!("another");
            }
            let (code, _) = world.refusal(&alice.requester, mutation, input).await;
            assert_eq!(code, "IDEMPOTENCY_CONFLICT", "{mutation}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_even_when_everything_it_made_is_gone() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let on = volume.id.to_string();
        let snapshot = json!({ "volumeId": on, "name": "mine", "idempotencyKey": "s" });
        let made = world
            .run(&alice.requester, "createSnapshot", snapshot.clone())
            .await;
        world.work_and_rest().await;
        let backup = json!({ "volumeId": on, "name": "mine", "idempotencyKey": "b" });
        let kept = world
            .run(&alice.requester, "createBackup", backup.clone())
            .await;
        world.work_and_rest().await;
        for (mutation, input) in [
            (
                "deleteSnapshot",
                json!({ "snapshotId": made["snapshot"]["id"], "confirmName": "mine" }),
            ),
            (
                "deleteBackup",
                json!({ "backupId": kept["backup"]["id"], "confirmName": "mine" }),
            ),
            (
                "deleteVolume",
                json!({ "volumeId": on, "confirmName": "volume" }),
            ),
        ] {
            world.run(&alice.requester, mutation, input).await;
            world.work().await;
        }
        let again = world
            .run(&alice.requester, "createSnapshot", snapshot.clone())
            .await;
        assert_eq!(again["snapshot"]["id"], made["snapshot"]["id"]);
        let again = world.run(&alice.requester, "createBackup", backup).await;
        assert_eq!(again["backup"]["id"], kept["backup"]["id"]);

        // What hangs on the volume is gone with it, but the answer still stands.
        let document = "mutation($input: CreateSnapshotInput!) { createSnapshot(input: $input) {
            snapshot { id volume { id name status } } operation { id volume { id } } } }";
        let data = world
            .data_with(&alice.requester, document, json!({ "input": snapshot }))
            .await;
        assert_eq!(
            data["createSnapshot"]["snapshot"]["id"],
            made["snapshot"]["id"]
        );
        assert_eq!(data["createSnapshot"]["snapshot"]["volume"]["id"], on);
    })
    .await;
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string(), "idempotencyKey": "k" });
        let plain = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", plain).await;
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "VOLUME_BUSY");
        world.work_and_rest().await;
        let payload = world
            .run(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(payload["operation"]["status"], "PENDING");
        let again = world.run(&alice.requester, "createSnapshot", input).await;
        assert_eq!(again["operation"]["id"], payload["operation"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_belongs_to_its_account_and_to_one_mutation() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let mut operations = Vec::new();
        for tenant in [&alice, &bob] {
            let volume = world.volume(tenant, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string(), "idempotencyKey": "same" });
            let payload = world
                .run(&tenant.requester, "createSnapshot", input.clone())
                .await;
            operations.push(payload["operation"]["id"].clone());
            let (code, _) = world
                .refusal(&tenant.requester, "createBackup", input)
                .await;
            assert_eq!(code, "IDEMPOTENCY_CONFLICT");
        }
        assert_ne!(operations[0], operations[1]);
    })
    .await;
}

#[tokio::test]
async fn a_key_has_one_to_255_characters_and_no_control_characters() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let long = "k".repeat(256);
        for key in ["", "two\nlines", "nul\0", &long] {
            let input = json!({ "volumeId": volume.id.to_string(), "idempotencyKey": key });
            let (code, _) = world
                .refusal(&alice.requester, "createSnapshot", input)
                .await;
            assert_eq!(code, "INVALID_INPUT", "{key:?}");
        }
        let key = "🌊".repeat(255);
        let input = json!({ "volumeId": volume.id.to_string(), "idempotencyKey": key });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}
