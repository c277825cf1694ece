//! Writing off: the record ends, nothing that an agent may be writing to is touched, and the audit knows why.

use entity::{
    backup, operation,
    operation::{OperationKind, OperationStatus},
    snapshot::{self, ItemStatus},
    volume,
    volume::{DataState, VolumeState},
};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::{
    guard::pair,
    harness::{World, id, on, on_each_database},
};

const REASON: &str = "The disk was shredded.";

fn target(field: &str, id: impl std::fmt::Display, name: &str) -> Value {
    json!({ "target": on(field, id), "confirmName": name, "reason": REASON })
}

fn of_volume(volume: &volume::Model) -> Value {
    target("volumeId", volume.id, "volume")
}

fn of_snapshot(snapshot: &snapshot::Model) -> Value {
    target("snapshotId", snapshot.id, "snapshot")
}

fn of_backup(backup: &backup::Model) -> Value {
    target("backupId", backup.id, "backup")
}

/// How many volumes, snapshots and backups an administrator sees.
async fn seen(world: &World, admin: &Requester) -> [u64; 3] {
    let document = "{ volumes { totalCount } snapshots { totalCount } backups { totalCount } }";
    let data = world.data(admin, document).await;
    ["volumes", "snapshots", "backups"].map(|list| data[list]["totalCount"].as_u64().unwrap())
}

#[tokio::test]
async fn a_volume_is_written_off_with_its_snapshots_and_its_backups_stay() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world
            .volume(&alice, |row| row.state = Set(VolumeState::Failed))
            .await;
        world.snapshot(&volume, |_| {}).await;
        world
            .snapshot(&volume, |row| row.status = Set(ItemStatus::Failed))
            .await;
        let backup = world.backup(&volume, |_| {}).await;
        assert_eq!(seen(&world, &admin).await, [1, 2, 1]);
        let mut wrong = of_volume(&volume);
        wrong["confirmName"] = "volumes".into();
        let (code, _) = world.refusal(&admin, "writeOff", wrong).await;
        assert_eq!(code, "CONFIRMATION_MISMATCH");
        let mut silent = of_volume(&volume);
        silent["reason"] = " ".into();
        let (code, _) = world.refusal(&admin, "writeOff", silent).await;
        assert_eq!(code, "INVALID_INPUT");
        let document = crate::harness::document("writeOff", "writtenOffId");
        let input = json!({ "input": of_volume(&volume) });
        let data = world.data_with(&admin, &document, input).await;
        assert_eq!(data["writeOff"]["writtenOffId"], volume.id.to_string());
        assert_eq!(seen(&world, &admin).await, [0, 0, 1]);
        let told = world.audit().await.pop().unwrap();
        assert_eq!(told.reason.as_deref(), Some(REASON));
        assert_eq!(told.resource_ids, volume.id.to_string());
        assert_eq!(
            (told.outcome.as_str(), told.mutation.as_str()),
            ("OK", "writeOff")
        );
        let again = world.refusal(&admin, "writeOff", of_volume(&volume)).await;
        assert_eq!(again.0, "NOT_FOUND");
        // No agent is sent to remove anything, and what is left can be restored.
        assert!(world.worker().claim().await.is_empty());
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        world
            .run(&alice.requester, "restoreToNewVolume", restore)
            .await;
        world.clean_up().await;
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_and_a_backup_are_written_off_and_free_their_places_under_the_caps() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        world.run(&admin, "writeOff", of_snapshot(&snapshot)).await;
        assert_eq!(seen(&world, &admin).await, [1, 0, 1]);
        world.run(&admin, "writeOff", of_backup(&backup)).await;
        assert_eq!(seen(&world, &admin).await, [1, 0, 0]);
        for input in [of_snapshot(&snapshot), of_backup(&backup)] {
            let (code, _) = world.refusal(&admin, "writeOff", input).await;
            assert_eq!(code, "NOT_FOUND");
        }
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_works_on_is_not_written_off() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let restore = json!({
            "volumeId": volume.id.to_string(), "confirmName": "volume",
            "source": { "snapshotId": snapshot.id.to_string() },
        });
        world.run(&alice.requester, "restoreInPlace", restore).await;
        let work = world.worker().claim_one().await;
        let deleting = world.backup(&volume, |_| {}).await;
        let delete = json!({ "backupId": deleting.id.to_string(), "confirmName": "backup" });
        world.run(&alice.requester, "deleteBackup", delete).await;
        let deletion = world.worker().claim_one().await;
        for (input, holder) in [
            (of_volume(&volume), &work),
            (of_snapshot(&snapshot), &work),
            (of_backup(&deleting), &deletion),
        ] {
            let error = world.refused(&admin, "writeOff", input).await;
            assert_eq!(error["extensions"]["code"], "VOLUME_BUSY");
            assert_eq!(error["extensions"]["operationId"], holder.operation);
        }
        assert_eq!(seen(&world, &admin).await, [1, 1, 1]);
        // Its lease is dead: nobody writes any more, and nobody knows what was written.
        world.wait_seconds(90);
        world.run(&admin, "writeOff", of_snapshot(&snapshot)).await;
        let row = world.volume_row(volume.id).await;
        assert_eq!(row.active_operation_id, None);
        assert_eq!(row.data_state, DataState::Inconsistent);
        let row = world.operation_row(work.id()).await;
        assert_eq!(row.status, OperationStatus::Failed);
        world.run(&admin, "writeOff", of_volume(&volume)).await;
        world.run(&admin, "writeOff", of_backup(&deleting)).await;
        assert_eq!(seen(&world, &admin).await, [0, 0, 0]);
        assert!(!world.worker().complete(&deletion).await);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_an_agent_fails_when_its_volume_is_written_off() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&alice.requester, "createBackup", on("volumeId", volume.id))
            .await;
        world.run(&admin, "writeOff", of_volume(&volume)).await;
        let row: operation::Model = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(row.status, OperationStatus::Failed);
        assert_eq!(
            row.error_message.as_deref(),
            Some("What it was about was written off by an administrator.")
        );
        let backup = world.backup_row(id(&payload["backup"])).await;
        assert_eq!(backup.status, ItemStatus::Failed);
        assert!(world.worker().claim().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_attached_volume_is_detached_before_it_is_written_off() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let instance = world.instance(&alice, |_| {}).await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        let told = world.refusal(&admin, "writeOff", of_volume(&volume)).await;
        let words = "Volume is attached to an instance. Detach it first.";
        assert_eq!(told, pair("VOLUME_NOT_AVAILABLE", words));
        world
            .run(&admin, "detachVolume", on("volumeId", volume.id))
            .await;
        world.run(&admin, "writeOff", of_volume(&volume)).await;
    })
    .await;
}

#[tokio::test]
async fn a_place_is_written_off_after_what_lies_in_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let platform = &world.platform;
        let places = [
            (
                target("storagePoolId", platform.pool.id, "pool"),
                "Storage pool \"pool\" is used by 1 volume.",
            ),
            (
                target("hypervisorId", platform.hypervisor.id, "host"),
                "Hypervisor \"host\" is used by 1 volume and 1 backup.",
            ),
            (
                target("backupStorageId", platform.backup_storage.id, "vault"),
                "Backup storage \"vault\" is used by 1 backup and 1 hypervisor group.",
            ),
        ];
        for (input, words) in &places {
            let told = world.refusal(&admin, "writeOff", input.clone()).await;
            assert_eq!(told, pair("IN_USE", words));
        }
        world.run(&admin, "writeOff", of_volume(&volume)).await;
        world.run(&admin, "writeOff", of_backup(&backup)).await;
        let cleared = json!({
            "hypervisorGroupId": platform.group.id.to_string(), "backupStorageId": null,
        });
        world.run(&admin, "updateHypervisorGroup", cleared).await;
        for (input, _) in places {
            world.run(&admin, "writeOff", input).await;
        }
        let left = "{ storagePools { id } hypervisors { id } backupStorages { id } }";
        assert_eq!(
            world.data(&admin, left).await,
            json!({ "storagePools": [], "hypervisors": [], "backupStorages": [] })
        );
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_hypervisor_fails_when_it_is_written_off_unless_its_agent_works() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let nfs = json!({ "name": "n", "nfs": { "server": "nfs.test", "export": "/e" } });
        let nfs = world.backup_storage(&admin, nfs).await;
        let volume = world.volume(&alice, |_| {}).await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let backup = world
            .backup(&volume, |row| {
                row.backup_storage_id = Set(nfs);
                row.hypervisor_id = Set(far.id);
            })
            .await;
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        let payload = world.run(&alice.requester, "deleteBackup", delete).await;
        let waiting = id(&payload["operation"]);
        let at_work = world
            .operation(&volume, OperationKind::DeleteBackup, |row| {
                row.hypervisor_id = Set(far.id);
                row.status = Set(OperationStatus::Started);
                row.lease_expires_at = Set(Some(world.now() + chrono::TimeDelta::seconds(60)));
                row.finished_at = Set(None);
            })
            .await;
        let input = target("hypervisorId", far.id, "far");
        let error = world.refused(&admin, "writeOff", input.clone()).await;
        assert_eq!(error["extensions"]["code"], "VOLUME_BUSY");
        assert_eq!(error["extensions"]["operationId"], at_work.id.to_string());
        let status = world.operation_row(waiting).await.status;
        assert_eq!(
            status,
            OperationStatus::Pending,
            "a refusal changes nothing"
        );
        world.wait_seconds(60);
        world.run(&admin, "writeOff", input).await;
        for operation in [waiting, at_work.id] {
            let row = world.operation_row(operation).await;
            assert_eq!(row.status, OperationStatus::Failed);
        }
        // It is as it was before, and another agent deletes it.
        assert_eq!(
            world.backup_row(backup.id).await.status,
            ItemStatus::Available
        );
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        world.run(&alice.requester, "deleteBackup", delete).await;
        world.work().await;
        assert!(world.backup_row(backup.id).await.deleted_at.is_some());
    })
    .await;
}
