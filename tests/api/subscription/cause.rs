//! Who is woken by what: those whom it concerns, and nobody else.

use entity::VolumeId;
use futures_util::FutureExt;
use serde_json::json;
use testbed::PATIENCE;
use tidemark::{domain::token, events::Topic, graphql::page::Cursor};
use tokio::time::timeout;

use crate::harness::{on, on_each_database};

#[tokio::test]
async fn what_one_account_does_wakes_nobody_of_another() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let foreign = world.volume(&bob, |_| {}).await;
        let hub = &world.app.hub;
        let mut concerned = [
            hub.watch(Topic::Events),
            hub.watch(Topic::EventsOf(alice.account.id)),
            hub.watch(Topic::Volume(volume.id)),
        ];
        let mut others = [
            hub.watch(Topic::EventsOf(bob.account.id)),
            hub.watch(Topic::Volume(foreign.id)),
            hub.watch(Topic::User(bob.user.id)),
            hub.watch(Topic::User(alice.user.id)),
            hub.watch(Topic::Hypervisors),
        ];
        world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        for watch in &mut concerned {
            // The number of an event comes after its commit.
            timeout(PATIENCE, watch.changed()).await.unwrap();
        }
        token::revoke(&world.app, by.token().unwrap())
            .await
            .unwrap();
        let own = others[3].changed().now_or_never();
        assert!(own.is_some(), "the streams of its bearer end");
        for watch in concerned.iter_mut().chain(&mut others) {
            assert!(watch.changed().now_or_never().is_none(), "{watch:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_newest_events_are_read_once_for_all_who_follow_them() {
    on_each_database(async |world| {
        let document = "subscription($after: String) { operationEvents(after: $after) { cursor } }";
        let mut costs = Vec::new();
        for (round, followers) in [2, 22].into_iter().enumerate() {
            let owner = world.tenant(&format!("owner-{round}")).await;
            let by = world.signed_in(&owner.requester).await;
            let mut volumes = Vec::new();
            for _ in 0..2 {
                volumes.push(world.volume(&owner, |_| {}).await);
            }
            let snapshot = async |volume: VolumeId| {
                let input = on("volumeId", volume);
                world.run(&by, "createSnapshot", input).await;
            };
            // Each has begun to follow when it has told of this one.
            snapshot(volumes[0].id).await;
            let before = i64::try_from(2 * round).unwrap();
            let after = json!({ "after": Cursor::of_event(before).encode() });
            let mut feeds = Vec::with_capacity(followers);
            for _ in 0..followers {
                feeds.push(world.watch(&by, document, after.clone()));
            }
            for feed in &mut feeds {
                feed.next().await;
            }
            world.statements();
            snapshot(volumes[1].id).await;
            for feed in &mut feeds {
                feed.next().await;
            }
            costs.push(world.statements());
        }
        // That each of them may still follow is known from when it began to.
        let more = costs[1].saturating_sub(costs[0]);
        assert!(more <= 4, "{costs:?}");
    })
    .await;
}

#[tokio::test]
async fn what_many_watch_is_read_once_for_all_of_them() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let banner =
            "subscription($id: ID!) { volumeActivity(volumeId: $id) { operation { status } } }";
        let progress = "subscription($id: ID!) { operationProgress(operationId: $id) { status } }";
        let mut costs = Vec::with_capacity(2);
        for watchers in [1, 11] {
            let volume = world.volume(&alice, |_| {}).await;
            let payload = world
                .run(&by, "createBackup", on("volumeId", volume.id))
                .await;
            let operation = payload["operation"]["id"].as_str().unwrap();
            let mut streams = Vec::with_capacity(2 * watchers);
            for _ in 0..watchers {
                streams.push(world.watch(&by, banner, on("id", volume.id)));
                streams.push(world.watch(&by, progress, on("id", operation)));
            }
            for stream in &mut streams {
                stream.next().await;
            }
            world.statements();
            world
                .run(&by, "cancelOperation", on("operationId", operation))
                .await;
            for stream in &mut streams {
                stream
                    .until(|told| told.to_string().contains("CANCELLED"))
                    .await;
            }
            costs.push(world.statements());
        }
        let more = costs[1].saturating_sub(costs[0]);
        assert!(more <= 4, "{costs:?}");
    })
    .await;
}
