//! The stream of the timeline: none lost and none doubled, to those whose it is, and from no cursor that is gone.

use std::sync::Arc;

use entity::operation_event;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;
use tidemark::graphql::page::Cursor;

use super::EVENTS;
use crate::harness::{on, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_resumes_with_none_lost_and_none_doubled_under_parallel_writers() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let admin = world.signed_in(&world.admin().await).await;
        let mut writers = Vec::new();
        for number in 0..8 {
            let tenant = world.tenant(&format!("tenant{number}")).await;
            let volume = world.volume(&tenant, |_| {}).await;
            let world = world.clone();
            writers.push(tokio::spawn(async move {
                for _ in 0..6 {
                    let asked = on("volumeId", volume.id);
                    let payload = world.run(&tenant.requester, "createSnapshot", asked).await;
                    let cancel = on("operationId", payload["operation"]["id"].as_str().unwrap());
                    world
                        .run(&tenant.requester, "cancelOperation", cancel)
                        .await;
                }
            }));
        }
        // Reads a while, breaks off, and resumes where it was, until all has been read.
        let total = 8 * 6 * 2;
        let mut cursors: Vec<String> = Vec::new();
        let start = Cursor::of_event(0).encode();
        let mut after = start.clone();
        while cursors.len() < total {
            let mut stream = world.watch(&admin, EVENTS, json!({ "after": after }));
            for _ in 0..7.min(total - cursors.len()) {
                let event = stream.next().await;
                cursors.push(event["cursor"].as_str().unwrap().to_owned());
            }
            after = cursors.last().unwrap().clone();
        }
        for writer in writers {
            writer.await.unwrap();
        }
        world.settle().await;
        let events = operation_event::Entity::find()
            .order_by_asc(operation_event::Column::Seq)
            .all(world.app.database.writes())
            .await
            .unwrap();
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        let whole: Vec<_> = (1..=i64::try_from(total).unwrap()).collect();
        assert_eq!(numbers, whole, "no gaps");
        let of = |seq: i64| Cursor::of_event(seq).encode();
        let expected: Vec<_> = numbers.into_iter().map(of).collect();
        assert_eq!(cursors, expected);
    })
    .await;
}

#[tokio::test]
async fn the_timeline_shows_each_user_its_own_and_an_administrator_all() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.signed_in(&world.admin().await).await;
        let as_alice = world.signed_in(&alice.requester).await;
        let start = Cursor::of_event(0).encode();
        let mut own = world.watch(&as_alice, EVENTS, json!({ "after": start }));
        let mut all = world.watch(&admin, EVENTS, json!({ "after": start }));
        for tenant in [&bob, &alice] {
            let volume = world.volume(tenant, |_| {}).await;
            world
                .run(
                    &tenant.requester,
                    "createSnapshot",
                    on("volumeId", volume.id),
                )
                .await;
        }
        assert_eq!(own.next().await["actor"], "alice@example.test");
        assert!(own.is_silent().await);
        assert_eq!(all.next().await["actor"], "bob@example.test");
        assert_eq!(all.next().await["actor"], "alice@example.test");
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_from_its_cursor_says_so() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let cursor = |seq: i64| json!({ "after": Cursor::of_event(seq).encode() });
        // Before the first event there is nothing to miss.
        assert!(world.watch(&by, EVENTS, cursor(0)).is_silent().await);
        for _ in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            world
                .run(&by, "createSnapshot", on("volumeId", volume.id))
                .await;
        }
        world.settle().await;
        for gone in [-1, 4, i64::MAX, i64::MIN] {
            let stream = world.watch(&by, EVENTS, cursor(gone));
            assert_eq!(stream.refusal().await, "CURSOR_GONE", "{gone}");
        }
        assert!(world.watch(&by, EVENTS, cursor(3)).is_silent().await);
        world
            .by_hand("DELETE FROM operation_events WHERE seq < 3")
            .await;
        for gone in [0, 1] {
            let stream = world.watch(&by, EVENTS, cursor(gone));
            assert_eq!(stream.refusal().await, "CURSOR_GONE", "{gone}");
        }
        let mut stream = world.watch(&by, EVENTS, cursor(2));
        assert_eq!(stream.next().await["kind"], "ACCEPTED");
        // All are gone, and none was missed.
        world.by_hand("DELETE FROM operation_events").await;
        assert!(world.watch(&by, EVENTS, cursor(3)).is_silent().await);
        let stream = world.watch(&by, EVENTS, cursor(2));
        assert_eq!(stream.refusal().await, "CURSOR_GONE");
    })
    .await;
}
