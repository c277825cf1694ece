//! An image that is damaged by hand comes back bit for bit by a restore that may replace it, or goes with all that is in it.

use std::{fs, os::unix::fs::FileExt as _};

use serde_json::json;

use crate::harness::{Content, Machine, PlatformSize, Rules};

#[tokio::test]
async fn a_volume_whose_image_was_damaged_by_hand_is_cured_by_a_backup_bit_for_bit() {
    let machine = Machine::with_agent(Rules::default()).await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let size = PlatformSize::PLAN;
    let content = Content::noise(machine.path("content/first"), size, size / 2, "first");
    let image = machine.image(&volume);
    content.write_to(&image).await;
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let source = json!({ "backupId": backup.item });

    for damaged in [Some(vec![0x5a; 100_000]), Some(Vec::new()), None] {
        match &damaged {
            Some(garbage) => fs::write(&image, garbage).unwrap(),
            None => fs::remove_file(&image).unwrap(),
        }
        let attempt = owner.restore_in_place(&volume, source.clone()).await;
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "IMAGE_DAMAGED", "{message}");
        assert!(
            message.contains("replaceImage") && message.contains("new volume"),
            "{message}"
        );
        assert_eq!(fs::read(&image).ok(), damaged);

        let input = json!({
            "volumeId": volume, "source": source, "confirmName": "web", "replaceImage": true,
        });
        let cure = owner.accepted("restoreInPlace", "volume", input).await;
        owner.completed(&cure).await;
        content.assert_in(&image).await;
        let cured = owner.node(&volume, "Volume", "status dataState").await;
        assert_eq!(cured["status"], "AVAILABLE");
        assert_eq!(cured["dataState"], "CONSISTENT");
        let fields = "status operation { id }";
        let gone = owner.node(&snapshot.item, "Snapshot", fields).await;
        assert_eq!(gone["status"], "FAILED");
    }
    // It is a volume like any other.
    let again = owner.create_snapshot(&volume).await;
    owner.completed(&again).await;
    let delete = owner.delete("Snapshot", &snapshot.item).await;
    owner.completed(&delete).await;
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn a_volume_whose_image_is_damaged_is_deleted_by_its_owner_with_the_snapshots_in_it() {
    let machine = Machine::with_agent(Rules::default()).await;
    let owner = machine.request();
    for damage in ["marked corrupt", "garbage"] {
        let volume = owner.volume("web").await;
        let snapshot = owner.create_snapshot(&volume).await;
        owner.completed(&snapshot).await;
        let image = machine.image(&volume);
        let file = fs::File::options().write(true).open(&image).unwrap();
        if damage == "garbage" {
            file.write_all_at(&[0x5a; 4096], 0).unwrap();
        } else {
            file.write_all_at(&2_u64.to_be_bytes(), 72).unwrap();
        }
        let damaged = fs::read(&image).unwrap();

        let attempt = owner.delete("Snapshot", &snapshot.item).await;
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "IMAGE_DAMAGED", "{damage}: {message}");
        assert!(message.contains("It goes with its volume"), "{message}");
        assert_eq!(fs::read(&image).unwrap(), damaged, "{damage}");
        let left = owner.node(&snapshot.item, "Snapshot", "status").await;
        assert_eq!(left["status"], "FAILED", "{damage}");
        let delete = owner.delete("Volume", &volume).await;
        owner.completed(&delete).await;
        assert!(!image.exists(), "{damage}");
    }
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}
