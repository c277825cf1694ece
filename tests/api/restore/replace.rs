//! Restores that may put a new image in the place of one that is damaged or gone.

use entity::{
    SnapshotId, VolumeId,
    snapshot::ItemStatus,
    volume::{DataState, VolumeState},
};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, Work, World, on_each_database};

/// A volume in some state with an available snapshot, and what restores it from a backup of its own.
pub(super) async fn damaged(
    world: &World,
    alice: &Tenant,
    state: VolumeState,
) -> (VolumeId, SnapshotId, Value) {
    let volume = world.volume(alice, |row| row.state = Set(state)).await;
    let snapshot = world.snapshot(&volume, |_| {}).await;
    let backup = world.backup(&volume, |_| {}).await;
    let input = json!({
        "volumeId": volume.id.to_string(),
        "source": { "backupId": backup.id.to_string() },
        "confirmName": "volume",
    });
    (volume.id, snapshot.id, input)
}

pub(super) fn replacing(input: &Value) -> Value {
    let mut input = input.clone();
    input["replaceImage"] = json!(true);
    input
}

pub(super) async fn begin(world: &World, alice: &Tenant, input: &Value) -> Work {
    world
        .run(&alice.requester, "restoreInPlace", replacing(input))
        .await;
    world.worker().claim_one().await
}

#[tokio::test]
async fn a_failed_volume_is_cured_by_a_restore_that_may_replace_its_image_and_by_no_other() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, snapshot, input) = damaged(&world, &alice, VolumeState::Failed).await;
        let (code, _) = world
            .refusal(&alice.requester, "restoreInPlace", input.clone())
            .await;
        assert_eq!(code, "VOLUME_NOT_AVAILABLE");
        let backup = input["source"]["backupId"].as_str().unwrap();
        for (argument, allowed) in [("", false), (", replaceImage: true", true)] {
            let document = format!(
                "{{ volume(id: \"{volume}\") {{ actions {{ restoreInPlace(
                    source: {{ backupId: \"{backup}\" }}{argument}
                ) {{ allowed }} }} }} }}"
            );
            let data = world.data(&alice.requester, &document).await;
            let told = &data["volume"]["actions"]["restoreInPlace"]["allowed"];
            assert_eq!(told, &json!(allowed), "{argument}");
        }

        let work = begin(&world, &alice, &input).await;
        assert_eq!(work.assignment["replaceImage"], true);
        let replaced = json!({ "imageReplaced": true });
        assert!(world.worker().complete_with(&work, replaced).await);
        let row = world.volume_row(volume).await;
        assert_eq!(row.state, VolumeState::Available);
        assert_eq!(row.data_state, DataState::Consistent);
        let gone = world.snapshot_row(snapshot).await;
        assert_eq!(gone.status, ItemStatus::Failed);
        assert_eq!(
            gone.failure.as_deref(),
            Some("The snapshot lay in the image that was replaced on 2026-09-21.")
        );
        let document = format!("{{ volume(id: \"{volume}\") {{ status }} }}");
        let data = world.data(&alice.requester, &document).await;
        assert_eq!(data["volume"]["status"], "AVAILABLE");
    })
    .await;
}

#[tokio::test]
async fn a_sound_image_that_was_written_in_place_keeps_its_snapshots() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
        let work = begin(&world, &alice, &input).await;
        assert!(world.worker().complete(&work).await);
        let kept = world.snapshot_row(snapshot).await;
        assert_eq!(kept.status, ItemStatus::Available);
        assert_eq!(world.volume_row(volume).await.state, VolumeState::Available);
    })
    .await;
}

#[tokio::test]
async fn what_failed_before_keeps_its_own_reason_and_what_was_deleted_stays_so() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _, input) = damaged(&world, &alice, VolumeState::Available).await;
        let volume = world.volume_row(volume).await;
        let failed = world
            .snapshot(&volume, |row| {
                row.status = Set(ItemStatus::Failed);
                row.failure = Set(Some("No space.".to_owned()));
            })
            .await;
        let now = world.now();
        let deleted = world
            .snapshot(&volume, |row| row.deleted_at = Set(Some(now)))
            .await;
        let other = world.volume(&alice, |_| {}).await;
        let others = world.snapshot(&other, |_| {}).await;
        let work = begin(&world, &alice, &input).await;
        let replaced = json!({ "imageReplaced": true });
        assert!(world.worker().complete_with(&work, replaced).await);
        let reason = world.snapshot_row(failed.id).await.failure;
        assert_eq!(reason.as_deref(), Some("No space."));
        for untouched in [deleted.id, others.id] {
            let row = world.snapshot_row(untouched).await;
            assert_eq!(row.status, ItemStatus::Available);
        }
    })
    .await;
}

#[tokio::test]
async fn a_damaged_image_that_may_not_be_replaced_leaves_the_volume_what_it_was() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
        world.run(&alice.requester, "restoreInPlace", input).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(work.assignment["replaceImage"], false);
        let failed = json!({ "failed": {
            "code": "IMAGE_DAMAGED", "message": "Its image is damaged.", "volumeTouched": false,
        } });
        assert!(agent.finish(&work, failed).await);
        let operation = world.operation_row(work.id()).await;
        assert_eq!(operation.error_code.as_deref(), Some("IMAGE_DAMAGED"));
        let row = world.volume_row(volume).await;
        assert_eq!(row.state, VolumeState::Available);
        assert_eq!(row.data_state, DataState::Consistent);
        let kept = world.snapshot_row(snapshot).await;
        assert_eq!(kept.status, ItemStatus::Available);
    })
    .await;
}

#[tokio::test]
async fn snapshots_are_gone_with_their_image_however_the_restore_ends() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();

        let (volume, snapshot, input) = damaged(&world, &alice, VolumeState::Failed).await;
        let work = begin(&world, &alice, &input).await;
        let failed = json!({ "failed": {
            "code": "STORAGE_FAILED", "message": "The storage broke.",
            "volumeTouched": true, "imageReplaced": true,
        } });
        assert!(agent.finish(&work, failed).await);
        let gone = world.snapshot_row(snapshot).await;
        assert_eq!(gone.status, ItemStatus::Failed);
        let row = world.volume_row(volume).await;
        assert_eq!(row.data_state, DataState::Inconsistent);
        assert_eq!(row.state, VolumeState::Failed);

        // One that is handed back is begun anew, and finds a sound image.
        let (volume, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
        let work = begin(&world, &alice, &input).await;
        let stopped = json!({ "stopped": { "volumeTouched": true, "imageReplaced": true } });
        assert!(agent.finish(&work, stopped).await);
        let gone = world.snapshot_row(snapshot).await;
        assert_eq!(gone.status, ItemStatus::Failed);
        let again = agent.claim_one().await;
        assert_eq!(again.operation, work.operation);
        assert!(agent.complete(&again).await);
        let row = world.volume_row(volume).await;
        assert_eq!(row.data_state, DataState::Consistent);
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_was_not_allowed_to_replaces_no_image_whatever_its_agent_says() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
        world.run(&alice.requester, "restoreInPlace", input).await;
        let work = world.worker().claim_one().await;
        let replaced = json!({ "imageReplaced": true });
        assert!(world.worker().complete_with(&work, replaced).await);
        let kept = world.snapshot_row(snapshot).await;
        assert_eq!(kept.status, ItemStatus::Available);
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_is_never_restored_into_a_new_image() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
        let mut input = replacing(&input);
        input["source"] = json!({ "snapshotId": snapshot.to_string() });
        let (code, message) = world
            .refusal(&alice.requester, "restoreInPlace", input)
            .await;
        assert_eq!(code, "INVALID_INPUT");
        assert!(message.contains("Only a backup"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn a_key_belongs_to_the_choice_as_well() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, _, mut input) = damaged(&world, &alice, VolumeState::Available).await;
        input["idempotencyKey"] = json!("key");
        let first = world
            .run(&alice.requester, "restoreInPlace", input.clone())
            .await;
        let (code, _) = world
            .refusal(&alice.requester, "restoreInPlace", replacing(&input))
            .await;
        assert_eq!(code, "IDEMPOTENCY_CONFLICT");
        input["replaceImage"] = json!(false);
        let again = world.run(&alice.requester, "restoreInPlace", input).await;
        assert_eq!(first["operation"]["id"], again["operation"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_volume_that_was_cured_is_available_again_when_nobody_deletes_it_in_time() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        world
            .run(&alice.requester, "deleteVolume", delete.clone())
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let backup = world.backup(&volume, |_| {}).await;
        let input = json!({
            "volumeId": volume.id.to_string(),
            "source": { "backupId": backup.id.to_string() },
            "confirmName": "volume",
        });
        let work = begin(&world, &alice, &input).await;
        assert!(agent.complete(&work).await);
        world.wait_seconds(300);
        world.run(&alice.requester, "deleteVolume", delete).await;
        // No agent takes it before its time is up.
        world.wait_seconds(2 * 3600);
        world.clean_up().await;
        let row = world.volume_row(volume.id).await;
        assert_eq!(row.state, VolumeState::Available);
    })
    .await;
}
