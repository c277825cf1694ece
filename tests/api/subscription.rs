//! Streams: the state first, then every change, and nothing stale whatever is lost.

mod cause;
mod hypervisor;
mod progress;
mod shared;
mod timeline;
mod watched;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidemark::{domain::token, events::Topic};
use tokio::time::Instant;

use crate::harness::{on, on_each_database};

const PROGRESS: &str = "subscription($id: ID!) { operationProgress(operationId: $id) {
    status progress { phase percent bytesDone bytesTotal } error { code } } }";
const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
    volume { status usage { snapshots } } operation { id status } cooldown { remainingSeconds }
    serverTime } }";
const COOLDOWN: &str = "subscription($id: ID!) { cooldown(volumeId: $id) {
    volumeId cooldown { endsAt remainingSeconds } serverTime } }";
const EVENTS: &str = "subscription($after: String) { operationEvents(after: $after) {
    cursor kind actor operation { id status } } }";

#[tokio::test]
async fn a_watched_operation_goes_from_pending_to_completed_and_its_stream_ends() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&by, "createBackup", on("volumeId", volume.id))
            .await;
        let operation = payload["operation"]["id"].as_str().unwrap();
        let mut stream = world.watch(&by, PROGRESS, on("id", operation));
        assert_eq!(stream.next().await["status"], "PENDING");
        let agent = world.worker();
        let work = agent.claim_one().await;
        assert_eq!(stream.next().await["status"], "STARTED");
        agent.report(&work, "Uploading", 512, 1024).await;
        let event = stream.next().await;
        let progress = json!({
            "phase": "Uploading", "percent": 50.0, "bytesDone": 512, "bytesTotal": 1024,
        });
        assert_eq!(event["progress"], progress);
        agent.report(&work, "Uploading", 1024, 1024).await;
        let event = stream.next().await;
        assert_eq!(event["progress"]["bytesDone"], 1024);
        assert_eq!(
            event["progress"]["percent"], 99.9,
            "whole only once committed"
        );
        assert!(agent.complete(&work).await);
        let event = stream.next().await;
        assert_eq!(event["status"], "COMPLETED");
        assert_eq!(event["progress"]["percent"], 100.0);
        stream.end().await;

        let mut late = world.watch(&by, PROGRESS, on("id", operation));
        assert_eq!(late.next().await["status"], "COMPLETED");
        late.end().await;
    })
    .await;
}

#[tokio::test]
async fn failure_and_cancellation_are_delivered_and_end_the_stream() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let agent = world.worker();
        for status in ["FAILED", "CANCELLED"] {
            let volume = world.volume(&alice, |_| {}).await;
            let payload = world
                .run(&by, "createBackup", on("volumeId", volume.id))
                .await;
            let operation = payload["operation"]["id"].as_str().unwrap();
            let mut stream = world.watch(&by, PROGRESS, on("id", operation));
            stream.next().await;
            if status == "FAILED" {
                assert!(agent.fail(&agent.claim_one().await, false).await);
            } else {
                world
                    .run(&by, "cancelOperation", on("operationId", operation))
                    .await;
            }
            stream.until(|event| event["status"] == status).await;
            stream.end().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_at_most_four_times_a_second_and_never_goes_back() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        world
            .run(&by, "createBackup", on("volumeId", volume.id))
            .await;
        let work = world.worker().claim_one().await;
        world
            .worker()
            .report(&work, "Uploading", 1, 1_000_000)
            .await;
        let mut stream = world.watch(&by, PROGRESS, on("id", &work.operation));
        stream.next().await;
        let reporter = tokio::spawn({
            let (world, work) = (world.clone(), work.clone());
            async move {
                for done in 2_u64.. {
                    // Every other report is late.
                    let done = if done % 2 == 0 { done } else { done / 2 };
                    world
                        .worker()
                        .report(&work, "Uploading", done, 1_000_000_000)
                        .await;
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut last = (Instant::now(), 0);
        for number in 0..4 {
            let event = stream.next().await;
            let done = event["progress"]["bytesDone"].as_u64().unwrap();
            assert!(done >= last.1, "{done} after {}", last.1);
            if number > 0 {
                // Between two readings, as the reader sees them, lies a little less than between
                // the two writings.
                let apart = last.0.elapsed();
                assert!(apart >= Duration::from_millis(200), "{apart:?}");
            }
            last = (Instant::now(), done);
        }
        reporter.abort();
    })
    .await;
}

#[tokio::test]
async fn a_volumes_activity_shows_what_holds_it_and_the_ended_operation_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut stream = world.watch(&by, ACTIVITY, on("id", volume.id));
        let event = stream.next().await;
        assert_eq!(event["operation"], Value::Null);
        assert_eq!(event["cooldown"], Value::Null);
        assert_eq!(event["serverTime"], "2026-09-21T14:13:20.000Z");
        let payload = world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        let event = stream.next().await;
        assert_eq!(event["operation"]["id"], payload["operation"]["id"]);
        assert_eq!(event["operation"]["status"], "PENDING");
        let agent = world.worker();
        let work = agent.claim_one().await;
        let event = stream
            .until(|event| event["operation"]["status"] == "STARTED")
            .await;
        assert_eq!(event["volume"]["usage"]["snapshots"], 1);
        assert!(agent.complete(&work).await);
        let event = stream.next().await;
        assert_eq!(event["operation"]["status"], "COMPLETED");
        assert_eq!(event["cooldown"]["remainingSeconds"], 300);
        world.wait_seconds(300);
        world.app.hub.wake([Topic::Volume(volume.id)]);
        let event = stream.next().await;
        assert_eq!(event["operation"], Value::Null, "it was told once");
        assert_eq!(event["cooldown"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn the_banner_tells_of_the_instance_that_a_volume_is_attached_to() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let instance = world.instance(&alice, |_| {}).await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
            volume { attachedTo { status } } } }";
        let mut stream = world.watch(&by, document, on("id", volume.id));
        let event = stream.next().await;
        assert_eq!(event["volume"]["attachedTo"], Value::Null);
        let to =
            json!({ "volumeId": volume.id.to_string(), "instanceId": instance.id.to_string() });
        world.run(&by, "attachVolume", to).await;
        let event = stream.next().await;
        assert_eq!(event["volume"]["attachedTo"]["status"], "RUNNING");
        for (mutation, status) in [("stopInstance", "STOPPED"), ("startInstance", "RUNNING")] {
            world
                .run(&by, mutation, on("instanceId", instance.id))
                .await;
            let event = stream.next().await;
            assert_eq!(event["volume"]["attachedTo"]["status"], status);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cooldown_ticks_down_ends_in_null_and_begins_anew_with_the_next() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut stream = world.watch(&by, COOLDOWN, on("id", volume.id));
        let free = stream.next().await;
        assert_eq!(free["volumeId"], volume.id.to_string());
        assert_eq!(free["cooldown"], Value::Null);
        for _ in 0..2 {
            world
                .run(&by, "createSnapshot", on("volumeId", volume.id))
                .await;
            world.work().await;
            let tick = stream.until(|tick| tick["cooldown"].is_object()).await;
            assert_eq!(tick["cooldown"]["remainingSeconds"], 300);
            world.wait_seconds(100);
            let tick = stream
                .until(|tick| tick["cooldown"]["remainingSeconds"] != 300)
                .await;
            assert_eq!(tick["cooldown"]["remainingSeconds"], 200);
            world.wait_seconds(200);
            stream.until(|tick| tick["cooldown"].is_null()).await;
            assert!(
                stream.is_silent().await,
                "nothing ticks while the volume is free"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn ticks_come_every_1_to_60_seconds() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let document = "subscription($id: ID!, $every: Int) {
            cooldown(volumeId: $id, everySeconds: $every) { volumeId } }";
        for every in [0, -1, 61] {
            let variables = json!({ "id": volume.id.to_string(), "every": every });
            let stream = world.watch(&by, document, variables);
            assert_eq!(stream.refusal().await, "INVALID_INPUT", "{every}");
        }
        for every in [json!(1), json!(60), Value::Null] {
            let variables = json!({ "id": volume.id.to_string(), "every": every });
            world.watch(&by, document, variables).next().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_revoked_or_expired_token_ends_its_streams() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        for document in [ACTIVITY, COOLDOWN, EVENTS] {
            let by = world.signed_in(&alice.requester).await;
            let mut stream = world.watch(&by, document, on("id", volume.id));
            if document == EVENTS {
                assert!(stream.is_silent().await);
            } else {
                stream.next().await;
            }
            token::revoke(&world.app, by.token().unwrap())
                .await
                .unwrap();
            assert_eq!(stream.refusal().await, "UNAUTHENTICATED", "{document}");
        }
        let by = world.signed_in(&alice.requester).await;
        let mut stream = world.watch(&by, ACTIVITY, on("id", volume.id));
        stream.next().await;
        let ends_at = world.now().to_rfc3339();
        let token = by.token().unwrap();
        world
            .by_hand(&format!(
                "UPDATE tokens SET expires_at = '{ends_at}' WHERE id = '{token}'"
            ))
            .await;
        world.app.hub.wake([Topic::User(alice.user.id)]);
        assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn a_lost_wake_up_is_healed_by_the_next_reading() {
    on_each_database(async |world| {
        let world = world.with_settings(|settings| {
            settings.stream_refresh = Duration::from_millis(50);
        });
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        let operation = payload["operation"]["id"].as_str().unwrap();
        let mut activity = world.watch(&by, ACTIVITY, on("id", volume.id));
        let mut progress = world.watch(&by, PROGRESS, on("id", operation));
        activity.next().await;
        progress.next().await;
        // Another process wrote this: nobody in this one was told.
        world
            .by_hand(&format!(
                "UPDATE operations SET phase = 'Elsewhere' WHERE id = '{operation}'"
            ))
            .await;
        world.by_hand("UPDATE volumes SET name = 'renamed'").await;
        let event = progress.next().await;
        assert_eq!(event["progress"]["phase"], "Elsewhere");
        activity.next().await;
    })
    .await;
}

#[tokio::test]
async fn what_another_account_owns_cannot_be_watched() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let by = world.signed_in(&bob.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(
                &alice.requester,
                "createSnapshot",
                on("volumeId", volume.id),
            )
            .await;
        let operation = payload["operation"]["id"].as_str().unwrap();
        let unknown = "0190a0a0-0000-7000-8000-000000000000";
        for (document, foreign) in [
            (PROGRESS, operation.to_owned()),
            (ACTIVITY, volume.id.to_string()),
            (COOLDOWN, volume.id.to_string()),
        ] {
            let mut answers = Vec::new();
            for id in [foreign.as_str(), unknown, "no id"] {
                let mut stream = world.watch(&by, document, on("id", id));
                answers.push(stream.next_answer().await.unwrap());
                stream.end().await;
            }
            assert_eq!(answers[0]["errors"][0]["extensions"]["code"], "NOT_FOUND");
            assert!(
                answers.iter().all(|answer| *answer == answers[0]),
                "{answers:#?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn streams_outlive_a_database_that_is_away() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let agent = world.enrolled().await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = world.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        let mut events = world.watch(&by, EVENTS, json!({}));
        assert!(events.is_silent().await);
        let mut work = world.watch(
            &agent,
            "subscription { agentWork { claimable } }",
            json!({}),
        );
        work.next().await;

        world.by_hand("ALTER TABLE tokens RENAME TO away").await;
        let hypervisor = world.platform.hypervisor.id;
        world.app.hub.wake([
            Topic::Volume(volume.id),
            Topic::EventsOf(alice.account.id),
            // Its agent is looked up anew.
            Topic::Agent(hypervisor),
            Topic::Work(hypervisor),
        ]);
        assert!(activity.is_silent().await);
        assert!(events.is_silent().await);
        assert!(work.is_silent().await);
        world.by_hand("ALTER TABLE away RENAME TO tokens").await;

        world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        assert_eq!(activity.next().await["operation"]["status"], "PENDING");
        assert_eq!(events.next().await["kind"], "ACCEPTED");
        work.until(|event| event["claimable"] == 1).await;
    })
    .await;
}
