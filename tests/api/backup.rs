//! Backups: from the request to the object at its destination, and away again.

use entity::{BackupId, VolumeId, snapshot::ItemStatus};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{id, on_each_database};

#[tokio::test]
async fn a_backup_is_pending_then_creating_then_available_with_what_the_agent_said() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&alice.requester, "createBackup", input).await;
        let backup: BackupId = id(&payload["backup"]);
        assert_eq!(payload["backup"]["status"], "PENDING");
        assert_eq!(payload["backup"]["name"], "backup-2026-09-21T14-13-20Z");
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(
            work.assignment["backup"]["destination"]["local"]["path"],
            "/srv/backups"
        );
        assert_eq!(world.backup_row(backup).await.status, ItemStatus::Creating);
        let yields = json!({ "storedBytes": 123_456, "checksum": "blake3:abc" });
        assert!(agent.complete_with(&work, yields).await);
        let document = format!(
            "{{ backup(id: \"{backup}\") {{ status storedBytes checksum volumeId volumeName
                location {{ storageName path }} volume {{ id }} }} }}"
        );
        let data = world.data(&alice.requester, &document).await;
        let told = &data["backup"];
        assert_eq!(told["status"], "AVAILABLE");
        assert_eq!(told["storedBytes"], 123_456);
        assert_eq!(told["checksum"], "blake3:abc");
        assert_eq!(told["location"]["storageName"], "vault");
        let path = told["location"]["path"].as_str().unwrap();
        assert!(
            path.starts_with(&format!("volumes/{}/", volume.id)),
            "{path}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_backup_can_be_deleted_while_its_volume_is_busy_or_rests() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        let payload = world.run(&alice.requester, "deleteBackup", delete).await;
        assert_eq!(payload["backup"]["status"], "DELETING");
        world.work().await;
        assert!(world.backup_row(backup.id).await.deleted_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_backup_outlives_its_volume_and_restores_to_a_new_one() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.work().await;
        let document = format!(
            "{{ backup(id: \"{}\") {{ status volume {{ id }} volumeId volumeName
                operation {{ volume {{ id }} }} }} }}",
            backup.id
        );
        let data = world.data(&alice.requester, &document).await;
        assert_eq!(data["backup"]["status"], "AVAILABLE");
        assert_eq!(data["backup"]["volume"], Value::Null);
        assert_eq!(data["backup"]["volumeId"], volume.id.to_string());
        assert_eq!(data["backup"]["volumeName"], "volume");
        let input = json!({ "source": { "backupId": backup.id.to_string() } });
        let payload = world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(work.assignment["volume"], Value::Null);
        assert_eq!(
            work.assignment["targetVolume"]["id"],
            payload["volume"]["id"]
        );
        assert!(agent.complete(&work).await);
        let made: VolumeId = id(&payload["volume"]);
        let document =
            format!("{{ volume(id: \"{made}\") {{ status name cooldown {{ endsAt }} }} }}");
        let data = world.data(&alice.requester, &document).await;
        assert_eq!(data["volume"]["status"], "AVAILABLE");
        assert_eq!(data["volume"]["cooldown"], Value::Null);
        let in_place = json!({
            "volumeId": volume.id.to_string(),
            "source": { "backupId": backup.id.to_string() },
            "confirmName": "volume",
        });
        let (code, _) = world
            .refusal(&alice.requester, "restoreInPlace", in_place)
            .await;
        assert_eq!(code, "NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_restoring_while_any_of_two_restores_reads_it_and_cannot_be_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let input = json!({ "source": { "backupId": backup.id.to_string() } });
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        for _ in 0..2 {
            world
                .run(&alice.requester, "restoreToNewVolume", input.clone())
                .await;
            // Until an agent takes it, nothing reads the backup; but it is needed.
            assert_eq!(
                world.backup_row(backup.id).await.status,
                ItemStatus::Available
            );
            let told = world
                .refusal(&alice.requester, "deleteBackup", delete.clone())
                .await;
            assert_eq!(told.0, "ITEM_NOT_AVAILABLE");
        }
        let agent = world.worker();
        let works = agent.claim().await;
        assert_eq!(works.len(), 2);
        for work in &works {
            assert_eq!(
                world.backup_row(backup.id).await.status,
                ItemStatus::Restoring
            );
            let told = world
                .refusal(&alice.requester, "deleteBackup", delete.clone())
                .await;
            assert_eq!(told.0, "ITEM_NOT_AVAILABLE");
            assert_eq!(
                told.1,
                "The snapshot or backup is not available: it is being restored."
            );
            assert!(agent.complete(work).await);
        }
        assert_eq!(
            world.backup_row(backup.id).await.status,
            ItemStatus::Available
        );
        world.run(&alice.requester, "deleteBackup", delete).await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_that_an_agent_may_still_be_writing_cannot_be_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string(), "name": "half" });
        let payload = world.run(&alice.requester, "createBackup", input).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let give_up = json!({ "operationId": work.operation, "reason": "stuck" });
        world.run(&admin, "failOperation", give_up).await;
        let delete = json!({ "backupId": payload["backup"]["id"], "confirmName": "half" });
        let (code, _) = world
            .refusal(&alice.requester, "deleteBackup", delete.clone())
            .await;
        assert_eq!(code, "ITEM_NOT_AVAILABLE");
        assert!(!agent.stop(&work, false).await);
        world.run(&alice.requester, "deleteBackup", delete).await;
    })
    .await;
}

#[tokio::test]
async fn only_an_available_backup_restores() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let words = [
            (ItemStatus::Pending, "waiting to be made"),
            (ItemStatus::Creating, "being made"),
            (ItemStatus::Deleting, "being deleted"),
            (ItemStatus::Failed, "failed"),
        ];
        let volume = world.volume(&alice, |_| {}).await;
        for (status, word) in words {
            let backup = world.backup(&volume, |row| row.status = Set(status)).await;
            let source = json!({ "backupId": backup.id.to_string() });
            let message = format!("The snapshot or backup is not available: it is {word}.");
            let to_new = json!({ "source": source });
            let in_place = json!({
                "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
            });
            for (mutation, input) in [("restoreToNewVolume", to_new), ("restoreInPlace", in_place)]
            {
                let told = world.refusal(&alice.requester, mutation, input).await;
                assert_eq!(told, ("ITEM_NOT_AVAILABLE".to_owned(), message.clone()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_deletion_of_a_backup_can_be_repeated() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        world
            .run(&alice.requester, "deleteBackup", delete.clone())
            .await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        assert_eq!(world.backup_row(backup.id).await.status, ItemStatus::Failed);
        world.run(&alice.requester, "deleteBackup", delete).await;
        world.work().await;
        assert!(world.backup_row(backup.id).await.deleted_at.is_some());
    })
    .await;
}
