//! The cleanup: deadlines, rows failed by hand, locks left over, and clocks set back.

use entity::{
    operation::OperationStatus, operation_event::OperationEventKind::*, snapshot::ItemStatus,
};
use serde_json::json;
use tidemark::domain::operation::recover::Repaired;

use crate::harness::{Tenant, World, id, on_each_database};

/// A volume of which a snapshot was asked for, and the answer.
async fn asked(world: &World, alice: &Tenant) -> (entity::volume::Model, serde_json::Value) {
    let volume = world.volume(alice, |_| {}).await;
    let input = json!({ "volumeId": volume.id.to_string() });
    let payload = world.run(&alice.requester, "createSnapshot", input).await;
    (volume, payload)
}

#[tokio::test]
async fn an_operation_that_nobody_took_times_out_after_two_hours() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, payload) = asked(&world, &alice).await;
        world.wait_seconds(7199);
        assert_eq!(world.clean_up().await, Repaired::default());
        world.wait_seconds(1);
        assert_eq!(world.clean_up().await.timed_out, 1);
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.status, OperationStatus::Failed);
        assert_eq!(operation.error_code.as_deref(), Some("TIMED_OUT"));
        assert_eq!(operation.finished_at, Some(world.now()));
        let snapshot = world.snapshot_row(id(&payload["snapshot"])).await;
        assert_eq!(snapshot.status, ItemStatus::Failed);
        assert_eq!(
            snapshot.failure.as_deref(),
            Some("Did not end within 7200 seconds.")
        );
        let row = world.volume_row(volume.id).await;
        assert_eq!(
            (row.active_operation, row.active_operation_id),
            (None, None)
        );
        assert_eq!(row.cooldown_ends_at, None);
        assert_eq!(world.clean_up().await, Repaired::default(), "a second time");
    })
    .await;
}

#[tokio::test]
async fn an_operation_that_times_out_under_a_living_agent_keeps_its_lock_until_that_stops() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _) = asked(&world, &alice).await;
        world.wait_seconds(7150);
        let agent = world.worker();
        let work = agent.claim_one().await;
        world.wait_seconds(50);
        assert_eq!(world.clean_up().await.timed_out, 1);
        assert!(
            world
                .volume_row(volume.id)
                .await
                .active_operation_id
                .is_some()
        );
        assert_eq!(agent.renew(&work).await, "LOST");
        assert!(!agent.complete(&work).await);
        assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
        let operation = world.operation_row(work.id()).await;
        assert_eq!(operation.status, OperationStatus::Failed);
        let snapshot = world.snapshot_row(operation.snapshot_id.unwrap()).await;
        assert_eq!(snapshot.status, ItemStatus::Failed);
        assert_eq!(world.history(work.id()).await, [Accepted, Started, Failed]);
    })
    .await;
}

#[tokio::test]
async fn a_row_failed_by_hand_ends_as_if_the_gateway_had_failed_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let statements = [
            "UPDATE operations SET status = 'failed'",
            "UPDATE operations SET status = 'failed', error_message = 'gave up'",
            "UPDATE operations SET status = 'failed', finished_at = created_at",
            "UPDATE operations SET status = 'completed'",
        ];
        for statement in statements {
            let (volume, payload) = asked(&world, &alice).await;
            let operation = payload["operation"]["id"].as_str().unwrap();
            world
                .by_hand(&format!("{statement} WHERE id = '{operation}'"))
                .await;
            assert_ne!(world.clean_up().await, Repaired::default(), "{statement}");
            let row = world.operation_row(operation.parse().unwrap()).await;
            assert_eq!(row.status, OperationStatus::Failed, "{statement}");
            assert!(row.finished_at.is_some());
            let snapshot = world.snapshot_row(id(&payload["snapshot"])).await;
            assert_eq!(snapshot.status, ItemStatus::Failed, "{statement}");
            assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
            assert_eq!(
                world.history(row.id).await,
                [Accepted, Failed],
                "{statement}"
            );
            assert_eq!(world.clean_up().await, Repaired::default(), "a second time");
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_failed_by_hand_under_a_living_agent_keeps_its_lock() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _) = asked(&world, &alice).await;
        let work = world.worker().claim_one().await;
        world
            .by_hand("UPDATE operations SET status = 'failed'")
            .await;
        assert_eq!(world.clean_up().await.by_hand, 1);
        assert!(
            world
                .volume_row(volume.id)
                .await
                .active_operation_id
                .is_some()
        );
        assert_eq!(world.worker().renew(&work).await, "LOST");
        world.wait_seconds(90);
        world.clean_up().await;
        assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
    })
    .await;
}

#[tokio::test]
async fn a_lock_without_an_operation_in_flight_is_freed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let ended = world
            .operation(
                &volume,
                entity::operation::OperationKind::CreateSnapshot,
                |_| {},
            )
            .await;
        let unknown = "0190a0a0-0000-7000-8000-000000000000".to_owned();
        let halves = [
            ("'create_snapshot'", format!("'{}'", ended.id)),
            ("'create_snapshot'", format!("'{unknown}'")),
            ("'create_snapshot'", "NULL".to_owned()),
            ("NULL", format!("'{unknown}'")),
        ];
        for (kind, operation) in halves {
            world
                .by_hand(&format!(
                    "UPDATE volumes SET active_operation = {kind}, \
                     active_operation_id = {operation} WHERE id = '{}'",
                    volume.id
                ))
                .await;
            assert_eq!(world.clean_up().await.locks, 1, "{kind} {operation}");
            let row = world.volume_row(volume.id).await;
            assert_eq!(
                (row.active_operation, row.active_operation_id),
                (None, None)
            );
            assert_eq!(row.cooldown_ends_at, None);
        }
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        assert_eq!(
            world.clean_up().await,
            Repaired::default(),
            "a lock in use stays"
        );
    })
    .await;
}

#[tokio::test]
async fn a_clock_set_back_makes_no_volume_rest_longer_than_the_setting() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, _) = asked(&world, &alice).await;
        world.work().await;
        world.wait_seconds(-86_400);
        world.clean_up().await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let error = world
            .refused(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(error["extensions"]["retryAfterSeconds"], 300);
        world.wait_seconds(300);
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn a_clock_set_back_keeps_no_dead_lease_alive_for_longer_than_the_setting() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        asked(&world, &alice).await;
        world.worker().claim_one().await;
        world.wait_seconds(-86_400);
        world.clean_up().await;
        world.wait_seconds(90);
        assert_eq!(world.clean_up().await.lost, 1);
    })
    .await;
}

#[tokio::test]
async fn the_cleanup_of_a_healthy_gateway_changes_nothing() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, payload) = asked(&world, &alice).await;
        let work = world.worker().claim_one().await;
        let before = (
            world.volume_row(volume.id).await,
            world.operation_row(work.id()).await,
            world.snapshot_row(id(&payload["snapshot"])).await,
        );
        for _ in 0..2 {
            assert_eq!(world.clean_up().await, Repaired::default());
        }
        let after = (
            world.volume_row(volume.id).await,
            world.operation_row(work.id()).await,
            world.snapshot_row(id(&payload["snapshot"])).await,
        );
        assert_eq!(before, after);
    })
    .await;
}

#[tokio::test]
async fn a_restore_in_place_that_died_and_timed_out_leaves_its_volume_inconsistent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let input = json!({
            "volumeId": volume.id.to_string(),
            "source": { "snapshotId": snapshot.id.to_string() },
            "confirmName": volume.name,
        });
        world.run(&alice.requester, "restoreInPlace", input).await;
        world.worker().claim_one().await;
        // The host lost its power, and nothing ran for longer than lease and deadline together.
        world.wait_seconds(3 * 60 * 60);
        assert_eq!(world.clean_up().await.timed_out, 1);
        let row = world.volume_row(volume.id).await;
        assert_eq!(row.data_state, entity::volume::DataState::Inconsistent);
        assert_eq!(row.active_operation_id, None);
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_stops_in_order_uses_up_no_attempt() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, payload) = asked(&world, &alice).await;
        for _ in 0..5 {
            let work = world.worker().claim_one().await;
            assert!(world.worker().stop(&work, false).await);
        }
        let work = world.worker().claim_one().await;
        assert!(world.worker().complete(&work).await);
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.status, OperationStatus::Completed);
    })
    .await;
}
