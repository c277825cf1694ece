//! Agents are told whether somebody watches, on whichever gateway.

use serde_json::Value;
use tidemark::domain::Requester;

use crate::harness::{Work, World, on, on_each_database, on_postgres_alone};

const PROGRESS: &str = "subscription($id: ID!) { operationProgress(operationId: $id) { status } }";
const ACTIVITY: &str =
    "subscription($id: ID!) { volumeActivity(volumeId: $id) { operation { status } } }";

async fn under_way(world: &World) -> (Requester, Work) {
    let alice = world.tenant("alice").await;
    let by = world.signed_in(&alice.requester).await;
    let volume = world.volume(&alice, |_| {}).await;
    world
        .run(&by, "createBackup", on("volumeId", volume.id))
        .await;
    let work = world.worker().claim_one().await;
    (by, work)
}

async fn hears(world: &World, work: &Work, is_watched: bool) {
    let is_so = async || {
        let heard = world.worker().hears_of_watchers(work, 1).await;
        (heard == is_watched).then_some(())
    };
    testbed::until("the agent hears whether somebody watches", is_so).await;
}

#[tokio::test]
async fn an_agent_hears_with_each_report_whether_somebody_watches() {
    on_each_database(async |world| {
        let (by, work) = under_way(&world).await;
        for done in [1, 2, 3] {
            assert!(!world.worker().hears_of_watchers(&work, done).await);
        }
        let volume = world.operation_row(work.id()).await.volume_id;
        for (document, id) in [
            (PROGRESS, work.operation.clone()),
            (ACTIVITY, volume.to_string()),
        ] {
            let mut stream = world.watch(&by, document, on("id", id));
            assert_ne!(stream.next().await, Value::Null);
            hears(&world, &work, true).await;
            drop(stream);
            hears(&world, &work, false).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_at_another_gateway_counts_and_what_is_not_known_may_be_watched() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let (by, work) = under_way(&world).await;
        assert!(
            world.worker().hears_of_watchers(&work, 1).await,
            "the other may not have told yet"
        );
        hears(&world, &work, false).await;
        let mut stream = other.watch(&by, PROGRESS, on("id", &work.operation));
        stream.next().await;
        hears(&world, &work, true).await;
    })
    .await;
}
