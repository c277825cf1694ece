//! Plans: which of them a volume can move to, and what follows it there.

use entity::{volume, volume_plan, volume_plan::StorageType};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{GB, on, on_each_database};

fn to_plan(volume: &volume::Model, plan: &volume_plan::Model) -> Value {
    json!({ "volumeId": volume.id.to_string(), "planId": plan.id.to_string() })
}

#[tokio::test]
async fn a_moved_volume_has_the_caps_of_its_new_plan_and_its_backups_follow_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshots = [
            world.snapshot(&volume, |_| {}).await,
            world.snapshot(&volume, |_| {}).await,
        ];
        let backup = world.backup(&volume, |_| {}).await;
        let other = world.volume(&alice, |_| {}).await;
        let others = world.backup(&other, |_| {}).await;
        let now = world.now();
        let gone = world
            .backup(&volume, |row| row.deleted_at = Set(Some(now)))
            .await;
        let plan = world.plan(|row| row.max_snapshots = Set(1)).await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
            volume { plan { id } usage { snapshots maxSnapshots } } } }";
        let mut stream = world.watch(&by, document, on("id", volume.id));
        stream.next().await;
        // Twice is once.
        for _ in 0..2 {
            world
                .run(&admin, "moveVolumeToPlan", to_plan(&volume, &plan))
                .await;
        }
        let told = stream.next().await;
        assert_eq!(
            told["volume"],
            json!({ "plan": { "id": plan.id.to_string() },
                    "usage": { "snapshots": 2, "maxSnapshots": 1 } })
        );
        for snapshot in snapshots {
            assert_eq!(world.snapshot_row(snapshot.id).await.deleted_at, None);
        }
        let (code, _) = world
            .refusal(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        assert_eq!(code, "SNAPSHOT_LIMIT_REACHED");
        assert_eq!(world.backup_row(backup.id).await.plan_id, plan.id);
        let before = world.platform.plan.id;
        assert_eq!(world.backup_row(others.id).await.plan_id, before);
        assert_eq!(world.backup_row(gone.id).await.plan_id, before);
    })
    .await;
}

#[tokio::test]
async fn backups_of_a_deleted_volume_keep_its_last_plan() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let plan = world.plan(|_| {}).await;
        world
            .run(&admin, "moveVolumeToPlan", to_plan(&volume, &plan))
            .await;
        let delete = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
        world.run(&alice.requester, "deleteVolume", delete).await;
        world.work().await;
        let (code, _) = world
            .refusal(
                &admin,
                "moveVolumeToPlan",
                to_plan(&volume, &world.platform.plan),
            )
            .await;
        assert_eq!(code, "NOT_FOUND");
        assert_eq!(world.backup_row(backup.id).await.plan_id, plan.id);
    })
    .await;
}

#[tokio::test]
async fn a_volume_moves_only_to_an_enabled_plan_of_its_size_and_storage_type() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let plans = [
            (
                world
                    .plan(|row| row.storage_type = Set(StorageType::CephRbd))
                    .await,
                "STORAGE_TYPE_MISMATCH",
                "The volume lies on qcow2 files, the plan is for volumes on Ceph. Choose a plan of the volume's \
                 storage type.",
            ),
            (
                world.plan(|row| row.size_bytes = Set(GB)).await,
                "TARGET_TOO_SMALL",
                "The volume has 10737418240 bytes, the plan's volumes have 1073741824. Choose a plan of the \
                 volume's size.",
            ),
            (
                world.plan(|row| row.size_bytes = Set(20 * GB)).await,
                "INVALID_INPUT",
                "The volume has 10737418240 bytes, the plan's volumes have 21474836480. Choose a plan of the \
                 volume's size.",
            ),
            (
                world.plan(|row| row.enabled = Set(false)).await,
                "INVALID_INPUT",
                "Volume plan \"plan\" is disabled. Choose another.",
            ),
        ];
        for (plan, code, message) in &plans {
            let told = world
                .refusal(&admin, "moveVolumeToPlan", to_plan(&volume, plan))
                .await;
            assert_eq!(told, ((*code).to_owned(), (*message).to_owned()));
        }
        let unknown = json!({
            "volumeId": volume.id.to_string(), "planId": "0190a0a0-0000-7000-8000-000000000000",
        });
        let (code, message) = world.refusal(&admin, "moveVolumeToPlan", unknown).await;
        assert_eq!(code, "NOT_FOUND");
        assert_eq!(message, "There is no volume plan with this id.");
        let kept = world.volume_row(volume.id).await;
        assert_eq!(kept.plan_id, world.platform.plan.id);
    })
    .await;
}
