//! Damaged rows: each costs its own operation, and stops no other.

use entity::{operation::OperationStatus, snapshot::ItemStatus, volume::VolumeState};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::{domain::operation::recover::Repaired, events::Topic, graphql::page::Cursor};

use crate::harness::{Tenant, Work, World, id, on, on_each_database};

/// A customer with a volume whose plan and pool are its own, and a snapshot asked for.
struct Case {
    tenant: Tenant,
    volume: entity::volume::Model,
    operation: String,
    snapshot: String,
}

impl Case {
    async fn new(world: &World, name: &str) -> Self {
        let tenant = world.tenant(name).await;
        let plan = world.plan(|_| {}).await;
        let pool = world.pool(|_| {}).await;
        let volume = world
            .volume(&tenant, |row| {
                row.plan_id = Set(plan.id);
                row.pool_id = Set(pool.id);
            })
            .await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&tenant.requester, "createSnapshot", input).await;
        let text = |node: &Value| node["id"].as_str().unwrap().to_owned();
        Self {
            tenant,
            volume,
            operation: text(&payload["operation"]),
            snapshot: text(&payload["snapshot"]),
        }
    }

    /// The statement with its ids in it.
    fn on(&self, statement: &str) -> String {
        statement
            .replace("$operation", &format!("'{}'", self.operation))
            .replace("$snapshot", &format!("'{}'", self.snapshot))
            .replace("$volume", &format!("'{}'", self.volume.id))
            .replace("$plan", &format!("'{}'", self.volume.plan_id))
            .replace("$pool", &format!("'{}'", self.volume.pool_id))
            .replace("$account", &format!("'{}'", self.tenant.account.id))
    }

    /// Of what an agent was given, this one's.
    fn among<'w>(&self, works: &'w [Work]) -> Option<&'w Work> {
        works.iter().find(|work| work.operation == self.operation)
    }

    async fn is_over(&self, world: &World) -> bool {
        let status = self.on("SELECT status FROM operations WHERE id = $operation");
        let status = world.text(&status).await.unwrap();
        !matches!(status.as_str(), "pending" | "started")
    }

    async fn is_free(&self, world: &World) -> bool {
        let lock = self.on("SELECT active_operation_id FROM volumes WHERE id = $volume");
        world.text(&lock).await.is_none()
    }
}

/// What can be damaged, by statements on both databases.
const DAMAGE: &[&str] = &[
    "DELETE FROM snapshots WHERE id = $snapshot",
    "UPDATE snapshots SET status = 'limbo' WHERE id = $snapshot",
    "UPDATE snapshots SET status = 'deleting' WHERE id = $snapshot",
    "DELETE FROM volumes WHERE id = $volume",
    "UPDATE volumes SET state = 'limbo' WHERE id = $volume",
    "UPDATE volumes SET active_operation = 'limbo' WHERE id = $volume",
    "UPDATE operations SET kind = 'limbo' WHERE id = $operation",
    "UPDATE operations SET snapshot_id = NULL WHERE id = $operation",
    "UPDATE operations SET snapshot_id = 'limbo' WHERE id = $operation",
    "UPDATE operations SET account_id = 'limbo' WHERE id = $operation",
    "DELETE FROM volume_plans WHERE id = $plan",
    "UPDATE volume_plans SET storage_type = 'limbo' WHERE id = $plan",
    "DELETE FROM storage_pools WHERE id = $pool",
    "UPDATE storage_pools SET storage_type = 'limbo' WHERE id = $pool",
    "DELETE FROM accounts WHERE id = $account",
];

/// Lets the agent and the cleanup go on until nothing moves.
async fn settle(world: &World, damage: &str) {
    let agent = world.worker();
    for _ in 0..4 {
        for work in agent.claim().await {
            agent.complete(&work).await;
        }
        world.wait_seconds(90);
        world.clean_up().await;
    }
    assert_eq!(world.clean_up().await, Repaired::default(), "{damage}");
}

async fn assert_contained(world: &World, damaged: &Case, sound: &Case, damage: &str) {
    let row = world.operation_row(sound.operation.parse().unwrap()).await;
    assert_eq!(row.status, OperationStatus::Completed, "{damage}");
    assert!(sound.is_free(world).await, "{damage}");
    assert!(damaged.is_over(world).await, "{damage}");
    assert!(damaged.is_free(world).await, "{damage}");
}

#[tokio::test]
async fn damage_to_what_waits_costs_its_own_operation_only() {
    on_each_database(async |world| {
        for (number, damage) in DAMAGE.iter().enumerate() {
            let damaged = Case::new(&world, &format!("alice{number}")).await;
            let sound = Case::new(&world, &format!("bob{number}")).await;
            world.by_force(&damaged.on(damage)).await;
            let works = world.worker().claim().await;
            let work = sound.among(&works).expect(damage);
            assert!(world.worker().complete(work).await, "{damage}");
            if let Some(work) = damaged.among(&works) {
                world.worker().complete(work).await;
            }
            settle(&world, damage).await;
            assert_contained(&world, &damaged, &sound, damage).await;
        }
    })
    .await;
}

#[tokio::test]
async fn damage_to_what_an_agent_works_on_costs_its_own_operation_only() {
    on_each_database(async |world| {
        for (number, damage) in DAMAGE.iter().enumerate() {
            let damaged = Case::new(&world, &format!("alice{number}")).await;
            let sound = Case::new(&world, &format!("bob{number}")).await;
            let agent = world.worker();
            let works = agent.claim().await;
            let mine = sound.among(&works).unwrap();
            let hurt = damaged.among(&works).unwrap();
            world.by_force(&damaged.on(damage)).await;
            let states = agent.renew_all(&[hurt, mine]).await;
            assert_eq!(states[1], "HELD", "{damage}");
            agent.report(hurt, "Working", 1, 2).await;
            agent.log(hurt, "still there").await;
            assert_eq!(agent.report(mine, "Working", 1, 2).await, "HELD");
            agent.complete(hurt).await;
            assert!(agent.complete(mine).await, "{damage}");
            settle(&world, damage).await;
            assert_contained(&world, &damaged, &sound, damage).await;
        }
    })
    .await;
}

#[tokio::test]
async fn damage_to_what_a_lost_agent_worked_on_stops_no_other_repair() {
    on_each_database(async |world| {
        for (number, damage) in DAMAGE.iter().enumerate() {
            let damaged = Case::new(&world, &format!("alice{number}")).await;
            let sound = Case::new(&world, &format!("bob{number}")).await;
            assert_eq!(world.worker().claim().await.len(), 2, "{damage}");
            world.by_force(&damaged.on(damage)).await;
            if number % 2 == 0 {
                world.wait_seconds(90);
                world.clean_up().await;
            } else {
                world.worker().hello().await;
            }
            let row = world.operation_row(sound.operation.parse().unwrap()).await;
            assert_eq!(row.status, OperationStatus::Pending, "{damage}");
            settle(&world, damage).await;
            assert_contained(&world, &damaged, &sound, damage).await;
        }
    })
    .await;
}

#[tokio::test]
async fn damage_to_what_nobody_takes_stops_no_other_from_timing_out() {
    on_each_database(async |world| {
        for (number, damage) in DAMAGE.iter().enumerate() {
            let damaged = Case::new(&world, &format!("alice{number}")).await;
            let sound = Case::new(&world, &format!("bob{number}")).await;
            world.by_force(&damaged.on(damage)).await;
            world.wait_seconds(2 * 60 * 60);
            world.clean_up().await;
            let row = world.operation_row(sound.operation.parse().unwrap()).await;
            assert_eq!(row.error_code.as_deref(), Some("TIMED_OUT"), "{damage}");
            assert!(damaged.is_over(&world).await, "{damage}");
            assert!(damaged.is_free(&world).await, "{damage}");
            assert_eq!(world.clean_up().await, Repaired::default(), "{damage}");
        }
    })
    .await;
}

#[tokio::test]
async fn damage_keeps_the_lock_while_an_agent_may_be_writing() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let case = Case::new(&world, "alice").await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let damage = "UPDATE operations SET kind = 'limbo' WHERE id = $operation";
        world.by_force(&case.on(damage)).await;
        assert_eq!(agent.renew(&work).await, "LOST");
        assert!(!case.is_free(&world).await);
        world.clean_up().await;
        assert!(!case.is_free(&world).await);

        let document = format!(
            "{{ operation(id: \"{}\") {{ status error {{ message }} \
             logs(first: 10) {{ nodes {{ message }} }} }} }}",
            case.operation
        );
        let shown = &world.data(&admin, &document).await["operation"];
        assert_eq!(shown["status"], "FAILED");
        let told = "The gateway's records of the operation are not complete. Ask the operator.";
        assert_eq!(shown["error"]["message"], told);
        let line = &shown["logs"]["nodes"][0]["message"];
        assert!(line.as_str().unwrap().contains("limbo"), "{line}");
        let owner = &case.tenant.requester;
        let shown = &world.data(owner, &document).await["operation"];
        assert_eq!(shown["error"]["message"], told);
        assert_eq!(
            shown["logs"]["nodes"],
            json!([]),
            "for administrators alone"
        );

        assert!(!agent.stop(&work, false).await);
        assert!(case.is_free(&world).await);
        assert_eq!(world.clean_up().await, Repaired::default());
    })
    .await;
}

#[tokio::test]
async fn an_agent_cannot_fail_what_is_another_ones_by_reporting_on_it() {
    on_each_database(async |world| {
        let case = Case::new(&world, "alice").await;
        let work = world.worker().claim_one().await;
        let damage = "UPDATE operations SET kind = 'limbo' WHERE id = $operation";
        world.by_force(&case.on(damage)).await;
        let stranger = world.hypervisor(|_| {}).await;
        world.worker_of(stranger).try_finish(&work).await;
        assert!(!case.is_over(&world).await);
        assert!(!case.is_free(&world).await);
    })
    .await;
}

#[tokio::test]
async fn an_operation_whose_hypervisor_is_gone_times_out_like_others() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let far = world.hypervisor(|_| {}).await;
        let volume = world
            .volume(&alice, |row| row.hypervisor_id = Set(far.id))
            .await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let sound = Case::new(&world, "bob").await;
        let gone = format!("DELETE FROM hypervisors WHERE id = '{}'", far.id);
        world.by_force(&gone).await;
        world.wait_seconds(2 * 60 * 60);
        world.clean_up().await;
        for operation in [id(&payload["operation"]), sound.operation.parse().unwrap()] {
            let row = world.operation_row(operation).await;
            assert_eq!(row.status, OperationStatus::Failed);
        }
    })
    .await;
}

#[tokio::test]
async fn what_no_operation_takes_anywhere_is_let_go() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let deleting = world
            .snapshot(&volume, |row| row.status = Set(ItemStatus::Deleting))
            .await;
        let restoring = world
            .backup(&volume, |row| row.status = Set(ItemStatus::Restoring))
            .await;
        let creating = world
            .volume(&alice, |row| row.state = Set(VolumeState::Creating))
            .await;
        for item in [deleting.operation_id, restoring.operation_id] {
            world
                .by_force(&format!("DELETE FROM operations WHERE id = '{item}'"))
                .await;
        }
        assert_eq!(world.clean_up().await.stranded, 3);
        let row = world.snapshot_row(deleting.id).await;
        assert_eq!(row.status, ItemStatus::Failed);
        assert!(row.failure.unwrap().contains("Ask the operator"));
        let row = world.backup_row(restoring.id).await;
        assert_eq!((row.status, row.failure), (ItemStatus::Available, None));
        let row = world.volume_row(creating.id).await;
        assert_eq!(row.state, VolumeState::Failed);
        assert_eq!(world.clean_up().await, Repaired::default());
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_none_costs_its_own_lease_only() {
    on_each_database(async |world| {
        let case = Case::new(&world, "alice").await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let mut unknown = work.clone();
        unknown.operation = "limbo".to_owned();
        assert_eq!(agent.renew_all(&[&unknown, &work]).await, ["LOST", "HELD"]);
        assert!(agent.complete(&work).await);
        assert!(case.is_over(&world).await);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_hides_no_other_of_a_list() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let mut volumes = Vec::new();
        for _ in 0..4 {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let payload = world.run(&admin, "createSnapshot", input).await;
            world.work_and_rest().await;
            volumes.push((volume, payload));
        }
        let (volume, payload) = &volumes[1];
        let operation = payload["operation"]["id"].as_str().unwrap();
        for damage in [
            format!(
                "UPDATE volumes SET state = 'limbo' WHERE id = '{}'",
                volume.id
            ),
            format!("UPDATE operations SET kind = 'limbo' WHERE id = '{operation}'"),
            format!(
                "UPDATE operation_events SET kind = 'limbo' WHERE operation_id = '{operation}'"
            ),
        ] {
            world.by_force(&damage).await;
        }
        let shown = "{ volumes(first: 10) { nodes { id operations(first: 10) { nodes { id } } } }
            operations(first: 10) { nodes { id volume { id } } } }";
        for by in [&admin, &alice.requester] {
            let data = world.data(by, shown).await;
            assert_eq!(data["volumes"]["nodes"].as_array().unwrap().len(), 3);
            assert_eq!(data["operations"]["nodes"].as_array().unwrap().len(), 3);
        }
        // Whatever the page's size, it is gone past.
        let (mut after, mut seen) = (Value::Null, 0);
        for _ in 0..5 {
            let page = "query($after: String) { volumes(first: 1, after: $after) {
                nodes { id } pageInfo { hasNextPage endCursor } } }";
            let data = world
                .data_with(&admin, page, json!({ "after": after }))
                .await;
            seen += data["volumes"]["nodes"].as_array().unwrap().len();
            let info = &data["volumes"]["pageInfo"];
            if info["hasNextPage"] == false {
                break;
            }
            after = info["endCursor"].clone();
        }
        assert_eq!(seen, 3);

        let by = world.signed_in(&alice.requester).await;
        let events = "subscription($after: String) { operationEvents(after: $after) { kind } }";
        let from = json!({ "after": Cursor::of_event(0).encode() });
        let mut stream = world.watch(&by, events, from);
        for _ in 0..9 {
            stream.next().await;
        }
        assert!(
            stream.is_silent().await,
            "twelve less the three that cannot be read"
        );
    })
    .await;
}

#[tokio::test]
async fn a_damaged_row_ends_no_stream_of_a_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let one = world.snapshot(&volume, |_| {}).await;
        let other = world.snapshot(&volume, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
            volume { name snapshots { nodes { name } } } } }";
        let names = |event: &Value| {
            let nodes = event["volume"]["snapshots"]["nodes"].as_array().unwrap();
            let names = nodes.iter().map(|node| node["name"].as_str().unwrap());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let wake = || world.app.hub.wake([Topic::Volume(volume.id)]);
        let mut stream = world.watch(&by, document, on("id", volume.id));
        assert_eq!(names(&stream.next().await).len(), 2);
        for damage in [
            format!(
                "UPDATE snapshots SET status = 'limbo' WHERE id = '{}'",
                one.id
            ),
            format!(
                "UPDATE backups SET status = 'limbo' WHERE id = '{}'",
                backup.id
            ),
        ] {
            world.by_force(&damage).await;
            wake();
            stream.next().await;
        }
        world
            .by_hand(&format!(
                "UPDATE snapshots SET name = 'still told' WHERE id = '{}'",
                other.id
            ))
            .await;
        wake();
        assert_eq!(names(&stream.next().await), ["still told"]);

        let state = |state: &str| {
            format!(
                "UPDATE volumes SET state = '{state}', name = '{state}' WHERE id = '{}'",
                volume.id
            )
        };
        world.by_force(&state("limbo")).await;
        wake();
        assert!(stream.is_silent().await, "it waits until the row is mended");
        world.by_force(&state("available")).await;
        wake();
        assert_eq!(stream.next().await["volume"]["name"], "available");
    })
    .await;
}
