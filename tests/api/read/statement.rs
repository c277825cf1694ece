//! The number of statements depends on the query, not on the rows that it meets.

use entity::operation::{OperationKind, OperationStatus};
use entity::operation_event::OperationEventKind;
use sea_orm::Set;

use crate::harness::{Tenant, World, on_each_database};

const EVERYTHING: &str = "{
  volumes(first: 50) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { cursor node {
      id name sizeBytes storageType status createdAt dataState
      plan { name maxSnapshots }
      hypervisorGroup { name plans { name } }
      account { name operationsInFlight operationsInFlightLimit }
      attachedTo { name account { name } volumes { id } }
      activeOperation { kind progress { percent } requestedBy { email } }
      cooldown { endsAt remainingSeconds }
      usage { snapshots maxSnapshots backups maxBackups }
      actions {
        createSnapshot { allowed blockers { code message availableAt } }
        createBackup { allowed blockers { code } }
        restoreInPlace { allowed blockers { code } }
        restoreToNewVolume { allowed blockers { code } }
      }
      snapshots(first: 5) { totalCount nodes { name volume { name } operation { kind } } }
      backups(first: 5) { totalCount nodes {
        name volume { id } location { storageName path } operation { kind }
      } }
      operations(last: 3) { totalCount nodes {
        kind account { name } snapshot { name } backup { name } targetVolume { id }
        events(first: 2) { totalCount nodes { kind operation { id } } }
        logs(first: 1) { totalCount nodes { message } }
      } }
    } }
  }
}";

#[tokio::test]
async fn fifty_volumes_cost_as_many_statements_as_five() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut costs = Vec::new();
        for volumes in [5, 45] {
            for _ in 0..volumes {
                busy_volume(&world, &alice).await;
            }
            world.statements();
            let data = world.data(&alice.requester, EVERYTHING).await;
            costs.push(world.statements());
            let nodes = data["volumes"]["edges"].as_array().unwrap();
            let first = &nodes[0]["node"];
            assert_eq!(first["snapshots"]["totalCount"], 2);
            assert_eq!(first["backups"]["nodes"].as_array().unwrap().len(), 1);
            assert_eq!(first["operations"]["totalCount"], 4);
            assert_eq!(first["attachedTo"]["volumes"][0]["id"], first["id"]);
        }
        eprintln!("{costs:?} statements");
        assert_eq!(costs[0], costs[1]);
        assert!(costs[0] <= 40, "{} statements", costs[0]);
    })
    .await;
}

/// Root fields hold connections while their rows come; edges of those that have come need some, too.
#[tokio::test]
async fn more_root_fields_than_connections_never_wait_for_each_other() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.snapshot(&volume, |_| {}).await;
        let fields: Vec<_> = (0..50)
            .map(|number| {
                let first = number % 10 + 1;
                format!("a{number}: volumes(first: {first}) {{ nodes {{ snapshots {{ nodes {{ id }} }} }} }}")
            })
            .collect();
        let document = format!("{{ {} }}", fields.join(" "));
        for _ in 0..10 {
            let data = world.data(&alice.requester, &document).await;
            assert_eq!(data["a49"], data["a0"]);
        }
    })
    .await;
}

#[tokio::test]
async fn rows_are_counted_only_when_the_count_is_asked_for() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.snapshot(&volume, |_| {}).await;
        let mut costs = Vec::new();
        for count in ["", "totalCount again: totalCount"] {
            let document = format!(
                "{{ volumes {{ {count} nodes {{ snapshots {{ {count} nodes {{ id }} }} }} }} }}"
            );
            world.statements();
            world.data(&alice.requester, &document).await;
            costs.push(world.statements());
        }
        assert_eq!(costs, [2, 4]);
    })
    .await;
}

/// A volume with everything that a volume can have.
async fn busy_volume(world: &World, alice: &Tenant) {
    let instance = world.instance(alice, |_| {}).await;
    let ends_at = world.now() + chrono::TimeDelta::seconds(60);
    let volume = world
        .volume(alice, |row| {
            row.instance_id = Set(Some(instance.id));
            row.cooldown_ends_at = Set(Some(ends_at));
        })
        .await;
    for _ in 0..2 {
        world.snapshot(&volume, |_| {}).await;
    }
    world.backup(&volume, |_| {}).await;
    let operation = world
        .operation(&volume, OperationKind::CreateSnapshot, |row| {
            row.status = Set(OperationStatus::Started);
            row.requested_by = Set(Some(alice.user.id));
        })
        .await;
    world
        .change(volume, |row| {
            row.active_operation = Set(Some(operation.kind));
            row.active_operation_id = Set(Some(operation.id));
        })
        .await;
    world.event(&operation, OperationEventKind::Accepted).await;
    world.event(&operation, OperationEventKind::Started).await;
    world.log(&operation, "Exporting", true).await;
}
