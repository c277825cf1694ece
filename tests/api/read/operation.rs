//! Operations: progress, errors, logs, and what is left when their nouns are gone.

use entity::operation::{OperationKind, OperationStatus};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, World, on_each_database};

#[tokio::test]
async fn only_what_is_completed_shows_a_hundred_per_cent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        for (status, done, total, percent) in [
            (OperationStatus::Pending, 0, 0, 0.0),
            (OperationStatus::Started, 500, 1000, 50.0),
            (OperationStatus::Started, 1, 3, 33.3),
            (OperationStatus::Started, 1000, 1000, 99.9),
            (OperationStatus::Failed, 1000, 1000, 99.9),
            (OperationStatus::Completed, 0, 0, 100.0),
        ] {
            let operation = world
                .operation(&volume, OperationKind::CreateBackup, |row| {
                    row.status = Set(status);
                    row.bytes_done = Set(done);
                    row.bytes_total = Set(total);
                })
                .await;
            let read = read(&world, &alice, &operation.id.to_string()).await;
            assert_eq!(read["progress"]["percent"], json!(percent), "{read:#}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_started_operation_tells_how_long_it_will_take() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, OperationKind::CreateBackup, |row| {
                row.status = Set(OperationStatus::Started);
                row.phase = Set("Uploading".to_owned());
                row.bytes_done = Set(1000);
                row.bytes_total = Set(4_000_000_000_000);
                row.bytes_per_second = Set(Some(1_000_000_000));
            })
            .await;
        let read = read(&world, &alice, &operation.id.to_string()).await;
        let progress = &read["progress"];
        assert_eq!(progress["phase"], "Uploading");
        assert_eq!(progress["bytesTotal"], 4_000_000_000_000_i64);
        assert_eq!(progress["bytesPerSecond"], 1_000_000_000);
        assert_eq!(progress["etaSeconds"], 4000);
    })
    .await;
}

#[tokio::test]
async fn a_failed_operation_tells_why() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, OperationKind::CreateBackup, |row| {
                row.status = Set(OperationStatus::Failed);
                row.error_code = Set(Some("BACKUP_STORAGE_FULL".to_owned()));
                row.error_message = Set(Some("No room is left.".to_owned()));
                row.requested_by = Set(Some(alice.user.id));
            })
            .await;
        let read = read(&world, &alice, &operation.id.to_string()).await;
        let error = json!({ "code": "BACKUP_STORAGE_FULL", "message": "No room is left." });
        assert_eq!(read["error"], error);
        assert_eq!(read["requestedBy"]["email"], "alice@example.test");
    })
    .await;
}

#[tokio::test]
async fn users_read_the_safe_part_of_the_log_and_administrators_all() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, OperationKind::CreateBackup, |_| {})
            .await;
        world.log(&operation, "Exporting", true).await;
        world.log(&operation, "mount -t nfs 10.0.0.1", false).await;
        let document = format!(
            "{{ operation(id: \"{}\") {{ logs {{ totalCount nodes {{ message }} }} }} }}",
            operation.id
        );
        let data = world.data(&alice.requester, &document).await;
        let logs = json!({ "totalCount": 1, "nodes": [{ "message": "Exporting" }] });
        assert_eq!(data["operation"]["logs"], logs);
        let data = world.data(&admin, &document).await;
        assert_eq!(data["operation"]["logs"]["totalCount"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_backup_and_an_operation_outlive_their_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let now = world.now();
        world
            .change(volume.clone(), |row| row.deleted_at = Set(Some(now)))
            .await;
        let document = format!(
            "{{ volume(id: \"{}\") {{ id }} backup(id: \"{}\") {{ volume {{ id }} volumeId
                volumeName location {{ storageName path }} operation {{ volume {{ id }}
                backup {{ id }} }} }} }}",
            volume.id, backup.id
        );
        let data = world.data(&alice.requester, &document).await;
        let expected = json!({
            "volume": null,
            "volumeId": volume.id.to_string(),
            "volumeName": "volume",
            "location": {
                "storageName": "vault",
                "path": format!("volumes/{}/{}", volume.id, backup.id),
            },
            "operation": { "volume": null, "backup": { "id": backup.id.to_string() } },
        });
        assert!(data["volume"].is_null());
        assert_eq!(data["backup"], expected);
    })
    .await;
}

#[tokio::test]
async fn a_restore_to_a_new_volume_belongs_to_both_volumes() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let source = world.volume(&alice, |_| {}).await;
        let target = world.volume(&alice, |_| {}).await;
        world
            .operation(&source, OperationKind::RestoreToNewVolume, |row| {
                row.target_volume_id = Set(Some(target.id));
            })
            .await;
        let document = "{ volumes { nodes { operations { totalCount nodes {
            volume { id } targetVolume { id } } } } } }";
        let data = world.data(&alice.requester, document).await;
        let operations = json!({ "totalCount": 1, "nodes": [{
            "volume": { "id": source.id.to_string() },
            "targetVolume": { "id": target.id.to_string() },
        }] });
        for volume in data["volumes"]["nodes"].as_array().unwrap() {
            assert_eq!(volume["operations"], operations);
        }
    })
    .await;
}

async fn read(world: &World, tenant: &Tenant, id: &str) -> Value {
    let document = format!(
        "{{ operation(id: \"{id}\") {{ progress {{ phase percent bytesDone bytesTotal
            bytesPerSecond etaSeconds }} error {{ code message }} requestedBy {{ email }} }} }}"
    );
    let mut data = world.data(&tenant.requester, &document).await;
    data["operation"].take()
}

#[tokio::test]
async fn customers_read_neither_the_email_of_staff_nor_the_name_of_a_hypervisor() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        for (by, mutation) in [
            (&admin, "createSnapshot"),
            (&alice.requester, "createBackup"),
        ] {
            let input = json!({ "volumeId": volume.id.to_string() });
            world.run(by, mutation, input).await;
            world.work().await;
            world.wait_seconds(300);
        }
        let document = format!(
            "{{ volume(id: \"{}\") {{ operations {{ nodes {{
                requestedBy {{ email }} events {{ nodes {{ kind actor message }} }}
                logs {{ nodes {{ message }} }} }} }} }} }}",
            volume.id
        );
        let told = world.data(&alice.requester, &document).await;
        let nodes = &told["volume"]["operations"]["nodes"];
        assert_eq!(nodes[0]["requestedBy"]["email"], "alice@example.test");
        assert_eq!(nodes[1]["requestedBy"], Value::Null);
        let actors = |operation: usize| -> Vec<_> {
            let events = nodes[operation]["events"]["nodes"].as_array().unwrap();
            events
                .iter()
                .map(|event| event["actor"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(actors(0).first().unwrap(), "alice@example.test");
        assert_eq!(actors(0).last().unwrap(), "agent");
        assert_eq!(actors(1).first().unwrap(), "administrator");
        let text = told.to_string();
        assert!(!text.contains("admin@"), "{text}");
        assert!(!text.contains("agent host"), "{text}");
        let told = world.data(&admin, &document).await.to_string();
        assert!(told.contains("admin@example.test") && told.contains("agent host"));
    })
    .await;
}

#[tokio::test]
async fn an_operation_keeps_the_name_of_what_it_was_about_and_counts_its_changes() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world
            .volume(&alice, |row| row.name = Set("data".to_owned()))
            .await;
        let input = json!({ "volumeId": volume.id.to_string(), "name": "monday" });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let operation = payload["operation"]["id"].as_str().unwrap().to_owned();
        let document =
            format!("{{ operation(id: \"{operation}\") {{ revision attempt subjectName }} }}");
        let told = async || world.data(&alice.requester, &document).await["operation"].clone();
        assert_eq!(
            told().await,
            json!({ "revision": 1, "attempt": 1, "subjectName": "monday" })
        );
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(told().await["revision"], 2);
        agent.report(&work, "Working", 1, 2).await;
        assert_eq!(
            told().await["revision"],
            2,
            "progress is no change of the status"
        );
        agent.stop(&work, false).await;
        assert_eq!(told().await["revision"], 3);
        assert_eq!(
            told().await["attempt"],
            1,
            "what was handed back was no attempt"
        );
        let work = agent.claim_one().await;
        assert!(agent.complete(&work).await);
        let delete = json!({ "snapshotId": payload["snapshot"]["id"], "confirmName": "monday" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        assert_eq!(
            told().await,
            json!({ "revision": 5, "attempt": 1, "subjectName": "monday" })
        );

        let new = world.new_volume("fresh");
        let payload = world.run(&alice.requester, "createVolume", new).await;
        let document = format!(
            "{{ operation(id: {}) {{ subjectName }} }}",
            payload["operation"]["id"]
        );
        let told = world.data(&alice.requester, &document).await;
        assert_eq!(told["operation"]["subjectName"], "fresh");
    })
    .await;
}
