//! Progress between two phases: from memory to those who watch, seldom to the row, and never backwards.

use std::time::Duration;

use entity::operation::OperationStatus;
use serde_json::json;
use tidemark::{
    domain::{Requester, operation::progress, token},
    events::Topic,
};

use super::{ACTIVITY, PROGRESS};
use crate::harness::{Work, World, on, on_each_database, on_postgres_alone};

const BYTES: &str = "subscription($id: ID!) { operationProgress(operationId: $id) {
    status progress { bytesDone } } }";

/// A backup of a volume that is under way, of which the gateway has begun to believe the reports.
async fn under_way(world: &World, done: u64) -> (Requester, entity::VolumeId, Work) {
    let alice = world.tenant("alice").await;
    let by = world.signed_in(&alice.requester).await;
    let volume = world.volume(&alice, |_| {}).await;
    world
        .run(&by, "createBackup", on("volumeId", volume.id))
        .await;
    let work = world.worker().claim_one().await;
    for done in [1, done] {
        let state = world.worker().report(&work, "Uploading", done, 1000).await;
        assert_eq!(state, "HELD");
    }
    (by, volume.id, work)
}

#[tokio::test]
async fn progress_between_phases_asks_the_database_nothing() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        let mut stream = world.watch(&by, BYTES, on("id", &work.operation));
        assert_eq!(stream.next().await["progress"]["bytesDone"], 2);
        // The first one looks once until when the token lasts.
        world.worker().report(&work, "Uploading", 3, 1000).await;
        assert_eq!(stream.next().await["progress"]["bytesDone"], 3);
        world.statements();
        for done in 4..8 {
            world.worker().report(&work, "Uploading", done, 1000).await;
            assert_eq!(stream.next().await["progress"]["bytesDone"], done);
        }
        assert_eq!(world.statements(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_banner_tells_of_progress_and_its_clock_goes_on() {
    on_each_database(async |world| {
        let (by, volume, work) = under_way(&world, 2).await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
            serverTime operation { progress { bytesDone } } } }";
        let mut stream = world.watch(&by, document, on("id", volume));
        stream.next().await;
        world.wait_seconds(3);
        world.worker().report(&work, "Uploading", 700, 1000).await;
        let event = stream.next().await;
        assert_eq!(event["operation"]["progress"]["bytesDone"], 700);
        assert_eq!(event["serverTime"], "2026-09-21T14:13:23.000Z");
        assert_eq!(
            world.watch(&by, ACTIVITY, on("id", volume)).next().await["operation"]["status"],
            "STARTED"
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_told_is_written_within_seconds_and_before_it_is_nothing_goes_back() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        let mut stream = world.watch(&by, PROGRESS, on("id", &work.operation));
        stream.next().await;
        world.worker().report(&work, "Uploading", 700, 1000).await;
        assert_eq!(stream.next().await["progress"]["bytesDone"], 700);
        let row = world.operation_row(work.id()).await;
        assert_eq!(row.bytes_done, 2, "the row is written seldom");
        // Whoever reads the row now is told no less.
        world.app.hub.wake([Topic::Operation(work.id())]);
        assert!(stream.is_silent().await);
        let query = format!(
            "{{ operation(id: \"{}\") {{ progress {{ bytesDone }} }} }}",
            work.operation
        );
        let told = world.data(&by, &query).await;
        assert_eq!(told["operation"]["progress"]["bytesDone"], 700);
        let mut late = world.watch(&by, BYTES, on("id", &work.operation));
        assert_eq!(late.next().await["progress"]["bytesDone"], 700);

        progress::keep(&world.app).await.unwrap();
        let row = world.operation_row(work.id()).await;
        assert_eq!(
            (row.bytes_done, row.bytes_total, row.progressed_at),
            (700, 1000, Some(world.now()))
        );
        world.statements();
        progress::keep(&world.app).await.unwrap();
        assert_eq!(world.statements(), 0, "nothing is new");
    })
    .await;
}

#[tokio::test]
async fn how_far_it_came_is_kept_when_it_fails() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        world.worker().report(&work, "Uploading", 700, 1000).await;
        let mut stream = world.watch(&by, BYTES, on("id", &work.operation));
        stream.next().await;
        assert!(world.worker().fail(&work, false).await);
        let event = stream.next().await;
        assert_eq!(
            event,
            json!({ "status": "FAILED", "progress": { "bytesDone": 700 } })
        );
        stream.end().await;
        // What is written late changes nothing of it.
        progress::keep(&world.app).await.unwrap();
        let row = world.operation_row(work.id()).await;
        assert_eq!((row.status, row.bytes_done), (OperationStatus::Failed, 700));
    })
    .await;
}

#[tokio::test]
async fn an_agent_hears_at_its_next_report_that_it_shall_stop_or_has_lost_its_lease() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        let agent = world.worker();
        world
            .run(&by, "cancelOperation", on("operationId", &work.operation))
            .await;
        for done in 3..6 {
            let state = agent.report(&work, "Uploading", done, 1000).await;
            assert_eq!(state, "CANCEL");
        }
        world.wait_seconds(90);
        world.clean_up().await;
        assert_eq!(agent.report(&work, "Uploading", 7, 1000).await, "LOST");
        let row = world.operation_row(work.id()).await;
        progress::keep(&world.app).await.unwrap();
        assert_eq!(world.operation_row(work.id()).await, row);
    })
    .await;
}

#[tokio::test]
async fn an_agent_hears_what_this_gateway_was_not_told_when_its_progress_is_written() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        let agent = world.worker();
        assert_eq!(agent.report(&work, "Uploading", 3, 1000).await, "HELD");
        // Another gateway, and no bus between them.
        world
            .other_gateway()
            .run(&by, "cancelOperation", on("operationId", &work.operation))
            .await;
        assert_eq!(agent.report(&work, "Uploading", 4, 1000).await, "HELD");
        progress::keep(&world.app).await.unwrap();
        assert_eq!(agent.report(&work, "Uploading", 5, 1000).await, "CANCEL");
    })
    .await;
}

#[tokio::test]
async fn what_another_agent_says_of_a_lease_is_not_believed() {
    on_each_database(async |world| {
        let (_, _, work) = under_way(&world, 2).await;
        let elsewhere = world
            .hypervisor(|row| row.name = sea_orm::Set("elsewhere".to_owned()))
            .await;
        let stranger = world.worker_of(elsewhere);
        assert_eq!(stranger.report(&work, "Uploading", 900, 1000).await, "LOST");
        let old = Work {
            epoch: work.epoch - 1,
            ..work.clone()
        };
        let agent = world.worker();
        assert_eq!(agent.report(&old, "Uploading", 900, 1000).await, "LOST");
        assert_eq!(agent.report(&work, "Uploading", 3, 1000).await, "HELD");
        progress::keep(&world.app).await.unwrap();
        assert_eq!(world.operation_row(work.id()).await.bytes_done, 3);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_ends_ends_the_stream_of_progress() {
    on_each_database(async |world| {
        let (by, _, work) = under_way(&world, 2).await;
        let mut stream = world.watch(&by, BYTES, on("id", &work.operation));
        stream.next().await;
        world.worker().report(&work, "Uploading", 3, 1000).await;
        stream.next().await;
        token::revoke(&world.app, by.token().unwrap())
            .await
            .unwrap();
        world.worker().report(&work, "Uploading", 4, 1000).await;
        assert_eq!(stream.refusal().await, "UNAUTHENTICATED");

        let by = world.signed_in(&by).await;
        let ends_at = (world.now() + Duration::from_secs(1)).to_rfc3339();
        let token = by.token().unwrap();
        world
            .by_hand(&format!(
                "UPDATE tokens SET expires_at = '{ends_at}' WHERE id = '{token}'"
            ))
            .await;
        let mut stream = world.watch(&by, BYTES, on("id", &work.operation));
        stream.next().await;
        world.worker().report(&work, "Uploading", 5, 1000).await;
        stream.next().await;
        world.wait_seconds(1);
        let mut done = 5;
        let code = loop {
            done += 1;
            world.worker().report(&work, "Uploading", done, 1000).await;
            let answer = stream.next_answer().await.unwrap();
            if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
                break code.to_owned();
            }
        };
        assert_eq!(code, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_that_is_reported_at_one_gateway_shows_at_the_other() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let (by, _, work) = under_way(&world, 2).await;
        let mut stream = other.watch(&by, BYTES, on("id", &work.operation));
        stream.next().await;
        for done in [300, 700] {
            world.worker().report(&work, "Uploading", done, 1000).await;
            let told = stream
                .until(|told| told["progress"]["bytesDone"] == done)
                .await;
            assert_eq!(told["status"], "STARTED");
        }
        assert_eq!(world.operation_row(work.id()).await.bytes_done, 2);
        // The agent goes on at the other one.
        let state = other.worker().report(&work, "Uploading", 650, 1000).await;
        assert_eq!(state, "HELD");
        assert_eq!(world.operation_row(work.id()).await.bytes_done, 700);
    })
    .await;
}
