//! Cancelling: at once while nobody works, by the agent's hand otherwise.

use entity::{operation_event::OperationEventKind::*, snapshot::ItemStatus, volume::VolumeState};
use serde_json::{Value, json};

use crate::harness::{Tenant, World, id, on_each_database};

async fn asked(world: &World, alice: &Tenant) -> (entity::volume::Model, Value, Value) {
    let volume = world.volume(alice, |_| {}).await;
    let input = json!({ "volumeId": volume.id.to_string() });
    let payload = world.run(&alice.requester, "createBackup", input).await;
    let cancel = json!({ "operationId": payload["operation"]["id"] });
    (volume, payload, cancel)
}

#[tokio::test]
async fn a_pending_operation_is_cancelled_at_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, payload, cancel) = asked(&world, &alice).await;
        for _ in 0..2 {
            let answer = world
                .run(&alice.requester, "cancelOperation", cancel.clone())
                .await;
            assert_eq!(answer["operation"]["status"], "CANCELLED");
        }
        let backup = world.backup_row(id(&payload["backup"])).await;
        assert_eq!(backup.status, ItemStatus::Failed);
        assert_eq!(backup.failure.as_deref(), Some("Cancelled."));
        let row = world.volume_row(volume.id).await;
        assert_eq!(
            (row.active_operation_id, row.cooldown_ends_at),
            (None, None)
        );
        assert!(world.worker().claim().await.is_empty());
        assert_eq!(
            world.history(id(&payload["operation"])).await,
            [Accepted, Cancelled]
        );
    })
    .await;
}

#[tokio::test]
async fn a_started_operation_is_cancelled_by_its_agent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _, cancel) = asked(&world, &alice).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        for _ in 0..2 {
            let answer = world
                .run(&alice.requester, "cancelOperation", cancel.clone())
                .await;
            assert_eq!(answer["operation"]["status"], "STARTED");
        }
        assert!(
            world
                .volume_row(volume.id)
                .await
                .active_operation_id
                .is_some()
        );
        assert_eq!(agent.renew(&work).await, "CANCEL");
        assert_eq!(agent.report(&work, "Uploading", 1, 2).await, "CANCEL");
        assert!(agent.stop(&work, false).await);
        let row = world.volume_row(volume.id).await;
        assert_eq!(
            (row.active_operation_id, row.cooldown_ends_at),
            (None, None)
        );
        assert_eq!(
            world.history(work.id()).await,
            [Accepted, Started, Progressed, Cancelled]
        );
    })
    .await;
}

#[tokio::test]
async fn work_that_was_done_before_the_agent_heard_of_the_cancel_is_completed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, _, cancel) = asked(&world, &alice).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        world
            .run(&alice.requester, "cancelOperation", cancel.clone())
            .await;
        assert!(agent.complete(&work).await);
        assert_eq!(
            world.history(work.id()).await,
            [Accepted, Started, Completed]
        );
        let told = world
            .refusal(&alice.requester, "cancelOperation", cancel)
            .await;
        assert_eq!(told.0, "INVALID_INPUT");
        assert_eq!(told.1, "The operation has already ended.");
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_operation_whose_agent_is_lost_ends_cancelled() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, _, cancel) = asked(&world, &alice).await;
        let work = world.worker().claim_one().await;
        world.run(&alice.requester, "cancelOperation", cancel).await;
        world.wait_seconds(90);
        world.clean_up().await;
        assert_eq!(
            world.history(work.id()).await,
            [Accepted, Started, Cancelled]
        );
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_restore_to_a_new_volume_leaves_a_failed_one() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let input = json!({ "source": { "backupId": backup.id.to_string() } });
        let payload = world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let cancel = json!({ "operationId": payload["operation"]["id"] });
        world.run(&alice.requester, "cancelOperation", cancel).await;
        let made = world.volume_row(id(&payload["volume"])).await;
        assert_eq!(
            (made.state, made.active_operation_id),
            (VolumeState::Failed, None)
        );
        assert_eq!(
            world.backup_row(backup.id).await.status,
            ItemStatus::Available
        );
    })
    .await;
}

#[tokio::test]
async fn deletes_and_new_volumes_cannot_be_cancelled() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let delete = json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
        let delete = world.run(&alice.requester, "deleteSnapshot", delete).await;
        let create = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        for payload in [delete, create] {
            let cancel = json!({ "operationId": payload["operation"]["id"] });
            let told = world
                .refusal(&alice.requester, "cancelOperation", cancel)
                .await;
            assert_eq!(told.0, "INVALID_INPUT");
            assert_eq!(
                told.1,
                "Only snapshots, backups and restores can be cancelled."
            );
        }
    })
    .await;
}
