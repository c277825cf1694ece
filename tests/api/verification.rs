//! What restores find of backups stays with them.

use entity::snapshot::ItemStatus;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{World, on_each_database};

const DOCUMENT: &str = "{ backups { nodes { status verification { at ok message } } } }";

async fn listed(world: &World, by: &Requester) -> Value {
    let mut data = world.data(by, DOCUMENT).await;
    data["backups"]["nodes"][0].take()
}

#[tokio::test]
async fn a_restore_says_of_its_backup_whether_it_was_whole() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let source = json!({ "backupId": backup.id.to_string() });
        let in_place = json!({
            "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
        });
        let to_new = json!({ "source": source });
        let failed = |code: &str| {
            let words = "Frame 3 of 9 is not what was written.";
            json!({ "failed": { "code": code, "message": words, "volumeTouched": false } })
        };
        assert_eq!(listed(&world, by).await["verification"], Value::Null);
        let agent = world.worker();
        // What says nothing of the backup changes nothing.
        world.run(by, "restoreInPlace", in_place.clone()).await;
        let work = agent.claim_one().await;
        assert!(agent.finish(&work, failed("STORAGE_FAILED")).await);
        assert_eq!(listed(&world, by).await["verification"], Value::Null);

        for (mutation, input) in [
            ("restoreInPlace", &in_place),
            ("restoreToNewVolume", &to_new),
        ] {
            world.run(by, mutation, input.clone()).await;
            let work = agent.claim_one().await;
            assert!(agent.finish(&work, failed("BACKUP_CORRUPT")).await);
            let told = listed(&world, by).await;
            assert_eq!(told["verification"]["ok"], false);
            let words = "Frame 3 of 9 is not what was written.";
            assert_eq!(told["verification"]["message"], words);
            // It stays, and each restore checks anew.
            assert_eq!(told["status"], "AVAILABLE");
            let row = world.backup_row(backup.id).await;
            assert_eq!(row.status, ItemStatus::Available);
            assert_eq!(row.verified_at, Some(world.now()));

            world.wait_seconds(60);
            world.run(by, mutation, input.clone()).await;
            world.work_and_rest().await;
            let told = listed(&world, by).await;
            assert_eq!(told["verification"]["ok"], true);
            assert_eq!(told["verification"]["message"], Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_restore_that_was_given_up_on_found_stays_with_its_backup_too() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let source = json!({ "backupId": backup.id.to_string() });
        let in_place = json!({
            "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
        });
        let to_new = json!({ "source": source });
        let words = "Frame 3 of 9 is not what was written.";
        let corrupt = json!({ "failed": {
            "code": "BACKUP_CORRUPT", "message": words, "volumeTouched": false,
        } });
        let agent = world.worker();
        for (mutation, input) in [
            ("restoreInPlace", &in_place),
            ("restoreToNewVolume", &to_new),
        ] {
            for (outcome, ok) in [
                (corrupt.clone(), json!(false)),
                (
                    json!({ "stopped": { "volumeTouched": false } }),
                    json!(false),
                ),
                (json!({ "completed": {} }), json!(true)),
            ] {
                world.run(by, mutation, input.clone()).await;
                let work = agent.claim_one().await;
                let given_up = json!({ "operationId": work.operation, "reason": "stuck" });
                world.run(&admin, "failOperation", given_up).await;
                assert!(!agent.finish(&work, outcome.clone()).await);
                let told = listed(&world, by).await;
                assert_eq!(told["verification"]["ok"], ok, "{mutation}: {outcome}");
                assert_eq!(told["status"], "AVAILABLE");
                let row = world.operation_row(work.id()).await;
                assert_eq!(row.error_code.as_deref(), Some("FAILED_BY_ADMINISTRATOR"));
                let good = world.volume_row(volume.id).await.last_backup_at;
                assert_eq!(good == backup.created_at, ok == true, "{outcome}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_of_a_snapshot_says_nothing_of_backups() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = json!({
            "volumeId": volume.id.to_string(), "confirmName": "volume",
            "source": { "snapshotId": snapshot.id.to_string() },
        });
        world.run(by, "restoreInPlace", input).await;
        world.work().await;
        assert_eq!(listed(&world, by).await["verification"], Value::Null);
    })
    .await;
}
