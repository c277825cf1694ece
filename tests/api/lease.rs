//! Leases: who holds an operation, until when, and what a late report is worth.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use entity::{
    operation::OperationStatus,
    operation_event::OperationEventKind::*,
    snapshot::ItemStatus,
    volume::{DataState, VolumeState},
};
use sea_orm::{ActiveModelTrait, DbBackend, Set};
use serde_json::{Value, json};
use tidemark::domain::{
    Clock,
    operation::recover::{Repaired, recover},
};

use crate::harness::{Tenant, Work, World, on, on_each_database};

/// A snapshot that an agent has just started to take.
async fn started(world: &World, alice: &Tenant) -> (entity::volume::Model, Work) {
    let volume = world.volume(alice, |_| {}).await;
    let input = json!({ "volumeId": volume.id.to_string() });
    world.run(&alice.requester, "createSnapshot", input).await;
    (volume, world.worker().claim_one().await)
}

#[tokio::test]
async fn a_lease_lasts_ninety_seconds_from_its_last_renewal() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        assert_eq!(work.assignment["leaseSeconds"], 90);
        let agent = world.worker();
        for _ in 0..5 {
            world.wait_seconds(89);
            assert_eq!(agent.renew(&work).await, "HELD");
            assert_eq!(world.clean_up().await, Repaired::default());
        }
        world.wait_seconds(90);
        assert_eq!(world.clean_up().await.lost, 1);
        assert_eq!(agent.renew(&work).await, "LOST");
    })
    .await;
}

#[tokio::test]
async fn no_lease_is_lost_until_the_databases_server_has_been_there_for_as_long_as_one_lasts() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        let id = work.operation.parse().unwrap();
        let mut row: entity::operation::ActiveModel = world.operation_row(id).await.into();
        row.deadline_at = Set(DateTime::from_timestamp(4_000_000_000, 0));
        row.update(world.app.database.writes()).await.unwrap();
        let lost_where_leases_last = async |lease| {
            // By the clock of the database it ended long ago.
            let mut app = world.app.clone();
            app.clock = Clock::Database;
            Arc::make_mut(&mut app.settings).lease = lease;
            recover(&app).await.unwrap().lost
        };
        // No server has been there for 30 years.
        let lost = lost_where_leases_last(Duration::from_hours(24 * 365 * 30)).await;
        let is_server = world.app.database.backend() == DbBackend::Postgres;
        assert_eq!(lost, u64::from(!is_server));
        let lost = lost_where_leases_last(Duration::from_millis(1)).await;
        assert_eq!(lost, u64::from(is_server));
    })
    .await;
}

#[tokio::test]
async fn a_lost_operation_waits_for_its_next_attempt_under_the_next_epoch() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, first) = started(&world, &alice).await;
        let agent = world.worker();
        agent.report(&first, "Working", 10, 100).await;
        world.wait_seconds(90);
        world.clean_up().await;
        let row = world.operation_row(first.id()).await;
        assert_eq!((row.status, row.bytes_done), (OperationStatus::Pending, 0));
        assert_eq!(
            world.snapshot_row(row.snapshot_id.unwrap()).await.status,
            ItemStatus::Pending
        );
        assert!(
            world
                .volume_row(volume.id)
                .await
                .active_operation_id
                .is_some()
        );
        let second = agent.claim_one().await;
        assert_eq!((first.epoch, second.epoch), (1, 2));
        assert_eq!(second.assignment["attempt"], 2);

        // What the first attempt still says changes nothing.
        let before = world.operation_row(first.id()).await;
        assert_eq!(agent.renew(&first).await, "LOST");
        assert_eq!(agent.report(&first, "Late", 99, 100).await, "LOST");
        assert!(!agent.complete(&first).await);
        assert!(!agent.fail(&first, true).await);
        assert!(!agent.stop(&first, true).await);
        assert_eq!(world.operation_row(first.id()).await, before);

        assert!(agent.complete(&second).await);
        assert!(!agent.complete(&second).await, "twice");
        let history = world.history(first.id()).await;
        let expected = [Accepted, Started, Progressed, Requeued, Started, Completed];
        assert_eq!(history, expected);
    })
    .await;
}

#[tokio::test]
async fn three_lost_attempts_fail_the_operation() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, work) = started(&world, &alice).await;
        let agent = world.worker();
        agent.renew(&work).await;
        for attempt in 1..=3 {
            world.wait_seconds(90);
            world.clean_up().await;
            let document = format!(
                "{{ operation(id: \"{}\") {{ attempt maxAttempts }} }}",
                work.operation
            );
            let told = world.data(&alice.requester, &document).await;
            let expected = json!({ "attempt": (attempt + 1).min(3), "maxAttempts": 3 });
            assert_eq!(told["operation"], expected);
            let again = agent.claim().await;
            assert_eq!(again.len(), usize::from(attempt < 3));
            for work in again {
                agent.renew(&work).await;
            }
        }
        let document = format!(
            "{{ operation(id: \"{}\") {{ status error {{ code message }} snapshot {{ status failure }} }} }}",
            work.operation
        );
        let data = world.data(&alice.requester, &document).await;
        let message = "The hypervisor's agent was lost during all 3 attempts.";
        assert_eq!(data["operation"]["status"], "FAILED");
        assert_eq!(data["operation"]["error"]["code"], "AGENT_LOST");
        assert_eq!(data["operation"]["error"]["message"], message);
        assert_eq!(data["operation"]["snapshot"]["status"], "FAILED");
        assert_eq!(data["operation"]["snapshot"]["failure"], message);
        let row = world.volume_row(volume.id).await;
        assert_eq!((row.active_operation_id, row.cooldown_ends_at), (None, None));
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_starts_anew_gets_its_work_back_at_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, first) = started(&world, &alice).await;
        let agent = world.worker();
        agent.hello().await;
        let second = agent.claim_one().await;
        assert_eq!(second.operation, first.operation);
        assert_eq!(second.epoch, 2);
        assert!(agent.complete(&second).await);
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_stops_of_its_own_accord_hands_its_work_back() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, first) = started(&world, &alice).await;
        let agent = world.worker();
        assert!(agent.stop(&first, false).await);
        let second = agent.claim_one().await;
        assert_eq!(second.epoch, 2);
        assert_eq!(
            world.history(first.id()).await,
            [Accepted, Started, Requeued, Started]
        );
    })
    .await;
}

#[tokio::test]
async fn an_operation_failed_from_outside_keeps_its_lock_until_the_agent_has_stopped() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let (volume, work) = started(&world, &alice).await;
        let give_up = json!({ "operationId": work.operation, "reason": "stuck" });
        let payload = world.run(&admin, "failOperation", give_up.clone()).await;
        assert_eq!(payload["operation"]["status"], "FAILED");
        let error = &payload["operation"]["error"];
        assert_eq!(error["code"], "FAILED_BY_ADMINISTRATOR");
        assert_eq!(error["message"], "Marked failed by an administrator: stuck");
        world.clean_up().await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let error = world
            .refused(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(error["extensions"]["code"], "VOLUME_BUSY");
        assert_eq!(error["extensions"]["operationId"], work.operation);
        let agent = world.worker();
        assert_eq!(agent.renew(&work).await, "LOST");
        assert!(!agent.stop(&work, false).await, "it ended before");
        world.run(&alice.requester, "createSnapshot", input).await;
        let (code, _) = world.refusal(&admin, "failOperation", give_up).await;
        assert_eq!(code, "INVALID_INPUT");
        assert_eq!(world.history(work.id()).await, [Accepted, Started, Failed]);
    })
    .await;
}

#[tokio::test]
async fn an_operation_failed_from_outside_keeps_its_lock_until_its_lease_is_dead() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let (volume, work) = started(&world, &alice).await;
        let give_up = json!({ "operationId": work.operation, "reason": "stuck" });
        world.run(&admin, "failOperation", give_up).await;
        world.wait_seconds(89);
        world.clean_up().await;
        assert!(
            world
                .volume_row(volume.id)
                .await
                .active_operation_id
                .is_some()
        );
        world.wait_seconds(1);
        world.clean_up().await;
        assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
    })
    .await;
}

#[tokio::test]
async fn until_when_an_operation_failed_from_outside_holds_its_volume_is_told_until_it_does_not() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let admin = world.admin().await;
        for says_so in [true, false] {
            let (volume, work) = started(&world, &alice).await;
            let document = "subscription($id: ID!) { operationProgress(operationId: $id) {
                status revision heldUntil } }";
            let mut stream = world.watch(&by, document, on("id", &work.operation));
            let under_way = stream.next().await;
            assert_eq!(under_way["heldUntil"], Value::Null, "it has not ended");
            let give_up = json!({ "operationId": work.operation, "reason": "stuck" });
            let ends_at = world.now() + chrono::TimeDelta::seconds(90);
            world.run(&admin, "failOperation", give_up).await;
            let held = stream.until(|told| told["status"] == "FAILED").await;
            let until: chrono::DateTime<chrono::Utc> =
                held["heldUntil"].as_str().unwrap().parse().unwrap();
            assert_eq!(until, ends_at);
            let activity = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
                volume { id } operation { status heldUntil } } }";
            let mut activity = world.watch(&by, activity, on("id", volume.id));
            let told = activity.next().await;
            assert_eq!(told["operation"]["heldUntil"], held["heldUntil"]);
            if says_so {
                assert!(!world.worker().stop(&work, false).await);
            } else {
                world.wait_seconds(90);
                world.clean_up().await;
            }
            let free = stream.next().await;
            assert_eq!(free["heldUntil"], Value::Null);
            let revision = |told: &Value| told["revision"].as_i64().unwrap();
            assert!(revision(&free) > revision(&held));
            stream.end().await;
            activity
                .until(|told| told["operation"]["heldUntil"].is_null())
                .await;
            assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_failed_from_outside_is_inconsistent_unless_its_agent_says_otherwise() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let cases = [
            (Some(false), DataState::Consistent),
            (Some(true), DataState::Inconsistent),
            (None, DataState::Inconsistent),
        ];
        for (said, expected) in cases {
            let volume = world.volume(&alice, |_| {}).await;
            let backup = world.backup(&volume, |_| {}).await;
            let input = json!({
                "volumeId": volume.id.to_string(),
                "source": { "backupId": backup.id.to_string() },
                "confirmName": "volume",
            });
            world.run(&alice.requester, "restoreInPlace", input).await;
            let agent = world.worker();
            let work = agent.claim_one().await;
            let give_up = json!({ "operationId": work.operation, "reason": "stuck" });
            world.run(&admin, "failOperation", give_up).await;
            if let Some(touched) = said {
                assert!(!agent.stop(&work, touched).await);
            } else {
                world.wait_seconds(90);
                world.clean_up().await;
            }
            let row = world.volume_row(volume.id).await;
            assert_eq!(
                (row.data_state, row.active_operation_id),
                (expected, None),
                "{said:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_agent_gets_and_reports_only_its_own_hypervisors_operations() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        let stranger = world
            .hypervisor(|row| row.name = sea_orm::Set("far".to_owned()))
            .await;
        let stranger = world.worker_of(stranger);
        assert!(stranger.claim().await.is_empty());
        assert_eq!(stranger.renew(&work).await, "LOST");
        assert_eq!(stranger.report(&work, "Mine", 1, 2).await, "LOST");
        assert!(!stranger.complete(&work).await);
        assert_eq!(world.worker().renew(&work).await, "HELD");
    })
    .await;
}

#[tokio::test]
async fn a_claim_takes_the_oldest_first_and_no_more_than_asked() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut asked = Vec::new();
        for _ in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let payload = world.run(&alice.requester, "createSnapshot", input).await;
            asked.push(payload["operation"]["id"].as_str().unwrap().to_owned());
        }
        let agent = world.worker();
        let mut got = Vec::new();
        for limit in [0, 2, 5, 5] {
            let works = agent.claim_up_to(limit).await;
            got.push(
                works
                    .into_iter()
                    .map(|work| work.operation)
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(
            got,
            [vec![], asked[..2].to_vec(), asked[2..].to_vec(), vec![]]
        );
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_writes_is_kept_whatever_it_contains() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        let agent = world.worker();
        let long = "x".repeat(100_000);
        for line in ["plain", "nul \0 and \u{1b}[31m", "שלום 🌊", &long] {
            assert_eq!(agent.log(&work, line).await, "HELD");
        }
        let failed = json!({ "failed": {
            "code": "STORAGE_FAILED", "message": "qemu-img said: \0\u{7}", "volumeTouched": false,
        } });
        assert!(agent.finish(&work, failed).await);
        let row = world.operation_row(work.id()).await;
        assert_eq!(row.status, OperationStatus::Failed);
        assert!(!row.error_message.unwrap().contains('\0'));
    })
    .await;
}

#[tokio::test]
async fn a_phase_with_control_characters_is_refused_and_changes_nothing() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        let long = "x".repeat(65);
        for phase in ["", "nul\0", "two\nlines", &long] {
            let code = world.worker().report_error(&work, phase).await;
            assert_eq!(code, "INVALID_INPUT", "{phase:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_attempt_to_make_a_volume_is_made_again() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let payload = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        let agent = world.worker();
        agent.claim_one().await;
        world.wait_seconds(90);
        world.clean_up().await;
        assert!(agent.complete(&agent.claim_one().await).await);
        let made = world
            .volume_row(crate::harness::id(&payload["volume"]))
            .await;
        assert_eq!(made.state, VolumeState::Available);
    })
    .await;
}

#[tokio::test]
async fn a_second_agent_with_the_same_token_does_not_end_the_leases_of_the_first() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.worker().hello().await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        let work = world.worker().claim_one().await;
        world.worker().hello_elsewhere().await;
        assert_eq!(world.worker().renew(&work).await, "HELD");
        assert!(world.worker().complete(&work).await);
    })
    .await;
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_offered_again_at_once_and_no_attempt_is_held_against_it()
{
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, lost) = started(&world, &alice).await;
        let agent = world.worker();
        // Whoever does not say what it holds may hold it.
        assert!(agent.claim().await.is_empty());
        assert!(agent.claim_holding(&[&lost]).await.is_empty());
        let again = agent.claim_holding(&[]).await;
        assert_eq!((&again[0].operation, again[0].epoch), (&lost.operation, 2));
        assert_eq!(agent.renew(&lost).await, "LOST");
        assert_eq!(agent.renew(&again[0]).await, "HELD");
        // It was heard of: until its lease is over it is that agent's.
        assert!(agent.claim_holding(&[]).await.is_empty());
        let row = world.operation_row(lost.id()).await;
        assert_eq!((row.offers, row.attempts), (0, 1));
        assert!(agent.complete(&again[0]).await);
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_never_takes_up_is_offered_five_times() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (volume, work) = started(&world, &alice).await;
        let agent = world.worker();
        for offer in 2..=5 {
            if offer % 2 == 0 {
                assert_eq!(agent.claim_holding(&[]).await.len(), 1, "{offer}");
            } else {
                world.wait_seconds(90);
                world.clean_up().await;
                assert_eq!(agent.claim().await.len(), 1, "{offer}");
            }
        }
        assert!(agent.claim_holding(&[]).await.is_empty());
        world.wait_seconds(90);
        world.clean_up().await;
        let row = world.operation_row(work.id()).await;
        assert_eq!(row.error_code.as_deref(), Some("AGENT_LOST"));
        let told = "The hypervisor's agent did not take it up in 5 offers.";
        assert_eq!(row.error_message.as_deref(), Some(told));
        assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
    })
    .await;
}

#[tokio::test]
async fn lines_of_a_log_that_are_sent_again_are_kept_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let (_, work) = started(&world, &alice).await;
        let agent = world.worker();
        assert_eq!(agent.log_from(&work, 1, &["one", "two"]).await, "HELD");
        assert_eq!(
            agent.log_from(&work, 1, &["one", "two", "three"]).await,
            "HELD"
        );
        assert_eq!(agent.log(&work, "without a number").await, "HELD");
        assert_eq!(agent.log(&work, "without a number").await, "HELD");
        let document = format!(
            "{{ operation(id: \"{}\") {{ logs {{ nodes {{ message }} }} }} }}",
            work.operation
        );
        let logs = &world.data(&alice.requester, &document).await["operation"]["logs"]["nodes"];
        let lines: Vec<_> = logs
            .as_array()
            .unwrap()
            .iter()
            .map(|line| &line["message"])
            .collect();
        let unnumbered = "without a number";
        assert_eq!(lines, ["one", "two", "three", unnumbered, unnumbered]);
    })
    .await;
}
