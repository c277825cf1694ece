//! What snapshots keep is measured: after what changes it, and again while nothing does.

use entity::{SnapshotId, volume};
use sea_orm::Set;
use serde_json::json;

use crate::harness::{World, id, on_each_database};

/// A volume of which a snapshot is taken; what has been asked to measure is none of it yet.
async fn volume_with_snapshot(world: &World) -> (volume::Model, SnapshotId) {
    let alice = world.tenant("alice").await;
    let volume = world.volume(&alice, |_| {}).await;
    let agent = world.worker();
    assert!(agent.measurements().await.is_empty(), "nothing to measure");
    let input = json!({ "volumeId": volume.id.to_string() });
    let payload = world.run(&alice.requester, "createSnapshot", input).await;
    assert!(agent.measurements().await.is_empty(), "it is worked on");
    world.work().await;
    assert!(agent.measurements().await.is_empty(), "more may follow");
    world.wait_seconds(5);
    (volume, id(&payload["snapshot"]))
}

#[tokio::test]
async fn a_volume_is_measured_after_a_snapshot_and_again_and_again() {
    on_each_database(async |world| {
        let (volume, snapshot) = volume_with_snapshot(&world).await;
        let agent = world.worker();
        for bytes in [65_536, 131_072] {
            assert_eq!(agent.measurements().await, [volume.id.to_string()]);
            assert!(agent.measurements().await.is_empty(), "it is measured now");
            assert!(agent.report_retained(volume.id, snapshot, bytes).await);
            assert_eq!(world.snapshot_row(snapshot).await.retained_bytes, bytes);
            world.wait_seconds(1804);
            assert!(agent.measurements().await.is_empty());
            world.wait_seconds(1);
        }
    })
    .await;
}

#[tokio::test]
async fn what_no_agent_has_measured_is_given_out_again() {
    on_each_database(async |world| {
        let (volume, _) = volume_with_snapshot(&world).await;
        let agent = world.worker();
        assert_eq!(agent.measurements().await, [volume.id.to_string()]);
        world.wait_seconds(605);
        assert_eq!(agent.measurements().await, [volume.id.to_string()]);
    })
    .await;
}

#[tokio::test]
async fn what_was_measured_before_an_operation_is_out_of_date_after_it() {
    on_each_database(async |world| {
        let (volume, snapshot) = volume_with_snapshot(&world).await;
        let agent = world.worker();
        assert_eq!(agent.measurements().await.len(), 1);
        world.wait_seconds(300);
        let admin = world.admin().await;
        let input = json!({
            "volumeId": volume.id.to_string(), "source": { "snapshotId": snapshot.to_string() },
            "confirmName": volume.name,
        });
        world.run(&admin, "restoreInPlace", input).await;
        assert!(!agent.report_retained(volume.id, snapshot, 1).await);
        world.work().await;
        assert!(!agent.report_retained(volume.id, snapshot, 2).await);
        assert_eq!(world.snapshot_row(snapshot).await.retained_bytes, 0);
        world.wait_seconds(5);
        assert_eq!(agent.measurements().await, [volume.id.to_string()]);
        assert!(agent.report_retained(volume.id, snapshot, 3).await);
        assert_eq!(world.snapshot_row(snapshot).await.retained_bytes, 3);
    })
    .await;
}

#[tokio::test]
async fn a_volume_whose_last_snapshot_is_gone_is_measured_no_more() {
    on_each_database(async |world| {
        let (volume, snapshot) = volume_with_snapshot(&world).await;
        let admin = world.admin().await;
        let name = world.snapshot_row(snapshot).await.name;
        let input = json!({ "snapshotId": snapshot.to_string(), "confirmName": name });
        world.run(&admin, "deleteSnapshot", input).await;
        world.work().await;
        world.wait_seconds(5);
        let agent = world.worker();
        assert_eq!(agent.measurements().await.len(), 1);
        assert!(agent.report_retained(volume.id, snapshot, 0).await);
        world.wait_seconds(3600);
        assert!(agent.measurements().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_measured_only_by_the_agent_that_works_on_it() {
    on_each_database(async |world| {
        let (volume, snapshot) = volume_with_snapshot(&world).await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let bob = world.tenant("bob").await;
        let instance = world
            .instance(&bob, |row| row.hypervisor_id = Set(far.id))
            .await;
        let far = world.worker_of(far);
        assert!(far.measurements().await.is_empty());
        assert_eq!(world.worker().measurements().await.len(), 1);
        assert!(!far.report_retained(volume.id, snapshot, 1).await);
        let volume = world
            .change(volume, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        assert!(!world.worker().report_retained(volume.id, snapshot, 2).await);
        assert!(far.report_retained(volume.id, snapshot, 3).await);
        world.wait_seconds(3600);
        assert!(world.worker().measurements().await.is_empty());
        assert_eq!(far.measurements().await, [volume.id.to_string()]);
    })
    .await;
}
