//! Races: many requests at once, on threads of their own, and each rule holds.

use std::{future::Future, sync::Arc};

use entity::{operation, operation_event::OperationEventKind};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::harness::{World, on_each_database};

/// Runs `count` tasks at once and gathers what they give.
async fn at_once<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count)
        .map(|number| tokio::spawn(task(number)))
        .collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Sends each of `inputs` at once: what was carried out, and the codes of what was refused.
async fn send(
    world: &Arc<World>,
    requester: &tidemark::domain::Requester,
    mutation: &'static str,
    inputs: Vec<Value>,
) -> (Vec<Value>, Vec<String>) {
    let inputs = Arc::new(inputs);
    let results = at_once(inputs.len(), |number| {
        let (world, requester) = (world.clone(), requester.clone());
        let input = inputs[number].clone();
        async move { world.attempt(&requester, mutation, input).await }
    })
    .await;
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(payload) => done.push(payload),
            Err(error) => refused.push(error["extensions"]["code"].as_str().unwrap().to_owned()),
        }
    }
    refused.sort();
    (done, refused)
}

async fn operations(world: &World) -> u64 {
    let db = world.app.database.writes();
    operation::Entity::find().count(db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_requests_for_one_volume_one_wins_and_the_others_find_it_busy() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        for mutation in ["createSnapshot", "createBackup"] {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let (done, refused) = send(&world, &alice.requester, mutation, vec![input; 64]).await;
            assert_eq!(done.len(), 1, "{refused:?}");
            assert_eq!(refused, vec!["VOLUME_BUSY"; 63]);
        }
        assert_eq!(operations(&world).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_different_requests_for_one_volume_one_wins() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let on = volume.id.to_string();
        let source = json!({ "snapshotId": snapshot.id.to_string() });
        let requests = Arc::new([
            ("createSnapshot", json!({ "volumeId": on })),
            ("createBackup", json!({ "volumeId": on })),
            (
                "restoreInPlace",
                json!({ "volumeId": on, "source": source, "confirmName": "volume" }),
            ),
            ("restoreToNewVolume", json!({ "source": source })),
            (
                "deleteSnapshot",
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" }),
            ),
        ]);
        let results = at_once(40, |number| {
            let (world, by) = (world.clone(), alice.requester.clone());
            let (mutation, input) = requests[number % requests.len()].clone();
            async move { world.attempt(&by, mutation, input).await }
        })
        .await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(won, 1);
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            let code = error["extensions"]["code"].as_str().unwrap();
            assert!(
                ["VOLUME_BUSY", "ITEM_NOT_AVAILABLE"].contains(&code),
                "{error:#}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_in_flight_limit_is_never_passed_over_many_volumes() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let mut inputs = Vec::new();
        for number in 0..24 {
            let volume = world.volume(&alice, |_| {}).await;
            // A key of its own each: keys and accounts must not wait for each other crosswise.
            inputs.push(json!({
                "volumeId": volume.id.to_string(), "idempotencyKey": format!("key {number}"),
            }));
        }
        let (done, refused) = send(&world, &alice.requester, "createSnapshot", inputs).await;
        assert_eq!(done.len(), 3, "{refused:?}");
        assert_eq!(refused, vec!["IN_FLIGHT_LIMIT_REACHED"; 21]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_is_never_passed() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let plan = world.plan(|row| row.max_snapshots = sea_orm::Set(2)).await;
        let volume = world
            .volume(&alice, |row| row.plan_id = sea_orm::Set(plan.id))
            .await;
        let mut made = 0;
        for _ in 0..4 {
            let input = json!({ "volumeId": volume.id.to_string() });
            let (done, _) = send(&world, &alice.requester, "createSnapshot", vec![input; 8]).await;
            made += done.len();
            world.work_and_rest().await;
        }
        assert_eq!(made, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_parallel_starts_one_operation_and_answers_all_alike() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string(), "idempotencyKey": "k" });
        let (done, refused) = send(&world, &alice.requester, "createBackup", vec![input; 24]).await;
        assert_eq!(refused, Vec::<String>::new());
        assert_eq!(done.len(), 24);
        assert!(done.iter().all(|payload| *payload == done[0]));
        assert_eq!(operations(&world).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_of_an_agent_never_hold_the_same_operation() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        for number in 0..4 {
            let tenant = world.tenant(&format!("tenant{number}")).await;
            for _ in 0..3 {
                let volume = world.volume(&tenant, |_| {}).await;
                let input = json!({ "volumeId": volume.id.to_string() });
                world.run(&tenant.requester, "createSnapshot", input).await;
            }
        }
        let claimed = at_once(8, |_| {
            let world = world.clone();
            async move { world.worker().claim().await }
        })
        .await;
        let mut ids: Vec<_> = claimed
            .iter()
            .flatten()
            .map(|work| work.operation.clone())
            .collect();
        assert!(claimed.iter().flatten().all(|work| work.epoch == 1));
        assert_eq!(ids.len(), 12);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 12);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_an_operation_it_ends_once() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for round in 0..6 {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            world.run(&alice.requester, "createSnapshot", input).await;
            let work = world.worker().claim_one().await;
            // In half of the rounds the lease has died as well.
            world.wait_seconds(if round % 2 == 0 { 0 } else { 90 });
            let parties = at_once(10, |number| {
                let (world, work) = (world.clone(), work.clone());
                let (alice, admin) = (alice.requester.clone(), admin.clone());
                async move {
                    let on = json!({ "operationId": work.operation });
                    match number % 5 {
                        0 => drop(world.worker().complete(&work).await),
                        1 => drop(world.attempt(&alice, "cancelOperation", on).await),
                        2 => {
                            let mut on = on;
                            on["reason"] = json!("enough");
                            drop(world.attempt(&admin, "failOperation", on).await);
                        }
                        3 => drop(world.clean_up().await),
                        _ => drop(world.worker().stop(&work, false).await),
                    }
                }
            });
            parties.await;
            // It may have gone back to wait: then it is taken and done.
            world.wait_seconds(90);
            world.clean_up().await;
            world.work().await;
            world.wait_seconds(90);
            world.clean_up().await;
            let history = world.history(work.id()).await;
            let ends = history.iter().filter(|kind| {
                use OperationEventKind::{Cancelled, Completed, Failed};
                matches!(kind, Completed | Failed | Cancelled)
            });
            assert_eq!(ends.count(), 1, "{history:?}");
            assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_never_gets_more_volumes_than_it_may() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let source = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&source, |_| {}).await;
        let id = alice.account.id.to_string();
        let limit = json!({ "accountId": id, "volumeLimit": 4 });
        world.run(&admin, "updateAccount", limit).await;
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        let mut for_alice = world.new_volume("by staff");
        for_alice["accountId"] = id.into();
        let requests = Arc::new([
            (admin, "createVolume", for_alice),
            (
                alice.requester.clone(),
                "createVolume",
                world.new_volume("own"),
            ),
            (alice.requester.clone(), "restoreToNewVolume", restore),
        ]);
        let results = at_once(24, |number| {
            let (world, requests) = (world.clone(), requests.clone());
            async move {
                let (by, mutation, input) = &requests[number % requests.len()];
                world.attempt(by, mutation, input.clone()).await
            }
        })
        .await;
        let made = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(made, 3, "and one was there before");
    })
    .await;
}
