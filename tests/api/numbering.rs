//! Numbers of events after the commit: each event gets one, none gets two, and they tell the order in which things happened,
//! whoever gives them and whatever becomes of it.

use std::{sync::Arc, time::Duration};

use entity::{operation, operation::OperationKind, operation_event};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::json;
use tidemark::{
    app::App,
    database::Database,
    domain::Clock,
    events::numbering::{Floor, number},
    graphql::page::Cursor,
    task::{
        leader::{Lead, Leader},
        sequencer,
    },
};
use tokio::{task::JoinSet, time::Instant};

use crate::harness::{
    POSTGRES_URL, Proxy, World, do_task, on, on_each_database, on_postgres_alone,
};

const EVENTS: &str =
    "subscription($after: String) { operationEvents(after: $after) { cursor kind } }";

/// What is written and not numbered.
fn happened(operation: &operation::Model, what: &str) -> String {
    format!(
        "INSERT INTO unnumbered_events (operation_id, account_id, kind, message, at) \
         VALUES ('{}', '{}', 'progressed', '{what}', now())",
        operation.id, operation.account_id
    )
}

async fn an_operation(world: &World) -> operation::Model {
    let alice = world.tenant("alice").await;
    let volume = world.volume(&alice, |_| {}).await;
    world
        .operation(&volume, OperationKind::CreateSnapshot, |_| {})
        .await
}

/// The messages of all events, by their numbers, which have no gaps.
async fn told(world: &World) -> Vec<String> {
    let db = world.app.database.reads();
    let events = operation_event::Entity::find()
        .order_by_asc(operation_event::Column::Seq)
        .all(db)
        .await
        .unwrap();
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(event.seq, number);
    }
    let counted = "SELECT value::text FROM sequences WHERE name = 'operation_events'";
    assert_eq!(world.text(counted).await, Some(events.len().to_string()));
    let messages = events.into_iter().map(|event| event.message.unwrap());
    messages.collect()
}

async fn write(world: &World, statement: &str) {
    let db = world.app.database.writes();
    db.execute_unprepared(statement).await.unwrap();
}

/// A gateway on a database that tells the time, as installations have it.
fn gateway(world: &World) -> App {
    let mut app = world.other_gateway().app;
    app.clock = Clock::Database;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_committed_late_is_numbered_late_and_never_passed_over() {
    on_postgres_alone(async |world| {
        let world = world.without_sequencer().await;
        let operation = an_operation(&world).await;
        let db = world.app.database.writes();
        let mut floor = Floor::default();
        let late = world.app.database.begin().await.unwrap();
        late.execute_unprepared(&happened(&operation, "late"))
            .await
            .unwrap();
        let mut expected = Vec::new();
        for round in 0..10 {
            let what = format!("round {round}");
            write(&world, &happened(&operation, &what)).await;
            assert!(number(&world.app, db, &mut floor).await.unwrap());
            expected.push(what);
            assert_eq!(told(&world).await, expected);
        }
        late.commit().await.unwrap();
        assert!(number(&world.app, db, &mut floor).await.unwrap());
        expected.push("late".to_owned());
        assert_eq!(told(&world).await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_held_up_while_it_numbers_numbers_nothing_twice() {
    on_postgres_alone(async |world| {
        let world = Arc::new(world.without_sequencer().await);
        let operation = an_operation(&world).await;
        let mut expected = Vec::new();
        for keeps in [true, false] {
            for what in ["first", "second"] {
                write(&world, &happened(&operation, what)).await;
            }
            let held_up = world.app.database.begin().await.unwrap();
            held_up
                .execute_unprepared("SELECT number_events('it', 0, 150)")
                .await
                .unwrap();
            write(&world, &happened(&operation, "third")).await;
            let next = {
                let world = world.clone();
                tokio::spawn(async move {
                    let db = world.app.database.writes();
                    number(&world.app, db, &mut Floor::default()).await
                })
            };
            let waits = "SELECT 'yes' FROM pg_locks WHERE NOT granted AND pid IN \
                         (SELECT pid FROM pg_stat_activity \
                          WHERE application_name = current_schema()::text)";
            let is_waiting = async || world.text(waits).await;
            testbed::until("the other waits for its turn", is_waiting).await;
            if keeps {
                held_up.commit().await.unwrap();
            } else {
                drop(held_up);
            }
            assert!(next.await.unwrap().unwrap());
            expected.extend(["first", "second", "third"]);
            assert_eq!(told(&world).await, expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_function_that_numbers_is_not_compiled_at_each_call() {
    on_postgres_alone(async |world| {
        let jit = "SELECT 'off' FROM pg_proc WHERE oid = 'number_events'::regproc \
                   AND 'jit=off' = ANY (proconfig)";
        assert_eq!(world.text(jit).await.as_deref(), Some("off"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_number_events_at_once_each_gets_one_number_in_the_order_of_its_operation() {
    on_postgres_alone(async |world| {
        const WRITERS: usize = 6;
        const EACH: usize = 60;
        let world = Arc::new(world);
        let operation = an_operation(&world).await;
        let url = own_url(&world, None).await;
        let busy = Database::connect(&url, 16).await.unwrap();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (busy, operation) = (busy.clone(), operation.clone());
            writers.spawn(async move {
                for round in 0..EACH {
                    let tx = busy.begin().await.unwrap();
                    for part in 0..3 {
                        let what = format!("{writer} {round:02} {part}");
                        tx.execute_unprepared(&happened(&operation, &what))
                            .await
                            .unwrap();
                    }
                    // Some change their mind.
                    if (round + writer) % 5 == 0 {
                        drop(tx);
                    } else {
                        tx.commit().await.unwrap();
                    }
                }
            });
        }
        let mut numberers = JoinSet::new();
        for _ in 0..3 {
            let (busy, app) = (busy.clone(), world.app.clone());
            numberers.spawn(async move {
                let mut floor = Floor::default();
                loop {
                    number(&app, busy.writes(), &mut floor).await.unwrap();
                }
            });
        }
        writers.join_all().await;
        numberers.shutdown().await;
        world.settle().await;
        let told = told(&world).await;
        for writer in 0..WRITERS {
            let kept = |round: &usize| !(round + writer).is_multiple_of(5);
            let parts = |round| (0..3).map(move |part| format!("{writer} {round:02} {part}"));
            let wrote: Vec<_> = (0..EACH).filter(kept).flat_map(parts).collect();
            let own = format!("{writer} ");
            let of_it: Vec<_> = told.iter().filter(|what| what.starts_with(&own)).collect();
            assert_eq!(of_it, wrote.iter().collect::<Vec<_>>());
        }
        busy.close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_gateway_that_leads_is_gone_another_goes_on_within_two_seconds() {
    on_postgres_alone(async |world| {
        let world = world.without_sequencer().await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        // It leads, and is not heard of any more.
        let gone = Leader::new(&gateway(&world), "sequencer", Duration::from_secs(1));
        assert!(matches!(gone.lead().await, Ok(Lead::Own(_))));
        let start = Cursor::of_event(0).encode();
        let mut events = other.watch(&by, EVENTS, json!({ "after": start }));
        let volume = world.volume(&alice, |_| {}).await;
        world
            .run(&by, "createSnapshot", on("volumeId", volume.id))
            .await;
        let began = Instant::now();
        let next = App {
            hub: other.app.hub.clone(),
            ..gateway(&world)
        };
        let _sequencer = do_task(sequencer::task(&next), next);
        assert_eq!(events.next().await["kind"], "ACCEPTED");
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(!matches!(gone.lead().await, Ok(Lead::Own(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_whose_connection_is_cut_or_dead_is_right_again_within_two_seconds() {
    on_postgres_alone(async |world| {
        let world = world.without_sequencer().await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let options = world.app.database.postgres().unwrap();
        let proxy = Proxy::before(options.get_host(), options.get_port()).await;
        let url = own_url(&world, Some(&proxy)).await;
        let mut app = world.app.clone();
        app.clock = Clock::Database;
        app.database = Database::connect(&url, 1).await.unwrap();
        let _sequencer = do_task(sequencer::task(&app), app.clone());
        let start = Cursor::of_event(0).encode();
        let mut events = world.watch(&by, EVENTS, json!({ "after": start }));
        for round in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            if round % 2 == 1 {
                proxy.freeze();
            } else {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE application_name = current_schema()::text || ' numbers'";
                write(&world, cut).await;
            }
            let began = Instant::now();
            world
                .run(&by, "createSnapshot", on("volumeId", volume.id))
                .await;
            let cursor = Cursor::of_event(round + 1).encode();
            assert_eq!(events.next().await["cursor"], cursor);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "round {round}: {took:?}");
        }
        assert!(events.is_silent().await);
    })
    .await;
}

#[tokio::test]
async fn what_a_mutation_did_is_on_the_timeline_that_it_answers_with() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        for _ in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            let document = "mutation($id: ID!) { createSnapshot(input: { volumeId: $id }) {
                operation { events(first: 5) { totalCount nodes { kind } } } } }";
            let done = world.data_with(&by, document, on("id", volume.id)).await;
            let events = &done["createSnapshot"]["operation"]["events"];
            let expected = json!({ "totalCount": 1, "nodes": [{ "kind": "ACCEPTED" }] });
            assert_eq!(*events, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_begins_now_tells_nothing_that_happened_before() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        for _ in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            world
                .run(&by, "createSnapshot", on("volumeId", volume.id))
                .await;
            let mut events = world.watch(&by, EVENTS, json!({}));
            assert!(events.is_silent().await);
        }
    })
    .await;
}

/// By what this test's schema is reached, through a proxy or without.
async fn own_url(world: &World, proxy: Option<&Proxy>) -> String {
    let schema = world.text("SELECT current_schema()::text").await.unwrap();
    let options = world.app.database.postgres().unwrap();
    let url = std::env::var(POSTGRES_URL).unwrap();
    let url = match proxy {
        Some(proxy) => {
            let server = format!("{}:{}", options.get_host(), options.get_port());
            url.replace(&server, &format!("127.0.0.1:{}", proxy.port()))
        }
        None => url,
    };
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-csearch_path%3D{schema}&application_name={schema}%20numbers")
}
