//! Restores of which nobody can tell whether they replaced their volume's image: its snapshots are in doubt until its agent
//! has looked.

use entity::{
    SnapshotId, VolumeId,
    snapshot::ItemStatus,
    volume::{DataState, VolumeState},
};
use serde_json::{Value, json};
use tidemark::domain::Requester;

use super::replace::{begin, damaged, replacing};
use crate::harness::{Tenant, Work, World, on_each_database};

/// How a restore is lost.
#[derive(Clone, Copy, Debug)]
enum Loss {
    InAllAttempts,
    OutOfTime,
    Cancelled,
    GivenUpOn,
    GivenUpOnBetweenAttempts,
    EndedByHand,
    Damaged,
    BackupWrittenOff,
}

impl Loss {
    const ALL: [Self; 8] = [
        Self::InAllAttempts,
        Self::OutOfTime,
        Self::Cancelled,
        Self::GivenUpOn,
        Self::GivenUpOnBetweenAttempts,
        Self::EndedByHand,
        Self::Damaged,
        Self::BackupWrittenOff,
    ];

    async fn bring(self, world: &World, admin: &Requester, alice: &Tenant, work: &Work) {
        let agent = world.worker();
        let id = &work.operation;
        let given_up = json!({ "operationId": id, "reason": "stuck" });
        agent.renew(work).await;
        match self {
            Self::InAllAttempts => {
                for _ in 0..2 {
                    world.wait_seconds(90);
                    world.clean_up().await;
                    agent.renew(&agent.claim_one().await).await;
                }
            }
            Self::OutOfTime => world.wait_seconds(7200),
            Self::Cancelled => {
                let input = json!({ "operationId": id });
                world.run(&alice.requester, "cancelOperation", input).await;
            }
            Self::GivenUpOn => {
                world.run(admin, "failOperation", given_up).await;
            }
            Self::GivenUpOnBetweenAttempts => {
                world.wait_seconds(90);
                world.clean_up().await;
                world.run(admin, "failOperation", given_up).await;
            }
            Self::EndedByHand => {
                let by_hand = format!("UPDATE operations SET status = 'failed' WHERE id = '{id}'");
                world.by_hand(&by_hand).await;
            }
            Self::Damaged => {
                let damage = format!("UPDATE operations SET kind = 'limbo' WHERE id = '{id}'");
                world.by_force(&damage).await;
            }
            Self::BackupWrittenOff => {
                world.wait_seconds(90);
                let backup = &work.assignment["backup"]["id"];
                let input = json!({
                    "target": { "backupId": backup }, "confirmName": "backup", "reason": "lost",
                });
                world.run(admin, "writeOff", input).await;
            }
        }
        world.wait_seconds(90);
        world.clean_up().await;
    }
}

/// A volume of which nobody can tell whether its image was replaced, with its snapshot.
async fn lost(
    world: &World,
    alice: &Tenant,
    admin: &Requester,
    loss: Loss,
) -> (VolumeId, SnapshotId, Value) {
    let (volume, snapshot, input) = damaged(world, alice, VolumeState::Available).await;
    let work = begin(world, alice, &input).await;
    loss.bring(world, admin, alice, &work).await;
    let row = world.volume_row(volume).await;
    assert_eq!(row.active_operation_id, None, "{loss:?}");
    assert_eq!(row.data_state, DataState::Inconsistent, "{loss:?}");
    (volume, snapshot, input)
}

async fn assert_in_doubt(world: &World, snapshot: SnapshotId) {
    let row = world.snapshot_row(snapshot).await;
    assert_eq!(row.status, ItemStatus::Failed);
    assert!(row.in_doubt);
    let told = row.failure.unwrap();
    assert!(told.starts_with("On 2026-09-2"), "{told}");
    assert!(
        told.ends_with("is asked whether it is still there."),
        "{told}"
    );
}

async fn assert_sound(world: &World, snapshot: SnapshotId) {
    let row = world.snapshot_row(snapshot).await;
    assert_eq!(row.status, ItemStatus::Available);
    assert_eq!(row.failure, None);
    assert!(!row.in_doubt);
}

async fn assert_gone(world: &World, snapshot: SnapshotId, words: &str) {
    let row = world.snapshot_row(snapshot).await;
    assert_eq!(row.status, ItemStatus::Failed);
    assert!(!row.in_doubt);
    let told = row.failure.unwrap();
    assert!(told.starts_with(words), "{told}");
}

fn roll_back(volume: VolumeId, snapshot: SnapshotId) -> Value {
    json!({
        "volumeId": volume.to_string(),
        "source": { "snapshotId": snapshot.to_string() },
        "confirmName": "volume",
    })
}

#[tokio::test]
async fn what_may_be_gone_with_a_replaced_image_is_not_offered_until_its_agent_has_found_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        for loss in Loss::ALL {
            let (volume, snapshot, _) = lost(&world, &alice, &admin, loss).await;
            assert_in_doubt(&world, snapshot).await;
            let input = roll_back(volume, snapshot);
            let (code, _) = world
                .refusal(&alice.requester, "restoreInPlace", input.clone())
                .await;
            assert_eq!(code, "ITEM_NOT_AVAILABLE", "{loss:?}");

            world.wait_seconds(5);
            let due = agent.measurements().await;
            assert!(due.contains(&volume.to_string()), "{loss:?}: {due:?}");
            assert!(agent.report_retained(volume, snapshot, 7).await);
            assert_sound(&world, snapshot).await;
            // It is the cure.
            world.run(&alice.requester, "restoreInPlace", input).await;
            assert!(agent.complete(&agent.claim_one().await).await);
            let row = world.volume_row(volume).await;
            assert_eq!(row.data_state, DataState::Consistent, "{loss:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_its_agent_does_not_find_is_gone() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        let (volume, snapshot, _) = lost(&world, &alice, &admin, Loss::InAllAttempts).await;
        let volume_row = world.volume_row(volume).await;
        let other = world.snapshot(&volume_row, |_| {}).await;
        world.wait_seconds(5);
        assert_eq!(agent.measurements().await, [volume.to_string()]);
        assert!(agent.report_retained(volume, other.id, 7).await);
        assert_gone(&world, snapshot, "The snapshot lay in an image").await;
        assert_sound(&world, other.id).await;
        // No look into the image brings it back.
        agent.report_retained(volume, snapshot, 7).await;
        assert_gone(&world, snapshot, "The snapshot lay in an image").await;
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_replaces_the_image_for_certain_ends_the_doubt() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let (_, snapshot, input) = lost(&world, &alice, &admin, Loss::InAllAttempts).await;
        let work = begin(&world, &alice, &input).await;
        let replaced = json!({ "imageReplaced": true });
        assert!(world.worker().complete_with(&work, replaced).await);
        assert_gone(&world, snapshot, "The snapshot lay in the image").await;
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_finds_a_sound_image_leaves_the_doubt_to_the_next_look_into_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        let (volume, snapshot, input) = lost(&world, &alice, &admin, Loss::InAllAttempts).await;
        // The image may be the one that the lost restore made.
        assert!(agent.complete(&begin(&world, &alice, &input).await).await);
        assert_in_doubt(&world, snapshot).await;
        world.wait_seconds(5);
        assert_eq!(agent.measurements().await, [volume.to_string()]);
        assert!(agent.report_all_retained(volume, &[]).await);
        assert_gone(&world, snapshot, "The snapshot lay in an image").await;
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_does_not_know_itself_is_asked_later_and_one_that_knows_is_believed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();
        for in_doubt in [true, false] {
            let (_, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
            let work = begin(&world, &alice, &input).await;
            let failed = json!({ "failed": {
                "code": "STORAGE_FAILED", "message": "The storage is away.", "volumeTouched": true,
                "imageInDoubt": in_doubt,
            } });
            assert!(agent.finish(&work, failed).await);
            if in_doubt {
                assert_in_doubt(&world, snapshot).await;
            } else {
                assert_sound(&world, snapshot).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_stops_says_nothing_of_one_that_was_lost_before_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();
        for was_lost in [true, false] {
            let (_, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
            let mut work = begin(&world, &alice, &input).await;
            if was_lost {
                agent.renew(&work).await;
                world.wait_seconds(90);
                world.clean_up().await;
                work = agent.claim_one().await;
            }
            let cancel = json!({ "operationId": work.operation });
            world.run(&alice.requester, "cancelOperation", cancel).await;
            assert!(agent.stop(&work, false).await);
            if was_lost {
                assert_in_doubt(&world, snapshot).await;
            } else {
                assert_sound(&world, snapshot).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_may_not_replace_the_image_leaves_no_doubt() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for loss in Loss::ALL {
            let (_, snapshot, input) = damaged(&world, &alice, VolumeState::Available).await;
            world.run(&alice.requester, "restoreInPlace", input).await;
            let work = world.worker().claim_one().await;
            loss.bring(&world, &admin, &alice, &work).await;
            assert_sound(&world, snapshot).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_not_deleted_before_what_is_in_doubt_and_that_can_be() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        let (volume, snapshot, _) = lost(&world, &alice, &admin, Loss::InAllAttempts).await;
        let of_volume = json!({ "volumeId": volume.to_string(), "confirmName": "volume" });
        let (code, message) = world
            .refusal(&alice.requester, "deleteVolume", of_volume.clone())
            .await;
        assert_eq!(code, "VOLUME_NOT_AVAILABLE");
        assert!(message.contains("1 snapshot"), "{message}");
        let of_snapshot = json!({ "snapshotId": snapshot.to_string(), "confirmName": "snapshot" });
        world
            .run(&alice.requester, "deleteSnapshot", of_snapshot)
            .await;
        // What is found of it meanwhile does not stop its deletion.
        world.wait_seconds(5);
        let deleting = agent.claim_one().await;
        let found = json!({ "retained": [
            { "snapshotId": snapshot.to_string(), "retainedBytes": 7 },
        ] });
        assert!(agent.complete_with(&deleting, found).await);
        assert!(world.snapshot_row(snapshot).await.deleted_at.is_some());
        world.run(&alice.requester, "deleteVolume", of_volume).await;
    })
    .await;
}

#[tokio::test]
async fn what_failed_for_another_reason_is_not_brought_back_by_being_found() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let (volume, _, input) = damaged(&world, &alice, VolumeState::Available).await;
        let row = world.volume_row(volume).await;
        let broken = world
            .snapshot(&row, |row| {
                row.status = sea_orm::Set(ItemStatus::Failed);
                row.failure = sea_orm::Set(Some("No space.".to_owned()));
            })
            .await;
        let work = begin(&world, &alice, &input).await;
        Loss::InAllAttempts
            .bring(&world, &admin, &alice, &work)
            .await;
        world.wait_seconds(5);
        let agent = world.worker();
        assert_eq!(agent.measurements().await, [volume.to_string()]);
        assert!(agent.report_retained(volume, broken.id, 7).await);
        assert_gone(&world, broken.id, "No space.").await;
        // The way out is still there.
        let again = replacing(&input);
        world.run(&alice.requester, "restoreInPlace", again).await;
    })
    .await;
}
