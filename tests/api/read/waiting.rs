//! What operations wait for, and their place in the queue of their agent.

use entity::operation::OperationStatus;
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, World, id, on, on_each_database};

const WAITING: &str = "{ operations(first: 100) { nodes {
    id status waiting { reason since position } } } }";

/// Asks for snapshots of so many volumes, and gives the ids of the operations.
async fn ask(world: &World, tenant: &Tenant, volumes: usize) -> Vec<String> {
    let mut asked = Vec::new();
    for _ in 0..volumes {
        let volume = world.volume(tenant, |_| {}).await;
        let input = on("volumeId", volume.id);
        let payload = world.run(&tenant.requester, "createSnapshot", input).await;
        asked.push(id::<entity::OperationId>(&payload["operation"]).to_string());
    }
    asked
}

#[tokio::test]
async fn the_place_that_is_told_is_the_order_in_which_the_agent_takes_them() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let agent = world.worker();
        // Somebody was served before: that account comes last.
        let carol = world.tenant("carol").await;
        ask(&world, &carol, 1).await;
        world.work().await;
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        ask(&world, &carol, 2).await;
        let of_alice = ask(&world, &alice, 3).await;
        ask(&world, &bob, 1).await;
        for left in (1..=6).rev() {
            let shown = world.data(&admin, WAITING).await;
            let nodes = shown["operations"]["nodes"].as_array().unwrap();
            let mut waiting: Vec<_> = nodes
                .iter()
                .filter(|node| node["status"] == "PENDING")
                .collect();
            waiting.sort_by_key(|node| node["waiting"]["position"].as_i64());
            let positions: Vec<_> = waiting
                .iter()
                .map(|node| node["waiting"]["position"].as_i64().unwrap())
                .collect();
            assert_eq!(positions, (1..=left).collect::<Vec<_>>());
            let taken = agent.claim_up_to(1).await.remove(0);
            assert_eq!(waiting[0]["id"], taken.operation);
            // A customer is told the same of what is theirs.
            let own = world.data(&alice.requester, WAITING).await;
            for node in own["operations"]["nodes"].as_array().unwrap() {
                assert!(of_alice.iter().any(|id| node["id"] == *id));
                assert_eq!(node["waiting"].is_null(), node["status"] != "PENDING");
            }
            assert!(agent.complete(&taken).await);
        }
    })
    .await;
}

#[tokio::test]
async fn an_operation_says_whether_its_agent_is_away_or_busy_or_takes_it_next() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();
        agent.hello().await;
        let asked = ask(&world, &alice, 1).await;
        let at = world.now();
        let waiting = async |id: &str| {
            let document = "query($id: ID!) { operation(id: $id) {
                waiting { reason since position } } }";
            let data = world
                .data_with(&alice.requester, document, on("id", id))
                .await;
            data["operation"]["waiting"].clone()
        };
        let told = |reason: &str, since: chrono::DateTime<chrono::Utc>, position: i64| {
            let since = since.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            json!({ "reason": reason, "since": since, "position": position })
        };
        assert_eq!(waiting(&asked[0]).await, told("NEXT", at, 1));
        let work = agent.claim_one().await;
        assert_eq!(waiting(&asked[0]).await, Value::Null);
        world.wait_seconds(10);
        let second = ask(&world, &alice, 1).await;
        let since = world.now();
        assert_eq!(waiting(&second[0]).await, told("AGENT_BUSY", since, 1));
        agent.complete(&work).await;
        agent.hello().await;
        let seen = world.now();
        world.wait_seconds(91);
        assert_eq!(waiting(&second[0]).await, told("AGENT_OFFLINE", seen, 1));
        let row = world.operation_row(second[0].parse().unwrap()).await;
        assert_eq!(row.status, OperationStatus::Pending);
        // One that was never there is away since it was asked for.
        world
            .by_hand("UPDATE hypervisors SET last_seen_at = NULL")
            .await;
        assert_eq!(waiting(&second[0]).await, told("AGENT_OFFLINE", since, 1));
    })
    .await;
}

#[tokio::test]
async fn places_are_counted_for_each_agent_by_itself_and_in_few_statements() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let mut costs = Vec::new();
        for count in [1, 20] {
            for _ in 0..count {
                for hypervisor in [world.platform.hypervisor.id, far.id] {
                    let volume = world.volume(&alice, |_| {}).await;
                    let kind = entity::operation::OperationKind::DeleteSnapshot;
                    let waits = |row: &mut entity::operation::ActiveModel| {
                        row.status = Set(OperationStatus::Pending);
                        row.hypervisor_id = Set(hypervisor);
                        row.finished_at = Set(None);
                        row.started_at = Set(None);
                    };
                    world.operation(&volume, kind, waits).await;
                }
            }
            world.statements();
            let data = world.data(&alice.requester, WAITING).await;
            costs.push(world.statements());
            let nodes = data["operations"]["nodes"].as_array().unwrap();
            let last = nodes
                .iter()
                .map(|node| node["waiting"]["position"].as_u64());
            let all = u64::try_from(nodes.len()).unwrap();
            assert_eq!(last.max().flatten(), Some(all / 2));
        }
        assert_eq!(costs[0], costs[1]);
    })
    .await;
}
