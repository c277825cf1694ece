//! The guards: their words, their codes, their order, and that `Volume.actions` tells them before.

use entity::{
    operation::{OperationKind, OperationStatus},
    volume,
    volume::VolumeState,
};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{GB, Tenant, World, on_each_database};

/// Locks a volume by an operation in flight.
pub async fn occupy(world: &World, volume: &volume::Model, kind: OperationKind) -> String {
    let operation = world
        .operation(volume, kind, |row| {
            row.status = Set(OperationStatus::Pending);
            row.finished_at = Set(None);
        })
        .await;
    let row = volume::ActiveModel {
        id: Set(volume.id),
        active_operation: Set(Some(kind)),
        active_operation_id: Set(Some(operation.id)),
        ..Default::default()
    };
    row.update(world.app.database.writes()).await.unwrap();
    operation.id.to_string()
}

/// The blockers of an action, as (code, message).
async fn blockers(
    world: &World,
    requester: &Requester,
    volume: &volume::Model,
    action: &str,
) -> Vec<(String, String)> {
    let document = format!(
        "{{ volume(id: \"{}\") {{ actions {{ {action} {{ allowed blockers {{ code message }} }} }} }} }}",
        volume.id
    );
    let data = world.data(requester, &document).await;
    let name = action.split('(').next().unwrap();
    let told = &data["volume"]["actions"][name];
    let blockers: Vec<_> = told["blockers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|blocker| {
            let text = |key: &str| blocker[key].as_str().unwrap().to_owned();
            (text("code"), text("message"))
        })
        .collect();
    assert_eq!(told["allowed"], blockers.is_empty(), "{told:#}");
    blockers
}

/// A code and its message.
pub fn pair(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn outdated() -> (String, String) {
    pair(
        "AGENT_OUTDATED",
        "The hypervisor's agent cannot do this yet: update the agent of this volume's hypervisor.",
    )
}

const BUSY: &str = "Volume is busy with operation: ";
const RESTING: &str = "Volume is in cooldown. Try again in 60 seconds.";
/// What an account with three in flight is told.
pub const FLIGHTS: &str = "Too many volume operations in flight (3 of 3). Wait for one to finish.";

/// A volume that every guard holds back, and what it is.
async fn hopeless(world: &World, alice: &Tenant) -> volume::Model {
    world
        .by_hand("UPDATE hypervisors SET can_snapshot = FALSE, can_backup = FALSE")
        .await;
    world
        .by_hand("UPDATE hypervisor_groups SET backup_storage_id = NULL")
        .await;
    let plan = world
        .plan(|row| {
            row.max_snapshots = Set(0);
            row.max_backups = Set(0);
        })
        .await;
    let instance = world.instance(alice, |_| {}).await;
    let ends_at = world.now() + chrono::TimeDelta::seconds(60);
    let volume = world
        .volume(alice, |row| {
            row.plan_id = Set(plan.id);
            row.state = Set(VolumeState::Failed);
            row.instance_id = Set(Some(instance.id));
            row.cooldown_ends_at = Set(Some(ends_at));
        })
        .await;
    occupy(world, &volume, OperationKind::CreateSnapshot).await;
    let other = world.volume(alice, |_| {}).await;
    for _ in 0..2 {
        occupy(world, &other, OperationKind::CreateBackup).await;
    }
    volume
}

#[tokio::test]
async fn all_guards_at_once_are_told_in_order_and_the_first_is_the_error() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = hopeless(&world, &alice).await;
        let snapshot = world
            .snapshot(&volume, |row| row.volume_size_bytes = Set(20 * GB))
            .await;
        let by = &alice.requester;
        let failed = pair(
            "VOLUME_NOT_AVAILABLE",
            "Volume is not available: it failed.",
        );
        let busy = pair("VOLUME_BUSY", &format!("{BUSY}snapshot"));
        let resting = pair("VOLUME_IN_COOLDOWN", RESTING);
        let flights = pair("IN_FLIGHT_LIMIT_REACHED", FLIGHTS);
        let create_snapshot = [
            outdated(),
            failed.clone(),
            busy.clone(),
            resting.clone(),
            pair(
                "SNAPSHOT_LIMIT_REACHED",
                "Snapshot limit reached. Delete an existing snapshot first.",
            ),
            flights.clone(),
        ];
        assert_eq!(
            blockers(&world, by, &volume, "createSnapshot").await,
            create_snapshot
        );
        let create_backup = [
            pair(
                "NO_BACKUP_STORAGE",
                "Hypervisor has no backup storage configured.",
            ),
            outdated(),
            failed.clone(),
            busy.clone(),
            resting.clone(),
            pair(
                "BACKUP_LIMIT_REACHED",
                "Backup limit reached. Delete an existing backup first.",
            ),
            flights.clone(),
        ];
        assert_eq!(
            blockers(&world, by, &volume, "createBackup").await,
            create_backup
        );
        let attached = pair(
            "VOLUME_ATTACHED_TO_RUNNING_INSTANCE",
            "Cannot restore in-place while attached to a running instance. \
             Stop the instance or detach the volume first.",
        );
        let small = pair(
            "TARGET_TOO_SMALL",
            "The target is 10737418240 bytes, but the item's volume was 21474836480 bytes. \
             Choose a larger plan.",
        );
        let in_place = [
            small.clone(),
            outdated(),
            failed.clone(),
            attached,
            busy.clone(),
            resting.clone(),
            flights.clone(),
        ];
        let action = format!(
            "restoreInPlace(source: {{ snapshotId: \"{}\" }})",
            snapshot.id
        );
        assert_eq!(blockers(&world, by, &volume, &action).await, in_place);
        let to_new = [small, outdated(), failed, busy, resting, flights];
        let action = format!(
            "restoreToNewVolume(source: {{ snapshotId: \"{}\" }})",
            snapshot.id
        );
        assert_eq!(blockers(&world, by, &volume, &action).await, to_new);

        let source = json!({ "snapshotId": snapshot.id.to_string() });
        let cases = [
            (
                "createSnapshot",
                json!({ "volumeId": volume.id.to_string() }),
                &create_snapshot[0],
            ),
            (
                "createBackup",
                json!({ "volumeId": volume.id.to_string() }),
                &create_backup[0],
            ),
            (
                "restoreInPlace",
                json!({
                    "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
                }),
                &in_place[0],
            ),
            (
                "restoreToNewVolume",
                json!({ "source": source }),
                &to_new[0],
            ),
        ];
        for (mutation, input, first) in cases {
            assert_eq!(
                world.refusal(by, mutation, input).await,
                *first,
                "{mutation}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn as_guards_fall_the_next_one_is_the_error() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = hopeless(&world, &alice).await;
        let id = volume.id.to_string();
        let fixes = [
            (
                "NO_BACKUP_STORAGE",
                format!(
                    "UPDATE hypervisor_groups SET backup_storage_id = '{}'",
                    world.platform.backup_storage.id
                ),
            ),
            (
                "AGENT_OUTDATED",
                "UPDATE hypervisors SET can_backup = TRUE".to_owned(),
            ),
            (
                "VOLUME_NOT_AVAILABLE",
                "UPDATE volumes SET state = 'available'".to_owned(),
            ),
            (
                "VOLUME_BUSY",
                format!(
                    "UPDATE volumes SET active_operation = NULL, active_operation_id = NULL \
                 WHERE id = '{id}'"
                ),
            ),
            (
                "VOLUME_IN_COOLDOWN",
                "UPDATE volumes SET cooldown_ends_at = NULL".to_owned(),
            ),
            (
                "BACKUP_LIMIT_REACHED",
                "UPDATE volume_plans SET max_backups = 1".to_owned(),
            ),
            (
                "IN_FLIGHT_LIMIT_REACHED",
                "UPDATE operations SET status = 'failed'".to_owned(),
            ),
        ];
        for (code, fix) in fixes {
            let input = json!({ "volumeId": id });
            let (told, _) = world.refusal(&alice.requester, "createBackup", input).await;
            assert_eq!(told, code);
            world.by_hand(&fix).await;
        }
        let input = json!({ "volumeId": id });
        world.run(&alice.requester, "createBackup", input).await;
    })
    .await;
}

#[tokio::test]
async fn an_unknown_volume_comes_before_a_bad_name_and_a_bad_name_before_the_guards() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        occupy(&world, &volume, OperationKind::CreateSnapshot).await;
        let unknown = json!({ "volumeId": "nowhere", "name": "" });
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", unknown)
            .await;
        assert_eq!(code, "NOT_FOUND");
        let bad_name = json!({ "volumeId": volume.id.to_string(), "name": "" });
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", bad_name)
            .await;
        assert_eq!(code, "INVALID_INPUT");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_group_or_plan_comes_before_every_other_guard_of_a_restore() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        occupy(&world, &volume, OperationKind::CreateSnapshot).await;
        let nowhere = "0190a0a0-0000-7000-8000-000000000000";
        for field in ["planId", "hypervisorGroupId"] {
            let mut input = json!({ "source": { "snapshotId": snapshot.id.to_string() } });
            input[field] = json!(nowhere);
            let (code, _) = world
                .refusal(&alice.requester, "restoreToNewVolume", input)
                .await;
            assert_eq!(code, "NOT_FOUND", "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_busy_volume_names_its_operation_in_each_kinds_word() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let words = [
            (OperationKind::CreateSnapshot, "snapshot"),
            (OperationKind::CreateBackup, "backup"),
            (OperationKind::RestoreInPlace, "restore"),
            (OperationKind::RestoreToNewVolume, "restore"),
            (OperationKind::DeleteSnapshot, "delete"),
            (OperationKind::DeleteVolume, "delete"),
            (OperationKind::CreateVolume, "create"),
        ];
        for (kind, word) in words {
            let volume = world.volume(&alice, |_| {}).await;
            let operation = occupy(&world, &volume, kind).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let error = world
                .refused(&alice.requester, "createSnapshot", input)
                .await;
            assert_eq!(error["message"], format!("{BUSY}{word}"));
            assert_eq!(error["extensions"]["code"], "VOLUME_BUSY");
            assert_eq!(error["extensions"]["operationId"], operation);
            assert_eq!(error["extensions"]["retryAfterSeconds"], Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cooldown_counts_whole_seconds_rounded_up_and_is_never_zero() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for (millis, seconds) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (299_001, 300)] {
            let ends_at = world.now() + chrono::TimeDelta::milliseconds(millis);
            let volume = world
                .volume(&alice, |row| row.cooldown_ends_at = Set(Some(ends_at)))
                .await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let error = world
                .refused(&alice.requester, "createSnapshot", input)
                .await;
            let message = format!("Volume is in cooldown. Try again in {seconds} seconds.");
            assert_eq!(error["message"], message);
            assert_eq!(error["extensions"]["code"], "VOLUME_IN_COOLDOWN");
            assert_eq!(error["extensions"]["retryAfterSeconds"], seconds);
            let at = ends_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            assert_eq!(error["extensions"]["availableAt"], at);
            let document = format!(
                "{{ volume(id: \"{}\") {{ cooldown {{ endsAt remainingSeconds }} actions {{
                    createBackup {{ blockers {{ code availableAt }} }} }} }} }}",
                volume.id
            );
            let data = world.data(&alice.requester, &document).await;
            assert_eq!(data["volume"]["cooldown"]["remainingSeconds"], seconds);
            let blocker = &data["volume"]["actions"]["createBackup"]["blockers"][0];
            assert_eq!(blocker["availableAt"], at);
        }
        let volume = world
            .volume(&alice, |row| row.cooldown_ends_at = Set(Some(world.now())))
            .await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_was_never_seen_is_not_outdated_but_waited_for() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world
            .by_hand(
                "UPDATE hypervisors SET agent_version = NULL, last_seen_at = NULL, \
                 can_snapshot = FALSE, can_backup = FALSE",
            )
            .await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let document = format!(
            "{{ operation(id: \"{}\") {{ status logs {{ nodes {{ message }} }} }} }}",
            payload["operation"]["id"].as_str().unwrap()
        );
        let data = world.data(&alice.requester, &document).await;
        assert_eq!(data["operation"]["status"], "PENDING");
        assert_eq!(
            data["operation"]["logs"]["nodes"][0]["message"],
            "The agent of this volume's hypervisor is offline. The operation waits for it."
        );
    })
    .await;
}
