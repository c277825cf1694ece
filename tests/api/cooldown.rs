//! Cooldowns: what starts one, and what leaves a volume alone.

use entity::operation::OperationKind;
use serde_json::json;

use crate::{guard::occupy, harness::on_each_database};

#[tokio::test]
async fn a_cooldown_starts_when_a_snapshot_backup_or_restore_completes_and_only_then() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        let on = json!({ "volumeId": volume.id.to_string() });
        let rests = async || world.volume_row(volume.id).await.cooldown_ends_at;
        let agent = world.worker();

        world.run(by, "createSnapshot", on.clone()).await;
        assert!(agent.fail(&agent.claim_one().await, false).await);
        assert_eq!(rests().await, None, "after a failure");
        let payload = world.run(by, "createSnapshot", on.clone()).await;
        let cancel = json!({ "operationId": payload["operation"]["id"] });
        world.run(by, "cancelOperation", cancel).await;
        assert_eq!(rests().await, None, "after a cancel");

        let due = || Some(world.now() + chrono::TimeDelta::seconds(300));
        let payload = world.run(by, "createSnapshot", on.clone()).await;
        world.work().await;
        assert_eq!(rests().await, due(), "after a snapshot");
        let snapshot = payload["snapshot"].clone();
        world.wait_seconds(300);
        world.run(by, "createBackup", on.clone()).await;
        world.work().await;
        assert_eq!(rests().await, due(), "after a backup");
        world.wait_seconds(300);
        let source = json!({ "snapshotId": snapshot["id"] });
        let input = json!({
            "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
        });
        world.run(by, "restoreInPlace", input).await;
        world.work().await;
        assert_eq!(rests().await, due(), "after a restore in place");
        world.wait_seconds(300);
        let payload = world
            .run(by, "restoreToNewVolume", json!({ "source": source }))
            .await;
        world.work().await;
        assert_eq!(rests().await, due(), "after a restore of a snapshot");
        let made = world
            .volume_row(crate::harness::id(&payload["volume"]))
            .await;
        assert_eq!(made.cooldown_ends_at, None, "the new volume");

        let before = rests().await;
        world.wait_seconds(10);
        let delete = json!({ "snapshotId": snapshot["id"], "confirmName": snapshot["name"] });
        world.run(by, "deleteSnapshot", delete).await;
        world.work().await;
        assert_eq!(
            rests().await,
            before,
            "a delete neither obeys nor starts one"
        );
    })
    .await;
}

#[tokio::test]
async fn a_restore_of_a_backup_leaves_its_source_alone() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let operation = occupy(&world, &volume, OperationKind::CreateSnapshot).await;
        let input = json!({ "source": { "backupId": backup.id.to_string() } });
        world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let agent = world.worker();
        for work in agent.claim().await {
            if work.operation != operation {
                assert!(agent.complete(&work).await);
            }
        }
        let row = world.volume_row(volume.id).await;
        assert_eq!(row.cooldown_ends_at, None);
        assert_eq!(row.active_operation_id.unwrap().to_string(), operation);
    })
    .await;
}
