//! Usage, cooldown and actions of volumes.

use chrono::TimeDelta;
use entity::{
    instance::InstanceStatus,
    operation::{OperationKind, OperationStatus},
    snapshot::ItemStatus,
};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};

use crate::harness::{GB, Tenant, World, on_each_database};

const ACTIONS: &str = "{ volumes(first: 1) { nodes { cooldown { endsAt remainingSeconds } usage {
    snapshots maxSnapshots backups maxBackups } actions {
    createSnapshot { allowed blockers { code message availableAt } }
    createBackup { allowed blockers { code } }
    restoreInPlace { allowed blockers { code } }
    restoreToNewVolume { allowed blockers { code } } } } } }";

#[tokio::test]
async fn a_free_volume_may_do_everything() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.volume(&alice, |_| {}).await;
        let volume = read(&world, &alice).await;
        assert!(volume["cooldown"].is_null());
        for action in [
            "createSnapshot",
            "createBackup",
            "restoreInPlace",
            "restoreToNewVolume",
        ] {
            assert_eq!(volume["actions"][action]["allowed"], true, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cooldown_counts_down_by_the_servers_clock() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let ends_at = world.now() + TimeDelta::milliseconds(90_500);
        world
            .volume(&alice, |row| row.cooldown_ends_at = Set(Some(ends_at)))
            .await;
        let volume = read(&world, &alice).await;
        assert_eq!(volume["cooldown"]["remainingSeconds"], 91);
        let blocker = &volume["actions"]["createSnapshot"]["blockers"][0];
        assert_eq!(blocker["code"], "VOLUME_IN_COOLDOWN");
        assert_eq!(blocker["availableAt"], volume["cooldown"]["endsAt"]);
        assert_eq!(
            blocker["message"],
            "Volume is in cooldown. Try again in 91 seconds."
        );
        world.wait_seconds(91);
        let volume = read(&world, &alice).await;
        assert!(volume["cooldown"].is_null());
        assert_eq!(volume["actions"]["createSnapshot"]["allowed"], true);
    })
    .await;
}

#[tokio::test]
async fn failed_and_deleted_items_do_not_count() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        for status in [
            ItemStatus::Pending,
            ItemStatus::Creating,
            ItemStatus::Available,
            ItemStatus::Restoring,
            ItemStatus::Deleting,
            ItemStatus::Failed,
        ] {
            world
                .snapshot(&volume, |row| row.status = Set(status))
                .await;
            world.backup(&volume, |row| row.status = Set(status)).await;
        }
        let now = world.now();
        world
            .snapshot(&volume, |row| row.deleted_at = Set(Some(now)))
            .await;
        let volume = read(&world, &alice).await;
        let usage = json!({ "snapshots": 5, "maxSnapshots": 5, "backups": 5, "maxBackups": 10 });
        assert_eq!(volume["usage"], usage);
        assert_eq!(codes(&volume, "createSnapshot"), ["SNAPSHOT_LIMIT_REACHED"]);
        assert_eq!(codes(&volume, "createBackup"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn operations_of_the_whole_account_count_as_in_flight() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let other = world.volume(&alice, |_| {}).await;
        for (kind, status) in [
            (OperationKind::CreateSnapshot, OperationStatus::Pending),
            (OperationKind::CreateBackup, OperationStatus::Started),
            (OperationKind::RestoreToNewVolume, OperationStatus::Started),
            (OperationKind::RestoreInPlace, OperationStatus::Completed),
            (OperationKind::DeleteBackup, OperationStatus::Started),
            (OperationKind::CreateVolume, OperationStatus::Pending),
        ] {
            world
                .operation(&other, kind, |row| row.status = Set(status))
                .await;
        }
        world.volume(&alice, |_| {}).await;
        world.volume(&bob, |_| {}).await;
        let volume = read(&world, &alice).await;
        assert_eq!(codes(&volume, "createBackup"), ["IN_FLIGHT_LIMIT_REACHED"]);
        assert_eq!(codes(&read(&world, &bob).await, "createBackup"), [""; 0]);
        let document = "{ viewer { account { operationsInFlight operationsInFlightLimit } } }";
        let data = world.data(&alice.requester, document).await;
        let expected = json!({ "operationsInFlight": 3, "operationsInFlightLimit": 3 });
        assert_eq!(data["viewer"]["account"], expected);
    })
    .await;
}

#[tokio::test]
async fn the_agent_of_the_instances_hypervisor_does_the_work() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let old = world
            .hypervisor(|row| {
                row.name = Set("old".to_owned());
                row.can_snapshot = Set(false);
            })
            .await;
        let instance = world
            .instance(&alice, |row| row.hypervisor_id = Set(old.id))
            .await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        let read_volume = read(&world, &alice).await;
        assert_eq!(codes(&read_volume, "createSnapshot"), ["AGENT_OUTDATED"]);
        assert_eq!(codes(&read_volume, "createBackup"), [""; 0]);
        assert_eq!(
            codes(&read_volume, "restoreInPlace"),
            ["AGENT_OUTDATED", "VOLUME_ATTACHED_TO_RUNNING_INSTANCE"]
        );
        world
            .change(volume, |row| row.instance_id = Set(None))
            .await;
        let read_volume = read(&world, &alice).await;
        assert_eq!(codes(&read_volume, "restoreInPlace"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_hypervisor_that_was_never_seen_lacks_nothing() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let new = world
            .hypervisor(|row| {
                row.agent_version = Set(None);
                row.can_snapshot = Set(false);
                row.can_backup = Set(false);
                row.last_seen_at = Set(None);
            })
            .await;
        let instance = world
            .instance(&alice, |row| row.status = Set(InstanceStatus::Stopped))
            .await;
        world
            .volume(&alice, |row| {
                row.hypervisor_id = Set(new.id);
                row.instance_id = Set(Some(instance.id));
            })
            .await;
        world
            .volume(&alice, |row| row.hypervisor_id = Set(new.id))
            .await;
        assert_eq!(codes(&read(&world, &alice).await, "createBackup"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn backups_go_to_the_hypervisors_own_storage_or_its_groups_or_nowhere() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.volume(&alice, |_| {}).await;
        assert_eq!(codes(&read(&world, &alice).await, "createBackup"), [""; 0]);
        let mut group: entity::hypervisor_group::ActiveModel = world.platform.group.clone().into();
        group.backup_storage_id = Set(None);
        let db = world.app.database.writes();
        group.update(db).await.unwrap();
        let blocked = read(&world, &alice).await;
        assert_eq!(codes(&blocked, "createBackup"), ["NO_BACKUP_STORAGE"]);
        let mut host: entity::hypervisor::ActiveModel = world.platform.hypervisor.clone().into();
        host.backup_storage_id = Set(Some(world.platform.backup_storage.id));
        host.update(db).await.unwrap();
        assert_eq!(codes(&read(&world, &alice).await, "createBackup"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_restore_is_judged_by_what_would_be_restored() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let volume = world.volume(&alice, |_| {}).await;
        let large = world
            .backup(&volume, |row| row.volume_size_bytes = Set(20 * GB))
            .await;
        let broken = world
            .snapshot(&volume, |row| row.status = Set(ItemStatus::Failed))
            .await;
        let other = world.volume(&alice, |_| {}).await;
        let of_other = world.snapshot(&other, |_| {}).await;
        let of_bob = world.volume(&bob, |_| {}).await;
        let of_bob = world.snapshot(&of_bob, |_| {}).await;
        let document = "query($volume: ID!, $source: RestoreSource) { volume(id: $volume) {
            actions { restoreInPlace(source: $source) { blockers { code } }
                      restoreToNewVolume(source: $source) { blockers { code } } } } }";
        let with = |source: Value| json!({ "volume": volume.id.to_string(), "source": source });
        for (source, code) in [
            (
                json!({ "backupId": large.id.to_string() }),
                "TARGET_TOO_SMALL",
            ),
            (
                json!({ "snapshotId": broken.id.to_string() }),
                "ITEM_NOT_AVAILABLE",
            ),
        ] {
            let data = world
                .data_with(&alice.requester, document, with(source))
                .await;
            for action in ["restoreInPlace", "restoreToNewVolume"] {
                let action = &data["volume"]["actions"][action];
                assert_eq!(action["blockers"], json!([{ "code": code }]));
            }
        }
        for (source, code) in [
            (
                json!({ "snapshotId": of_other.id.to_string() }),
                "INVALID_INPUT",
            ),
            (json!({ "snapshotId": of_bob.id.to_string() }), "NOT_FOUND"),
            (json!({ "backupId": "none" }), "NOT_FOUND"),
        ] {
            let error = world
                .error_with(&alice.requester, document, with(source))
                .await;
            assert_eq!(error["extensions"]["code"], code);
        }
    })
    .await;
}

async fn read(world: &World, tenant: &Tenant) -> Value {
    let mut data = world.data(&tenant.requester, ACTIONS).await;
    data["volumes"]["nodes"][0].take()
}

fn codes<'a>(volume: &'a Value, action: &str) -> Vec<&'a str> {
    let blockers = volume["actions"][action]["blockers"].as_array().unwrap();
    let codes = blockers.iter().map(|blocker| blocker["code"].as_str());
    codes.map(Option::unwrap).collect()
}
