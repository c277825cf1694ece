//! What is written down of snapshots, backups and instances, when it changes.

use entity::billing_item;
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use tidemark::domain::write_off::{Target, write_off};

use crate::harness::{GB, id, on_each_database};

#[tokio::test]
async fn a_snapshot_has_a_span_of_each_size_from_when_it_is_available_until_it_is_being_deleted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let began = world.now();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        assert_eq!(world.spans(began, &snapshot).await, [(GB, 0, None)]);
        world.wait_seconds(5);
        let agent = world.worker();
        for bytes in [GB, 2 * GB] {
            world.wait_seconds(1805);
            assert_eq!(agent.measurements().await.len(), 1);
            assert!(agent.report_retained(volume.id, snapshot.parse().unwrap(), bytes).await);
        }
        let both = [(GB, 0, Some(3615)), (2 * GB, 3615, None)];
        assert_eq!(world.spans(began, &snapshot).await, both);
        let name = world.snapshot_row(snapshot.parse().unwrap()).await.name;
        let input = json!({ "snapshotId": snapshot, "confirmName": name });
        world.wait_seconds(5);
        world.run(&alice.requester, "deleteSnapshot", input.clone()).await;
        let ended = [(GB, 0, Some(3615)), (2 * GB, 3615, Some(3620))];
        assert_eq!(world.spans(began, &snapshot).await, ended);
        // What was refused is there as before.
        world.wait_seconds(5);
        let work = agent.claim_one().await;
        let refused = json!({ "failed": {
            "code": "STORAGE_FAILED", "message": "Held by another.", "removed": "NOTHING", "volumeTouched": false,
        } });
        assert!(agent.finish(&work, refused).await);
        let again = (2 * GB, 3625, None);
        assert_eq!(world.spans(began, &snapshot).await.last(), Some(&again));
        world.wait_seconds(5);
        world.run(&alice.requester, "deleteSnapshot", input).await;
        world.work().await;
        let gone = (2 * GB, 3625, Some(3630));
        assert_eq!(world.spans(began, &snapshot).await.last(), Some(&gone));
    })
    .await;
}

#[tokio::test]
async fn what_is_read_is_not_billed_from_the_claim_of_the_first_restore_to_the_end_of_the_last() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let began = world.now();
        let input = json!({ "volumeId": volume.id.to_string() });
        let made = world.run(&alice.requester, "createBackup", input).await;
        let backup: entity::BackupId = id(&made["backup"]);
        world.work_and_rest().await;
        let size = volume.size_bytes;
        assert_eq!(world.spans(began, backup).await, [(size, 0, None)]);
        let input = json!({ "source": { "backupId": backup.to_string() } });
        for _ in 0..2 {
            world.run(&alice.requester, "restoreToNewVolume", input.clone()).await;
        }
        world.wait_seconds(10);
        assert_eq!(world.spans(began, backup).await, [(size, 0, None)]);
        let works = world.worker().claim().await;
        assert_eq!(world.spans(began, backup).await, [(size, 0, Some(310))]);
        for work in works {
            world.wait_seconds(10);
            assert!(world.worker().complete(&work).await);
        }
        let both = [(size, 0, Some(310)), (size, 330, None)];
        assert_eq!(world.spans(began, backup).await, both);
        // One that turns out corrupt is not billed, until one turns out sound.
        for (outcome, spans) in [
            (json!({ "failed": { "code": "BACKUP_CORRUPT", "message": "No.", "volumeTouched": false } }), 2),
            (json!({ "completed": {} }), 3),
        ] {
            world.run(&alice.requester, "restoreToNewVolume", input.clone()).await;
            let work = world.worker().claim_one().await;
            world.wait_seconds(10);
            assert!(world.worker().finish(&work, outcome).await);
            let there = world.spans(began, backup).await;
            assert_eq!(there.len(), spans, "{there:?}");
            assert_eq!(there.last().unwrap().2.is_none(), spans == 3);
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_goes_back_to_wait_reads_nothing_meanwhile() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let began = world.now();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        world.wait_seconds(300);
        let input = json!({ "source": { "snapshotId": snapshot } });
        world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let work = world.worker().claim_one().await;
        world.wait_seconds(10);
        assert!(world.worker().stop(&work, false).await);
        let both = [(GB, 0, Some(300)), (GB, 310, None)];
        assert_eq!(world.spans(began, &snapshot).await, both);
    })
    .await;
}

#[tokio::test]
async fn an_instance_has_a_span_while_it_runs() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world
            .instance(&alice, |row| {
                row.status = Set(entity::instance::InstanceStatus::Stopped);
            })
            .await;
        let began = world.now();
        let input = json!({ "instanceId": instance.id.to_string() });
        for (mutation, wait) in [
            ("startInstance", 10),
            ("startInstance", 10),
            ("stopInstance", 10),
            ("stopInstance", 10),
            ("startInstance", 10),
        ] {
            world.run(&alice.requester, mutation, input.clone()).await;
            world.wait_seconds(wait);
        }
        let both = [(0, 0, Some(20)), (0, 40, None)];
        assert_eq!(world.spans(began, instance.id).await, both);
    })
    .await;
}

#[tokio::test]
async fn another_plan_begins_spans_of_all_that_is_kept_of_a_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let began = world.now();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        world.wait_seconds(10);
        let plan = world.plan(|_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string(), "planId": plan.id.to_string() });
        world.run(&admin, "moveVolumeToPlan", input).await;
        let both = [(GB, 0, Some(10)), (GB, 10, None)];
        assert_eq!(world.spans(began, &snapshot).await, both);
        let size = volume.size_bytes;
        assert_eq!(world.spans(began, backup.id).await, [(size, 10, None)]);
        // A volume that is written off takes its snapshots with it, but not its backups.
        world.wait_seconds(10);
        let target = Target::Volume(volume.id);
        write_off(&world.app, &admin, target, "volume", "gone")
            .await
            .unwrap();
        let ended = (GB, 10, Some(20));
        assert_eq!(world.spans(began, &snapshot).await.last(), Some(&ended));
        assert_eq!(world.spans(began, backup.id).await, [(size, 10, None)]);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_no_span_before_it_began() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let began = world.now();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        let name = world.snapshot_row(snapshot.parse().unwrap()).await.name;
        world.wait_seconds(-7200);
        let input = json!({ "snapshotId": snapshot, "confirmName": name });
        world.run(&alice.requester, "deleteSnapshot", input).await;
        assert_eq!(world.spans(began, &snapshot).await, [(GB, 0, Some(0))]);
    })
    .await;
}

#[tokio::test]
async fn what_fails_or_is_never_made_has_no_span() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input: Value = json!({ "volumeId": volume.id.to_string() });
        for mutation in ["createSnapshot", "createBackup"] {
            world.run(&alice.requester, mutation, input.clone()).await;
            let work = world.worker().claim_one().await;
            assert!(world.worker().fail(&work, false).await);
        }
        let items = billing_item::Entity::find()
            .all(world.app.database.writes())
            .await
            .unwrap();
        assert_eq!(items, []);
    })
    .await;
}
