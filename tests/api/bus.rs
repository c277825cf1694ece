//! Two gateways on one database: what is done at one shows at the other, whatever becomes of the line between them.

use serde_json::json;
use tidemark::{
    domain::token,
    events::bus::{Bus, Line},
    graphql::page::Cursor,
};

use crate::harness::{Proxy, World, on, on_postgres_alone, put_on};

const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
    volume { name } operation { status } } }";
const EVENTS: &str =
    "subscription($after: String) { operationEvents(after: $after) { cursor kind } }";
const WORK: &str = "subscription { agentWork { claimable } }";

/// Gives a volume a name at one gateway: no event tells of it.
async fn rename(
    world: &World,
    by: &tidemark::domain::Requester,
    volume: entity::VolumeId,
    name: &str,
) {
    let input = json!({ "volumeId": volume.to_string(), "name": name });
    world.run(by, "updateVolume", input).await;
}

/// Cuts the lines of all gateways of this test.
async fn cut(world: &World) {
    world
        .by_hand(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = current_schema() || ' bus'",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_at_one_gateway_shows_in_the_streams_of_the_other() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = other.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        let start = Cursor::of_event(0).encode();
        let mut events = other.watch(&by, EVENTS, json!({ "after": start }));
        let mut work = other.watch(&world.enrolled().await, WORK, json!({}));
        assert_eq!(work.next().await["claimable"], 0);

        rename(&world, &by, volume.id, "renamed").await;
        assert_eq!(activity.next().await["volume"]["name"], "renamed");
        world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        assert_eq!(activity.next().await["operation"]["status"], "PENDING");
        assert_eq!(events.next().await["kind"], "ACCEPTED");
        work.until(|work| work["claimable"] == 1).await;
        other.work().await;
        events.until(|event| event["kind"] == "COMPLETED").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_at_one_gateway_ends_its_streams_at_the_other() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = other.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        token::revoke(&world.app, by.token().unwrap())
            .await
            .unwrap();
        assert_eq!(activity.refusal().await, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = other.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        let start = Cursor::of_event(0).encode();
        let mut events = other.watch(&by, EVENTS, json!({ "after": start }));
        for round in 0..5 {
            cut(&world).await;
            // Nobody hears of it: the lines are gone.
            let name = format!("renamed {round}");
            rename(&world, &by, volume.id, &name).await;
            activity.until(|told| told["volume"]["name"] == *name).await;
            let payload = world
                .run(&by, "createSnapshot", on("volumeId", volume.id))
                .await;
            let operation = payload["operation"]["id"].as_str().unwrap();
            world
                .run(&by, "cancelOperation", on("operationId", operation))
                .await;
            for number in 1..=2 {
                let cursor = Cursor::of_event(2 * round + number).encode();
                assert_eq!(events.next().await["cursor"], cursor);
            }
        }
        assert!(events.is_silent().await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_dead_without_saying_so_is_replaced_and_nothing_is_missed() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let options = world.app.database.postgres().unwrap();
        let proxy = Proxy::before(options.get_host(), options.get_port()).await;
        let options = options.host("127.0.0.1").port(proxy.port());
        let line = Line::new(&other.app, options);
        let _buses = (world.on_bus(), put_on(Bus::Postgres(Box::new(line))));
        world.are_on_bus(2).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut here = world.watch(&by, ACTIVITY, on("id", volume.id));
        let mut there = other.watch(&by, ACTIVITY, on("id", volume.id));
        here.next().await;
        there.next().await;
        for round in 0..2 {
            proxy.freeze();
            let name = format!("told {round}");
            rename(&world, &by, volume.id, &name).await;
            there.until(|told| told["volume"]["name"] == *name).await;
            // What could not be told is told once there is a line again.
            proxy.freeze();
            let name = format!("answered {round}");
            rename(&other, &by, volume.id, &name).await;
            here.until(|told| told["volume"]["name"] == *name).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_gateway_that_ended_before_it_told_of_them_are_found() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _bus = other.on_bus();
        world.are_on_bus(1).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = other.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        let mut events = other.watch(&by, EVENTS, json!({}));
        assert!(events.is_silent().await);
        let mut work = other.watch(&world.enrolled().await, WORK, json!({}));
        assert_eq!(work.next().await["claimable"], 0);
        // It is not on the bus: it tells nobody.
        world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        assert_eq!(activity.next().await["operation"]["status"], "PENDING");
        assert_eq!(events.next().await["kind"], "ACCEPTED");
        work.until(|work| work["claimable"] == 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_changes_is_told_to_the_gateways() {
    on_postgres_alone(async |world| {
        let gateway = world.other_gateway();
        let _bus = gateway.on_bus();
        world.are_on_bus(1).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut activity = gateway.watch(&by, ACTIVITY, on("id", volume.id));
        activity.next().await;
        let bus = Bus::of(&world.app);
        bus.open();
        token::revoke(&world.app, by.token().unwrap())
            .await
            .unwrap();
        bus.tell().await;
        assert_eq!(activity.refusal().await, "UNAUTHENTICATED");
    })
    .await;
}
