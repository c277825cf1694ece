//! Restores: over their own volume and to new ones, whole and half.

mod doubt;
mod replace;
mod target;

use entity::{
    VolumeId,
    operation::OperationKind,
    snapshot::ItemStatus,
    volume::{DataState, VolumeState},
};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, Work, World, id, on, on_each_database};

/// A volume that a restore in place is overwriting, and that restore.
async fn overwritten(world: &World, alice: &Tenant) -> (VolumeId, Value, Work) {
    let volume = world.volume(alice, |_| {}).await;
    let snapshot = world.snapshot(&volume, |_| {}).await;
    let input = json!({
        "volumeId": volume.id.to_string(),
        "source": { "snapshotId": snapshot.id.to_string() },
        "confirmName": "volume",
    });
    world
        .run(&alice.requester, "restoreInPlace", input.clone())
        .await;
    let work = world.worker().claim_one().await;
    (volume.id, input, work)
}

#[tokio::test]
async fn a_restore_in_place_holds_its_volume_and_its_item_until_it_ends() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, input, work) = overwritten(&world, &alice).await;
        assert_eq!(work.kind, "RESTORE_IN_PLACE");
        let document =
            format!("{{ volume(id: \"{volume}\") {{ status activeOperation {{ id }} }} }}");
        let data = world.data(&alice.requester, &document).await;
        assert_eq!(data["volume"]["status"], "RESTORING");
        assert_eq!(data["volume"]["activeOperation"]["id"], work.operation);
        let snapshot = input["source"]["snapshotId"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            world.snapshot_row(snapshot).await.status,
            ItemStatus::Restoring
        );
        assert!(world.worker().complete(&work).await);
        assert_eq!(
            world.snapshot_row(snapshot).await.status,
            ItemStatus::Available
        );
        assert_eq!(world.volume_row(volume).await.active_operation_id, None);
    })
    .await;
}

#[tokio::test]
async fn an_item_restores_in_place_only_into_the_volume_it_was_made_from() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let other = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let sources = [
            json!({ "snapshotId": snapshot.id.to_string() }),
            json!({ "backupId": backup.id.to_string() }),
        ];
        for source in sources {
            let input = json!({
                "volumeId": other.id.to_string(), "source": source, "confirmName": "volume",
            });
            let (code, message) = world
                .refusal(&alice.requester, "restoreInPlace", input)
                .await;
            assert_eq!(code, "INVALID_INPUT");
            assert_eq!(
                message,
                "The item was made from another volume. Restore it to a new volume instead."
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_in_place_is_confirmed_by_the_volumes_name() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world
            .volume(&alice, |row| row.name = Set("data".to_owned()))
            .await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = |typed: &str| {
            json!({
                "volumeId": volume.id.to_string(),
                "source": { "snapshotId": snapshot.id.to_string() },
                "confirmName": typed,
            })
        };
        let (code, _) = world
            .refusal(&alice.requester, "restoreInPlace", input("snapshot"))
            .await;
        assert_eq!(code, "CONFIRMATION_MISMATCH");
        world
            .run(&alice.requester, "restoreInPlace", input("data"))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_stopped_instance_does_not_keep_its_volume_from_being_restored() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world.instance(&alice, |_| {}).await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = json!({
            "volumeId": volume.id.to_string(),
            "source": { "snapshotId": snapshot.id.to_string() },
            "confirmName": "volume",
        });
        let told = world
            .refusal(&alice.requester, "restoreInPlace", input.clone())
            .await;
        assert_eq!(told.0, "VOLUME_ATTACHED_TO_RUNNING_INSTANCE");
        let stop = json!({ "instanceId": instance.id.to_string() });
        world
            .run(&alice.requester, "stopInstance", stop.clone())
            .await;
        world.run(&alice.requester, "restoreInPlace", input).await;
        let (code, message) = world.refusal(&alice.requester, "startInstance", stop).await;
        assert_eq!(code, "VOLUME_BUSY");
        assert_eq!(message, "Volume is busy with operation: restore");
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_fails_half_way_leaves_the_volume_inconsistent_until_another_completes() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world.instance(&alice, |_| {}).await;
        let (volume, input, work) = overwritten(&world, &alice).await;
        let agent = world.worker();
        assert!(agent.fail(&work, true).await);
        let row = world.volume_row(volume).await;
        assert_eq!(row.data_state, DataState::Inconsistent);
        assert_eq!(row.active_operation_id, None);
        let attach = json!({
            "volumeId": volume.to_string(), "instanceId": instance.id.to_string(),
        });
        let told = world
            .refusal(&alice.requester, "attachVolume", attach.clone())
            .await;
        assert_eq!(told.0, "VOLUME_INCONSISTENT");
        assert_eq!(
            told.1,
            "Volume is inconsistent: a restore in place failed half way. \
             Complete a restore in place first."
        );
        // Half of one content and half of another is not worth keeping.
        for mutation in ["createSnapshot", "createBackup"] {
            let create = on("volumeId", volume);
            let (code, _) = world.refusal(&alice.requester, mutation, create).await;
            assert_eq!(code, "VOLUME_INCONSISTENT", "{mutation}");
            let blocked = format!(
                "{{ volume(id: \"{volume}\") {{ actions {{ {mutation} {{ blockers {{ code }} }} }} }} }}"
            );
            let data = world.data(&alice.requester, &blocked).await;
            let blockers = &data["volume"]["actions"][mutation]["blockers"];
            assert_eq!(*blockers, json!([{ "code": "VOLUME_INCONSISTENT" }]));
        }
        world.run(&alice.requester, "restoreInPlace", input).await;
        let told = world
            .refusal(&alice.requester, "attachVolume", attach.clone())
            .await;
        assert_eq!(told.0, "VOLUME_BUSY");
        world.work_and_rest().await;
        assert_eq!(
            world.volume_row(volume).await.data_state,
            DataState::Consistent
        );
        world
            .run(
                &alice.requester,
                "createSnapshot",
                on("volumeId", volume),
            )
            .await;
        world.run(&alice.requester, "attachVolume", attach).await;
    })
    .await;
}

#[tokio::test]
async fn the_snapshots_of_an_inconsistent_volume_are_as_good_as_before() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let agent = world.worker();
        let (volume, _, work) = overwritten(&world, &alice).await;
        let row = world.volume_row(volume).await;
        let snapshot = world.snapshot(&row, |_| {}).await;
        let spare = world
            .snapshot(&row, |row| row.name = Set("spare".to_owned()))
            .await;
        assert!(agent.fail(&work, true).await);
        let is_inconsistent =
            async || world.volume_row(volume).await.data_state == DataState::Inconsistent;
        assert!(is_inconsistent().await);

        // They are read, and deleted, and neither makes the volume whole.
        let source = json!({ "snapshotId": snapshot.id.to_string() });
        let copy = json!({ "source": source });
        let payload = world.run(by, "restoreToNewVolume", copy).await;
        world.work_and_rest().await;
        let copy = world.volume_row(id(&payload["volume"])).await;
        assert_eq!(copy.data_state, DataState::Consistent);
        let delete = json!({ "snapshotId": spare.id.to_string(), "confirmName": "spare" });
        world.run(by, "deleteSnapshot", delete).await;
        world.work().await;
        assert!(world.snapshot_row(spare.id).await.deleted_at.is_some());
        assert!(is_inconsistent().await);

        // Going back to one does.
        let document = format!(
            "{{ volume(id: \"{volume}\") {{ actions {{ restoreInPlace(
                source: {{ snapshotId: \"{}\" }}
            ) {{ allowed }} }} }} }}",
            snapshot.id
        );
        let data = world.data(by, &document).await;
        let told = &data["volume"]["actions"]["restoreInPlace"]["allowed"];
        assert_eq!(told, &json!(true));
        let back = json!({
            "volumeId": volume.to_string(), "source": source, "confirmName": "volume",
        });
        world.run(by, "restoreInPlace", back).await;
        world.work().await;
        assert!(!is_inconsistent().await);
    })
    .await;
}

#[tokio::test]
async fn an_instance_with_an_inconsistent_volume_does_not_start() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world
            .instance(&alice, |row| {
                row.status = Set(entity::instance::InstanceStatus::Stopped);
            })
            .await;
        world
            .volume(&alice, |row| {
                row.instance_id = Set(Some(instance.id));
                row.data_state = Set(DataState::Inconsistent);
            })
            .await;
        let start = json!({ "instanceId": instance.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "startInstance", start)
            .await;
        assert_eq!(code, "VOLUME_INCONSISTENT");
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_fails_before_it_writes_leaves_the_volume_consistent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _, work) = overwritten(&world, &alice).await;
        assert!(world.worker().fail(&work, false).await);
        assert_eq!(
            world.volume_row(volume).await.data_state,
            DataState::Consistent
        );
    })
    .await;
}

#[tokio::test]
async fn a_restore_whose_agent_was_lost_may_have_written() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _, work) = overwritten(&world, &alice).await;
        world.wait_seconds(90);
        world.clean_up().await;
        let cancel = json!({ "operationId": work.operation });
        world.run(&alice.requester, "cancelOperation", cancel).await;
        assert_eq!(
            world.volume_row(volume).await.data_state,
            DataState::Inconsistent
        );
    })
    .await;
}

#[tokio::test]
async fn a_restore_of_a_snapshot_locks_its_volume_and_the_new_one() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = json!({ "source": { "snapshotId": snapshot.id.to_string() } });
        let payload = world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        assert_eq!(payload["volume"]["status"], "CREATING");
        assert_eq!(
            payload["volume"]["name"],
            "volume restored-2026-09-21T14-13-20Z"
        );
        let made: VolumeId = id(&payload["volume"]);
        for locked in [volume.id, made] {
            let row = world.volume_row(locked).await;
            assert_eq!(
                row.active_operation,
                Some(OperationKind::RestoreToNewVolume)
            );
        }
        world.work().await;
        for freed in [volume.id, made] {
            assert_eq!(world.volume_row(freed).await.active_operation_id, None);
        }
        assert_eq!(world.volume_row(made).await.state, VolumeState::Available);
    })
    .await;
}

#[tokio::test]
async fn a_failed_restore_to_a_new_volume_leaves_a_failed_volume_that_can_be_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let input = json!({ "source": { "backupId": backup.id.to_string() }, "name": "copy" });
        let payload = world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let made: VolumeId = id(&payload["volume"]);
        assert_eq!(world.volume_row(made).await.state, VolumeState::Failed);
        assert_eq!(
            world.backup_row(backup.id).await.status,
            ItemStatus::Available
        );
        let delete = json!({ "volumeId": made.to_string(), "confirmName": "copy" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.work().await;
        assert!(world.volume_row(made).await.deleted_at.is_some());
    })
    .await;
}
