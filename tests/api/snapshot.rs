//! Snapshots: from the request to the mark on storage, and away again.

use entity::{SnapshotId, operation_event::OperationEventKind::*, snapshot::ItemStatus};
use sea_orm::Set;
use serde_json::json;

use crate::harness::{id, on_each_database};

#[tokio::test]
async fn a_snapshot_is_pending_then_creating_then_available() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let snapshot: SnapshotId = id(&payload["snapshot"]);
        assert_eq!(payload["snapshot"]["status"], "PENDING");
        assert_eq!(payload["snapshot"]["name"], "snapshot-2026-09-21T14-13-20Z");
        assert_eq!(payload["operation"]["status"], "PENDING");
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(work.assignment["snapshot"]["id"], snapshot.to_string());
        assert_eq!(
            world.snapshot_row(snapshot).await.status,
            ItemStatus::Creating
        );
        let retained = json!([{ "snapshotId": snapshot.to_string(), "retainedBytes": 65536 }]);
        assert!(
            agent
                .complete_with(&work, json!({ "retained": retained }))
                .await
        );
        let row = world.snapshot_row(snapshot).await;
        assert_eq!(row.status, ItemStatus::Available);
        assert_eq!(row.available_at, Some(world.now()));
        assert_eq!(row.retained_bytes, 65536);
        assert_eq!(row.volume_size_bytes, volume.size_bytes);
        let history = world.history(work.id()).await;
        assert_eq!(history, [Accepted, Started, Completed]);
        let freed = world.volume_row(volume.id).await;
        assert_eq!(
            (freed.active_operation, freed.active_operation_id),
            (None, None)
        );
    })
    .await;
}

#[tokio::test]
async fn measured_bytes_are_kept_only_for_snapshots_of_the_operations_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let other = world.volume(&alice, |_| {}).await;
        let own = world.snapshot(&volume, |_| {}).await;
        let foreign = world.snapshot(&other, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let retained = json!([
            { "snapshotId": own.id.to_string(), "retainedBytes": 1 },
            { "snapshotId": foreign.id.to_string(), "retainedBytes": 2 },
        ]);
        assert!(
            agent
                .complete_with(&work, json!({ "retained": retained }))
                .await
        );
        assert_eq!(world.snapshot_row(own.id).await.retained_bytes, 1);
        assert_eq!(world.snapshot_row(foreign.id).await.retained_bytes, 0);
    })
    .await;
}

#[tokio::test]
async fn a_failed_snapshot_stays_listed_with_its_reason_and_can_be_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string(), "name": "mine" });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let document = "{ snapshots { nodes { id status failure operation { status error { code message } } } } }";
        let data = world.data(&alice.requester, document).await;
        let listed = &data["snapshots"]["nodes"][0];
        assert_eq!(listed["status"], "FAILED");
        assert_eq!(listed["failure"], "The storage broke.");
        assert_eq!(listed["operation"]["error"]["code"], "STORAGE_FAILED");
        let delete = json!({ "snapshotId": payload["snapshot"]["id"], "confirmName": "mine" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        let data = world.data(&alice.requester, document).await;
        assert_eq!(data["snapshots"]["nodes"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_snapshot_is_deleting_then_gone_but_not_forgotten() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let delete = json!({ "snapshotId": snapshot.id.to_string(), "confirmName": " snapshot " });
        let payload = world
            .run(&alice.requester, "deleteSnapshot", delete.clone())
            .await;
        assert_eq!(payload["snapshot"]["status"], "DELETING");
        let (code, _) = world
            .refusal(&alice.requester, "deleteSnapshot", delete.clone())
            .await;
        assert_eq!(code, "ITEM_NOT_AVAILABLE");
        world.work().await;
        assert_eq!(
            world.snapshot_row(snapshot.id).await.deleted_at,
            Some(world.now())
        );
        let (code, message) = world
            .refusal(&alice.requester, "deleteSnapshot", delete)
            .await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("NOT_FOUND", "There is no snapshot with this id.")
        );
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_whose_deletion_failed_is_failed_and_can_be_deleted_again() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let delete = json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
        world
            .run(&alice.requester, "deleteSnapshot", delete.clone())
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let row = world.snapshot_row(snapshot.id).await;
        assert_eq!(row.status, ItemStatus::Failed);
        let told = "The storage broke. Some of it may be gone: delete it again.";
        assert_eq!(row.failure.as_deref(), Some(told));
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        assert!(world.snapshot_row(snapshot.id).await.deleted_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_no_agent_ever_started_leaves_the_snapshot_as_it_was() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for before in [ItemStatus::Available, ItemStatus::Failed] {
            let volume = world.volume(&alice, |_| {}).await;
            let snapshot = world
                .snapshot(&volume, |row| {
                    row.status = Set(before);
                    row.failure = Set((before == ItemStatus::Failed).then(|| "broken".to_owned()));
                })
                .await;
            let delete =
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
            world.run(&alice.requester, "deleteSnapshot", delete).await;
            world.wait_seconds(7200);
            world.clean_up().await;
            assert_eq!(world.snapshot_row(snapshot.id).await.status, before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_typed_name_must_match_but_for_spaces_around_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world
            .snapshot(&volume, |row| row.name = Set("Before upgrade".to_owned()))
            .await;
        for typed in ["", "before upgrade", "Before  upgrade", "Before upgrade!"] {
            let delete = json!({ "snapshotId": snapshot.id.to_string(), "confirmName": typed });
            let told = world
                .refusal(&alice.requester, "deleteSnapshot", delete)
                .await;
            assert_eq!(told.0, "CONFIRMATION_MISMATCH");
            assert_eq!(
                told.1,
                "The name does not match. Type \"Before upgrade\" to confirm."
            );
        }
        let delete =
            json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "\tBefore upgrade\n" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
    })
    .await;
}
