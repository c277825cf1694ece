//! What administrators build: places, plans and destinations.

use serde_json::{Value, json};

use crate::harness::{id, on, on_each_database};

#[tokio::test]
async fn a_platform_is_built_through_the_api_and_serves_a_volume() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let run = async |mutation: &str, selection: &str, input: Value| {
            let document = crate::harness::document(mutation, selection);
            world
                .data_with(&admin, &document, json!({ "input": input }))
                .await[mutation]
                .take()
        };
        let storage = json!({ "name": "vault", "local": { "path": "/srv/b" } });
        let storage = run(
            "createBackupStorage",
            "backupStorage { id kind survivesHostLoss }",
            storage,
        )
        .await;
        assert_eq!(storage["backupStorage"]["survivesHostLoss"], false);
        let group = json!({ "name": "zone", "backupStorageId": storage["backupStorage"]["id"] });
        let group = run(
            "createHypervisorGroup",
            "hypervisorGroup { id backupStorage { id } }",
            group,
        )
        .await;
        let group = &group["hypervisorGroup"];
        assert_eq!(group["backupStorage"]["id"], storage["backupStorage"]["id"]);
        let host = json!({ "hypervisorGroupId": group["id"], "name": "h1" });
        let host = run(
            "createHypervisor",
            "hypervisor { id status backupStorage { id } } enrolmentToken",
            host,
        )
        .await;
        assert_eq!(host["hypervisor"]["status"], "NEVER_SEEN");
        assert_eq!(
            host["hypervisor"]["backupStorage"]["id"],
            storage["backupStorage"]["id"]
        );
        let secret = host["enrolmentToken"].as_str().unwrap();
        let agent = tidemark::domain::token::authenticate(&world.app, secret)
            .await
            .unwrap();
        assert_eq!(agent.hypervisor_id(), Some(id(&host["hypervisor"])));
        let pool = json!({
            "hypervisorGroupId": group["id"], "name": "ssd", "qcow2File": { "path": "/srv/v" },
        });
        run("createStoragePool", "storagePool { id storageType }", pool).await;
        let plan = json!({ "name": "small", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE" });
        let plan = run(
            "createVolumePlan",
            "plan { id maxSnapshots maxBackups snapshotCreditValue enabled }",
            plan,
        )
        .await;
        let plan = &plan["plan"];
        assert_eq!(plan["maxSnapshots"], 5);
        assert_eq!(plan["maxBackups"], 10);
        assert_eq!(plan["snapshotCreditValue"], "0");
        assert_eq!(plan["enabled"], true);
        let volume = json!({ "name": "v", "planId": plan["id"], "hypervisorGroupId": group["id"] });
        let payload = world.run(&admin, "createVolume", volume).await;
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(Some(operation.hypervisor_id), agent.hypervisor_id());
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears_only_where_it_may() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let group = world.platform.group.id;
        let read = "{ hypervisorGroups { name backupStorage { id } } }";
        world.run(&admin, "updateHypervisorGroup", on("hypervisorGroupId", group)).await;
        let data = world.data(&admin, read).await;
        let own = world.platform.backup_storage.id.to_string();
        assert_eq!(data["hypervisorGroups"][0]["backupStorage"]["id"], own);
        let clear = json!({ "hypervisorGroupId": group.to_string(), "backupStorageId": null });
        world.run(&admin, "updateHypervisorGroup", clear).await;
        let data = world.data(&admin, read).await;
        assert_eq!(data["hypervisorGroups"][0]["backupStorage"], Value::Null);
        assert_eq!(data["hypervisorGroups"][0]["name"], "group");
        let plan = json!({
            "planId": world.platform.plan.id.to_string(), "enabled": false, "backupCreditValue": "1.5",
        });
        world.run(&admin, "updateVolumePlan", plan).await;
        let data = world.data(&admin, "{ volumePlans { name enabled maxSnapshots backupCreditValue } }").await;
        let plan = &data["volumePlans"][0];
        assert_eq!(*plan, json!({
            "name": "plan", "enabled": false, "maxSnapshots": 5, "backupCreditValue": "1.5",
        }));
    })
    .await;
}

#[tokio::test]
async fn a_backup_storage_with_backups_is_pointed_nowhere_else() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let own = world.platform.backup_storage.id.to_string();
        let moved = json!({ "backupStorageId": own, "local": { "path": "/elsewhere" } });
        world.run(&admin, "updateBackupStorage", moved).await;
        let volume = world.volume(&alice, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        let moved = json!({ "backupStorageId": own, "local": { "path": "/again" } });
        let (code, _) = world.refusal(&admin, "updateBackupStorage", moved).await;
        assert_eq!(code, "INVALID_INPUT");
        let renamed = json!({ "backupStorageId": own, "name": "renamed" });
        world.run(&admin, "updateBackupStorage", renamed).await;
        let same = json!({ "backupStorageId": own, "local": { "path": "/elsewhere" } });
        world.run(&admin, "updateBackupStorage", same).await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_pins_the_destination_it_was_written_to() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&alice.requester, "createBackup", on("volumeId", volume.id))
            .await;
        let document = crate::harness::document("createBackupStorage", "backupStorage { id }");
        let other = json!({ "input": { "name": "other", "local": { "path": "/o" } } });
        let other = world.data_with(&admin, &document, other).await;
        let group = json!({
            "hypervisorGroupId": world.platform.group.id.to_string(),
            "backupStorageId": other["createBackupStorage"]["backupStorage"]["id"],
        });
        world.run(&admin, "updateHypervisorGroup", group).await;
        let work = world.worker().claim_one().await;
        assert_eq!(
            work.assignment["backup"]["destination"]["local"]["path"],
            "/srv/backups"
        );
        let row = world.backup_row(id(&payload["backup"])).await;
        assert_eq!(row.backup_storage_id, world.platform.backup_storage.id);
    })
    .await;
}

#[tokio::test]
async fn a_storage_test_that_an_agent_answers_is_told() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let document = "mutation($storage: ID!, $host: ID!) {
            testBackupStorage(input: { backupStorageId: $storage, hypervisorId: $host }) {
                test { ok message } } }";
        let variables = json!({
            "storage": world.platform.backup_storage.id.to_string(),
            "host": world.platform.hypervisor.id.to_string(),
        });
        let agent = world.agent();
        let answering = async {
            let claim = "mutation { agentClaim(input: { limit: 0 }) { storageTests { id waitSeconds } } }";
            loop {
                let data = world.data(&agent, claim).await;
                let asked = &data["agentClaim"]["storageTests"][0];
                if let Some(test) = asked["id"].as_str() {
                    let wait = asked["waitSeconds"].as_i64().unwrap();
                    assert!((1..=30).contains(&wait), "{asked}");
                    let document = "mutation($id: ID!) { agentFinishStorageTest(
                        input: { id: $id, ok: false, message: \"No such\\u0000 directory.\" }) { accepted } }";
                    break world.data_with(&agent, document, json!({ "id": test })).await;
                }
                tokio::task::yield_now().await;
            }
        };
        let (told, answered) =
            tokio::join!(world.data_with(&admin, document, variables), answering);
        assert_eq!(answered["agentFinishStorageTest"]["accepted"], true);
        let test = &told["testBackupStorage"]["test"];
        assert_eq!(*test, json!({ "ok": false, "message": "No such  directory." }));
    })
    .await;
}

#[tokio::test]
async fn a_hypervisor_is_renamed_and_gets_a_backup_storage_of_its_own_or_its_groups() {
    on_each_database(async |world| {
        let admin = world.signed_in(&world.admin().await).await;
        let vault = world.platform.backup_storage.id.to_string();
        let other = json!({ "name": "other", "local": { "path": "/o" } });
        let other = world.backup_storage(&admin, other).await.to_string();
        let host = world.platform.hypervisor.id.to_string();
        let document = "subscription { hypervisorEvents {
            name backupStorage { id } usesGroupBackupStorage } }";
        let mut stream = world.watch(&admin, document, json!({}));
        stream.next().await;
        for (change, name, storage, of_group) in [
            (json!({ "name": " h2 " }), "h2", &vault, true),
            (json!({ "backupStorageId": other }), "h2", &other, false),
            (json!({ "name": "h3" }), "h3", &other, false),
            (json!({ "backupStorageId": null }), "h3", &vault, true),
        ] {
            let mut input = change;
            input["hypervisorId"] = host.clone().into();
            world.run(&admin, "updateHypervisor", input).await;
            assert_eq!(
                stream.next().await,
                json!({ "name": name, "backupStorage": { "id": storage },
                        "usesGroupBackupStorage": of_group })
            );
        }
        let unknown = json!({
            "hypervisorId": host, "backupStorageId": "0190a0a0-0000-7000-8000-000000000000",
        });
        let (code, _) = world.refusal(&admin, "updateHypervisor", unknown).await;
        assert_eq!(code, "NOT_FOUND");
    })
    .await;
}
