//! Races: many requests at once, on threads of their own, and each rule holds.

use std::{future::Future, sync::Arc};

use entity::{operation, operation_event::OperationEventKind};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, Statement};
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

/// How many rows `select` counts.
async fn count(world: &World, select: &str) -> i64 {
    let db = world.app.database.writes();
    let select = Statement::from_string(db.get_database_backend(), select);
    let row = db.query_one_raw(select).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_while_something_new_comes_to_use_it() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let mut lost = 0;
        for round in 0..8 {
            let pairs = fresh(&world, &admin, &alice, round).await;
            let attempts = at_once(pairs.len() * 4, |number| {
                let (world, admin) = (world.clone(), admin.clone());
                let (delete, using) = pairs[number / 4].clone();
                let (mutation, input) = if number % 4 == round % 4 {
                    delete
                } else {
                    using
                };
                async move { world.attempt(&admin, mutation, input).await.is_ok() }
            })
            .await;
            lost += attempts.iter().filter(|done| !**done).count();
        }
        assert!(lost > 0, "somebody came too late");
        for (users, column, table) in [
            ("volumes", "plan_id", "volume_plans"),
            ("volumes", "account_id", "accounts"),
            ("volumes", "instance_id", "instances"),
            ("instances", "hypervisor_id", "hypervisors"),
            ("instances", "account_id", "accounts"),
            ("hypervisors", "group_id", "hypervisor_groups"),
            ("hypervisors", "backup_storage_id", "backup_storages"),
            ("storage_pools", "group_id", "hypervisor_groups"),
        ] {
            let dangling = format!(
                "SELECT COUNT(*) FROM {users} u JOIN {table} t ON u.{column} = t.id
                 WHERE u.deleted_at IS NULL AND t.deleted_at IS NOT NULL"
            );
            assert_eq!(count(&world, &dangling).await, 0, "{users}.{column}");
        }
    })
    .await;
}

type Requested = (&'static str, Value);

/// Things that nothing uses: each with its deletion, and with what would use it.
async fn fresh(
    world: &World,
    admin: &tidemark::domain::Requester,
    alice: &crate::harness::Tenant,
    round: usize,
) -> Arc<Vec<(Requested, Requested)>> {
    let make = async |mutation: &'static str, noun: &str, input: Value| {
        let document = crate::harness::document(mutation, &format!("{noun} {{ id }}"));
        let input = json!({ "input": input });
        let mut data = world.data_with(admin, &document, input).await;
        data[mutation][noun]["id"].take()
    };
    let there = world.platform.group.id.to_string();
    let host = world.platform.hypervisor.id.to_string();
    let plan = json!({ "name": "new", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE" });
    let plan = make("createVolumePlan", "plan", plan).await;
    let account = make("createAccount", "account", json!({ "name": "new" })).await;
    let group = json!({ "name": "new" });
    let group = make("createHypervisorGroup", "hypervisorGroup", group).await;
    let hypervisor = json!({ "name": "new", "hypervisorGroupId": there });
    let hypervisor = make("createHypervisor", "hypervisor", hypervisor).await;
    let storage = json!({ "name": "new", "local": { "path": "/n" } });
    let storage = make("createBackupStorage", "backupStorage", storage).await;
    let mine = alice.account.id.to_string();
    let instance = json!({ "accountId": mine, "name": "new", "hypervisorId": host });
    let instance = make("createInstance", "instance", instance).await;
    let volume = world.volume(alice, |_| {}).await;
    let mut of_plan = world.new_volume(&format!("volume {round}"));
    of_plan["planId"] = plan.clone();
    let used = |input: Value| ("createInstance", input);
    Arc::new(vec![
        (
            (
                "deleteVolumePlan",
                json!({ "planId": plan, "confirmName": "new" }),
            ),
            ("createVolume", of_plan),
        ),
        (
            (
                "deleteAccount",
                json!({ "accountId": account, "confirmName": "new" }),
            ),
            used(json!({ "accountId": account, "name": "n", "hypervisorId": host })),
        ),
        (
            (
                "deleteHypervisorGroup",
                json!({ "hypervisorGroupId": group, "confirmName": "new" }),
            ),
            (
                "createHypervisor",
                json!({ "hypervisorGroupId": group, "name": "n" }),
            ),
        ),
        (
            (
                "deleteHypervisor",
                json!({ "hypervisorId": hypervisor, "confirmName": "new" }),
            ),
            used(json!({ "accountId": mine, "name": "n", "hypervisorId": hypervisor })),
        ),
        (
            (
                "deleteBackupStorage",
                json!({ "backupStorageId": storage, "confirmName": "new" }),
            ),
            (
                "updateHypervisor",
                json!({ "hypervisorId": host, "backupStorageId": storage }),
            ),
        ),
        (
            (
                "deleteInstance",
                json!({ "instanceId": instance, "confirmName": "new" }),
            ),
            (
                "attachVolume",
                json!({ "volumeId": volume.id.to_string(), "instanceId": instance }),
            ),
        ),
    ])
}
