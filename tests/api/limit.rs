//! Caps and the limit of operations in flight: what counts, and what makes room.

use entity::{snapshot::ItemStatus, volume};
use sea_orm::Set;
use serde_json::json;

use crate::{
    guard::{FLIGHTS, pair},
    harness::on_each_database,
};

#[tokio::test]
async fn caps_count_what_lives_and_not_what_failed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let plan = world
            .plan(|row| {
                row.max_snapshots = Set(5);
                row.max_backups = Set(5);
            })
            .await;
        let statuses = [
            ItemStatus::Pending,
            ItemStatus::Creating,
            ItemStatus::Available,
            ItemStatus::Restoring,
            ItemStatus::Deleting,
        ];
        let volume = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        for status in statuses {
            world
                .snapshot(&volume, |row| row.status = Set(status))
                .await;
            world.backup(&volume, |row| row.status = Set(status)).await;
        }
        let input = json!({ "volumeId": volume.id.to_string() });
        for (mutation, code) in [
            ("createSnapshot", "SNAPSHOT_LIMIT_REACHED"),
            ("createBackup", "BACKUP_LIMIT_REACHED"),
        ] {
            assert_eq!(
                world
                    .refusal(&alice.requester, mutation, input.clone())
                    .await
                    .0,
                code
            );
        }
        let other = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        for _ in 0..5 {
            world
                .snapshot(&other, |row| row.status = Set(ItemStatus::Failed))
                .await;
        }
        let input = json!({ "volumeId": other.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn a_lowered_cap_deletes_nothing_and_deleting_makes_room_at_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let kept = world.snapshot(&volume, |_| {}).await;
        let deleted = world
            .snapshot(&volume, |row| row.name = Set("old".to_owned()))
            .await;
        let plan = world.platform.plan.id.to_string();
        world
            .run(
                &admin,
                "updateVolumePlan",
                json!({ "planId": plan, "maxSnapshots": 1 }),
            )
            .await;
        assert_eq!(world.snapshot_row(kept.id).await.deleted_at, None);
        let input = json!({ "volumeId": volume.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "SNAPSHOT_LIMIT_REACHED");
        let delete = json!({ "snapshotId": deleted.id.to_string(), "confirmName": "old" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "SNAPSHOT_LIMIT_REACHED");
        let delete = json!({ "snapshotId": kept.id.to_string(), "confirmName": "snapshot" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn three_may_be_in_flight_over_all_volumes_of_an_account_whoever_asks() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let source = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&source, |_| {}).await;
        let one = world.volume(&alice, |_| {}).await;
        let two = world.volume(&alice, |_| {}).await;
        let on = |volume: &volume::Model| json!({ "volumeId": volume.id.to_string() });
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        world
            .run(&alice.requester, "restoreToNewVolume", restore)
            .await;
        world.run(&admin, "createSnapshot", on(&one)).await;
        world.run(&alice.requester, "createBackup", on(&two)).await;
        let full = pair("IN_FLIGHT_LIMIT_REACHED", FLIGHTS);
        for by in [&alice.requester, &admin] {
            assert_eq!(world.refusal(by, "createSnapshot", on(&source)).await, full);
        }
        let bob = world.tenant("bob").await;
        let other = world.volume(&bob, |_| {}).await;
        world.run(&admin, "createSnapshot", on(&other)).await;
        let data = world
            .data(
                &alice.requester,
                "{ viewer { account { operationsInFlight operationsInFlightLimit } } }",
            )
            .await;
        let account = &data["viewer"]["account"];
        assert_eq!(account["operationsInFlight"], 3);
        assert_eq!(account["operationsInFlightLimit"], 3);
        world.work().await;
        world
            .run(&alice.requester, "createSnapshot", on(&source))
            .await;
    })
    .await;
}

#[tokio::test]
async fn deletes_and_new_volumes_are_not_counted_as_in_flight() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for _ in 0..4 {
            let volume = world.volume(&alice, |_| {}).await;
            let snapshot = world.snapshot(&volume, |_| {}).await;
            let backup = world.backup(&volume, |_| {}).await;
            let delete =
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
            world.run(&alice.requester, "deleteSnapshot", delete).await;
            let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
            world.run(&alice.requester, "deleteBackup", delete).await;
            world
                .run(&alice.requester, "createVolume", world.new_volume("more"))
                .await;
        }
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}
