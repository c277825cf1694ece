//! Volumes: made empty, attached, detached and deleted.

use entity::{
    VolumeId,
    instance::InstanceStatus,
    operation::{OperationKind, OperationStatus},
    snapshot::ItemStatus,
    volume::VolumeState,
};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{id, on, on_each_database};

#[tokio::test]
async fn a_volume_is_creating_and_locked_until_its_agent_made_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let payload = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        assert_eq!(payload["volume"]["status"], "CREATING");
        let made: VolumeId = id(&payload["volume"]);
        let on = json!({ "volumeId": made.to_string() });
        let (code, message) = world
            .refusal(&alice.requester, "createSnapshot", on.clone())
            .await;
        assert_eq!(code, "VOLUME_NOT_AVAILABLE");
        assert_eq!(message, "Volume is not available: it is being created.");
        world.work().await;
        let row = world.volume_row(made).await;
        assert_eq!(row.state, VolumeState::Available);
        assert_eq!(row.size_bytes, world.platform.plan.size_bytes);
        world.run(&alice.requester, "createSnapshot", on).await;
    })
    .await;
}

#[tokio::test]
async fn a_volume_that_could_not_be_made_is_failed_and_can_be_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let payload = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let made: VolumeId = id(&payload["volume"]);
        assert_eq!(world.volume_row(made).await.state, VolumeState::Failed);
        let delete = json!({ "volumeId": made.to_string(), "confirmName": "data" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.work().await;
        let data = world
            .data(&alice.requester, "{ volumes { totalCount } }")
            .await;
        assert_eq!(data["volumes"]["totalCount"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_failed_volume_stays_failed_when_nobody_came_to_delete_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let payload = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        let made: VolumeId = id(&payload["volume"]);
        let delete = json!({ "volumeId": made.to_string(), "confirmName": "data" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.wait_seconds(7200);
        world.clean_up().await;
        assert_eq!(world.volume_row(made).await.state, VolumeState::Failed);
        let sound = world.volume(&alice, |_| {}).await;
        let delete = json!({ "volumeId": sound.id.to_string(), "confirmName": "volume" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.wait_seconds(7200);
        world.clean_up().await;
        assert_eq!(
            world.volume_row(sound.id).await.state,
            VolumeState::Available
        );
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_deleted_only_once_its_snapshots_are() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        let words = [
            "Volume has 1 snapshot. Delete its snapshots first.",
            "Volume has 2 snapshots. Delete its snapshots first.",
        ];
        for message in words {
            world.snapshot(&volume, |_| {}).await;
            let told = world
                .refusal(&alice.requester, "deleteVolume", delete.clone())
                .await;
            assert_eq!(
                told,
                ("VOLUME_NOT_AVAILABLE".to_owned(), message.to_owned())
            );
        }
    })
    .await;
}

#[tokio::test]
async fn failed_snapshots_go_with_their_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let failed = world
            .snapshot(&volume, |row| row.status = Set(ItemStatus::Failed))
            .await;
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        let payload = world.run(&alice.requester, "deleteVolume", delete).await;
        assert_eq!(payload["volume"]["status"], "DELETING");
        world.work().await;
        assert!(world.volume_row(volume.id).await.deleted_at.is_some());
        assert!(world.snapshot_row(failed.id).await.deleted_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_attached_volume_is_not_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world.instance(&alice, |_| {}).await;
        let volume = world.volume(&alice, |_| {}).await;
        let attach = json!({
            "volumeId": volume.id.to_string(), "instanceId": instance.id.to_string(),
        });
        for _ in 0..2 {
            let payload = world
                .run(&alice.requester, "attachVolume", attach.clone())
                .await;
            assert_eq!(payload["volume"]["status"], "ATTACHED");
        }
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        let told = world
            .refusal(&alice.requester, "deleteVolume", delete.clone())
            .await;
        assert_eq!(told.0, "VOLUME_NOT_AVAILABLE");
        assert_eq!(
            told.1,
            "Volume is attached to an instance. Detach it first."
        );
        let detach = json!({ "volumeId": volume.id.to_string() });
        for _ in 0..2 {
            let payload = world
                .run(&alice.requester, "detachVolume", detach.clone())
                .await;
            assert_eq!(payload["volume"]["status"], "AVAILABLE");
        }
        world.run(&alice.requester, "deleteVolume", delete).await;
    })
    .await;
}

#[tokio::test]
async fn a_restore_or_delete_that_holds_a_volume_keeps_it_where_it_is() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let kinds = [
            (OperationKind::RestoreInPlace, true),
            (OperationKind::RestoreToNewVolume, true),
            (OperationKind::DeleteSnapshot, true),
            (OperationKind::CreateSnapshot, false),
            (OperationKind::CreateBackup, false),
        ];
        for (kind, refuses) in kinds {
            let stopped = world
                .instance(&alice, |row| row.status = Set(InstanceStatus::Stopped))
                .await;
            let volume = world
                .volume(&alice, |row| row.instance_id = Set(Some(stopped.id)))
                .await;
            let operation = world
                .operation(&volume, kind, |row| {
                    row.status = Set(OperationStatus::Started);
                    row.finished_at = Set(None);
                })
                .await;
            let word = serde_json::to_value(format!("{kind:?}")).unwrap();
            let kind_text = sea_orm::ActiveEnum::to_value(&kind);
            world
                .by_hand(&format!(
                    "UPDATE volumes SET active_operation = '{kind_text}', \
                     active_operation_id = '{}' WHERE id = '{}'",
                    operation.id, volume.id
                ))
                .await;
            let requests = [
                (
                    "startInstance",
                    json!({ "instanceId": stopped.id.to_string() }),
                ),
                ("detachVolume", json!({ "volumeId": volume.id.to_string() })),
            ];
            for (mutation, input) in requests {
                let answer = world.attempt(&alice.requester, mutation, input).await;
                let code = answer
                    .err()
                    .map_or(Value::Null, |error| error["extensions"]["code"].clone());
                let expected = if refuses {
                    json!("VOLUME_BUSY")
                } else {
                    Value::Null
                };
                assert_eq!(code, expected, "{mutation} during {word}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_attached_only_within_its_account_and_group() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let bobs = world.instance(&bob, |_| {}).await;
        let attach =
            json!({ "volumeId": volume.id.to_string(), "instanceId": bobs.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "attachVolume", attach.clone())
            .await;
        assert_eq!(code, "NOT_FOUND");
        let (code, _) = world.refusal(&admin, "attachVolume", attach).await;
        assert_eq!(code, "INVALID_INPUT");
        let group = world.elsewhere("other").await;
        let data = world
            .data(&admin, "{ hypervisors { id group { id } } }")
            .await;
        let hypervisors = data["hypervisors"].as_array().unwrap();
        let there = hypervisors
            .iter()
            .find(|row| row["group"]["id"] == group.id.to_string());
        let there = id(there.unwrap());
        let far = world
            .instance(&alice, |row| row.hypervisor_id = Set(there))
            .await;
        let attach = json!({ "volumeId": volume.id.to_string(), "instanceId": far.id.to_string() });
        let (code, message) = world
            .refusal(&alice.requester, "attachVolume", attach)
            .await;
        assert_eq!(code, "INVALID_INPUT");
        assert_eq!(
            message,
            "Volume and instance are in different hypervisor groups."
        );
    })
    .await;
}

#[tokio::test]
async fn a_second_instance_does_not_get_an_attached_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let one = world.instance(&alice, |_| {}).await;
        let two = world.instance(&alice, |_| {}).await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(one.id)))
            .await;
        let attach = json!({ "volumeId": volume.id.to_string(), "instanceId": two.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "attachVolume", attach)
            .await;
        assert_eq!(code, "VOLUME_NOT_AVAILABLE");
    })
    .await;
}

#[tokio::test]
async fn a_renamed_volume_is_found_by_its_new_name_and_its_stream_tells_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let document =
            "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { name } } }";
        let mut stream = world.watch(&by, document, on("id", volume.id));
        assert_eq!(stream.next().await["volume"]["name"], "volume");
        let input = json!({ "volumeId": volume.id.to_string(), "name": "  A\u{308}rger " });
        let payload = world.run(&by, "updateVolume", input).await;
        assert_eq!(payload["volume"]["name"], "Ärger");
        assert_eq!(stream.next().await["volume"]["name"], "Ärger");
        let found = "{ volumes(filter: { nameContains: \"ärGER\" }) { totalCount } }";
        let data = world.data(&by, found).await;
        assert_eq!(data["volumes"]["totalCount"], 1);
        // What was written down under its old name stays so.
        assert_eq!(world.backup_row(backup.id).await.volume_name, "volume");
        for bad in ["", " \t ", "two\nlines", "a\u{202e}b", &"x".repeat(129)] {
            let input = json!({ "volumeId": volume.id.to_string(), "name": bad });
            let (code, _) = world.refusal(&by, "updateVolume", input).await;
            assert_eq!(code, "INVALID_INPUT", "{bad:?}");
        }
        let old = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        let (code, _) = world.refusal(&by, "deleteVolume", old).await;
        assert_eq!(code, "CONFIRMATION_MISMATCH");
    })
    .await;
}

#[tokio::test]
async fn only_administrators_make_volumes_for_another_account() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let for_account = |account: &str| {
            let mut input = world.new_volume("data");
            input["accountId"] = account.into();
            input
        };
        let bobs = for_account(&bob.account.id.to_string());
        let foreign = world
            .refusal(&alice.requester, "createVolume", bobs.clone())
            .await;
        for unknown in ["0190a0a0-0000-7000-8000-000000000000", "no id"] {
            let unknown = for_account(unknown);
            let by = &alice.requester;
            assert_eq!(
                world.refusal(by, "createVolume", unknown.clone()).await,
                foreign
            );
            assert_eq!(
                world.refusal(&admin, "createVolume", unknown).await,
                foreign
            );
        }
        assert_eq!(foreign.0, "NOT_FOUND");
        let own = for_account(&alice.account.id.to_string());
        world.run(&alice.requester, "createVolume", own).await;
        let payload = world.run(&admin, "createVolume", bobs).await;
        let made = world.volume_row(id(&payload["volume"])).await;
        assert_eq!(made.account_id, bob.account.id);
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.account_id, bob.account.id);
        assert_eq!(operation.requested_by, admin.user_id());
        let audited = world.audit().await.pop().unwrap();
        assert!(audited.resource_ids.contains(&bob.account.id.to_string()));
    })
    .await;
}
