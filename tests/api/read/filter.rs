//! Filters: what the database finds is what the fields say.

use entity::{
    operation::{OperationKind, OperationStatus},
    snapshot::ItemStatus,
    volume::{ActiveModel, VolumeState},
    volume_plan::StorageType,
};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, World, on_each_database};

const VOLUMES: &str = "query($filter: VolumeFilter) {
  volumes(filter: $filter, first: 100) { nodes { id name status } totalCount }
}";

#[tokio::test]
async fn the_status_that_is_asked_for_is_the_status_that_is_shown() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world.instance(&alice, |_| {}).await;
        let mut volumes = 0;
        for state in [
            VolumeState::Creating,
            VolumeState::Available,
            VolumeState::Deleting,
            VolumeState::Failed,
        ] {
            for attached in [None, Some(instance.id)] {
                for active in [
                    None,
                    Some(OperationKind::CreateBackup),
                    Some(OperationKind::RestoreInPlace),
                ] {
                    world
                        .volume(&alice, |row| {
                            row.state = Set(state);
                            row.instance_id = Set(attached);
                            row.active_operation = Set(active);
                        })
                        .await;
                    volumes += 1;
                }
            }
        }
        let mut found = 0;
        for (status, expected) in [
            ("CREATING", 6),
            ("AVAILABLE", 2),
            ("ATTACHED", 2),
            ("RESTORING", 2),
            ("DELETING", 6),
            ("FAILED", 6),
        ] {
            let nodes = volumes_where(&world, &alice, json!({ "status": status })).await;
            assert!(
                nodes.iter().all(|node| node["status"] == status),
                "{nodes:#?}"
            );
            assert_eq!(nodes.len(), expected, "{status}");
            found += nodes.len();
        }
        assert_eq!(found, volumes);
    })
    .await;
}

#[tokio::test]
async fn a_name_is_found_by_any_part_of_it_whatever_its_case() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for name in [
            "Data-100%",
            "data_1000",
            "Wal!",
            "Ärger",
            "back\\slash",
            "Große Straße",
        ] {
            let named = |row: &mut ActiveModel| row.name = Set(name.to_owned());
            world.volume(&alice, named).await;
        }
        for (text, expected) in [
            ("DATA", vec!["Data-100%", "data_1000"]),
            ("100%", vec!["Data-100%"]),
            ("a_1", vec!["data_1000"]),
            ("al!", vec!["Wal!"]),
            ("ÄRGER", vec!["Ärger"]),
            ("a\u{308}rg", vec!["Ärger"]),
            ("GER", vec!["Ärger"]),
            ("strasse", vec!["Große Straße"]),
            ("ck\\s", vec!["back\\slash"]),
            ("00%", vec!["Data-100%"]),
            ("nothing", vec![]),
            ("nul\0", vec![]),
            (&"x".repeat(60_000), vec![]),
            (&"ß".repeat(385), vec![]),
            // Short ones are beginnings.
            ("DA", vec!["Data-100%", "data_1000"]),
            ("ä", vec!["Ärger"]),
            ("ta", vec![]),
            ("%", vec![]),
            (
                "",
                vec![
                    "Data-100%",
                    "Große Straße",
                    "Wal!",
                    "back\\slash",
                    "data_1000",
                    "Ärger",
                ],
            ),
        ] {
            let nodes = volumes_where(&world, &alice, json!({ "nameContains": text })).await;
            let mut names: Vec<_> = nodes
                .iter()
                .map(|node| node["name"].as_str().unwrap())
                .collect();
            names.sort_unstable();
            assert_eq!(names, expected, "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn volumes_are_found_by_lock_storage_and_account() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let free = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&free, OperationKind::CreateSnapshot, |row| {
                row.status = Set(OperationStatus::Started);
            })
            .await;
        let held = |row: &mut ActiveModel| {
            row.active_operation = Set(Some(operation.kind));
            row.active_operation_id = Set(Some(operation.id));
            row.storage_type = Set(StorageType::CephRbd);
        };
        let busy = world.volume(&alice, held).await;
        world.volume(&bob, |_| {}).await;

        let found = volumes_where(&world, &alice, json!({ "busy": true })).await;
        assert_eq!(ids(&found), [busy.id.to_string()]);
        let found = volumes_where(&world, &alice, json!({ "busy": false })).await;
        assert_eq!(ids(&found), [free.id.to_string()]);
        let found = volumes_where(&world, &alice, json!({ "storageType": "CEPH_RBD" })).await;
        assert_eq!(ids(&found), [busy.id.to_string()]);

        let of_bob = json!({ "accountId": bob.account.id.to_string() });
        assert!(
            volumes_where(&world, &alice, of_bob.clone())
                .await
                .is_empty()
        );
        let variables = json!({ "filter": of_bob });
        let data = world.data_with(&admin, VOLUMES, variables).await;
        assert_eq!(data["volumes"]["totalCount"], 1);
        let broken = json!({ "accountId": "none" });
        assert!(volumes_where(&world, &alice, broken).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn items_and_operations_are_found_by_volume_and_status() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let other = world.volume(&alice, |_| {}).await;
        let failed = |row: &mut entity::snapshot::ActiveModel| row.status = Set(ItemStatus::Failed);
        world.snapshot(&volume, failed).await;
        world.snapshot(&volume, |_| {}).await;
        world.snapshot(&other, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        world
            .operation(&volume, OperationKind::RestoreToNewVolume, |row| {
                row.target_volume_id = Set(Some(other.id));
            })
            .await;
        let document = "query($volume: ID!) {
            all: snapshots(filter: { volumeId: $volume }) { totalCount }
            failed: snapshots(filter: { volumeId: $volume, status: FAILED }) { totalCount }
            backups(filter: { volumeId: $volume }) { totalCount }
            operations(filter: { volumeId: $volume }) { totalCount }
            restores: operations(filter: {
                volumeId: $volume, kind: RESTORE_TO_NEW_VOLUME, status: COMPLETED
            }) { totalCount }
        }";
        for (id, counts) in [(volume.id, [2, 1, 1, 4, 1]), (other.id, [1, 0, 0, 2, 1])] {
            let variables = json!({ "volume": id.to_string() });
            let data = world.data_with(&alice.requester, document, variables).await;
            let found = ["all", "failed", "backups", "operations", "restores"]
                .map(|list| data[list]["totalCount"].as_i64().unwrap());
            assert_eq!(found, counts);
        }
    })
    .await;
}

async fn volumes_where(world: &World, tenant: &Tenant, filter: Value) -> Vec<Value> {
    let variables = json!({ "filter": filter });
    let data = world.data_with(&tenant.requester, VOLUMES, variables).await;
    let nodes = data["volumes"]["nodes"].as_array().unwrap().clone();
    assert_eq!(data["volumes"]["totalCount"], nodes.len());
    nodes
}

fn ids(nodes: &[Value]) -> Vec<String> {
    let ids = nodes.iter().map(|node| node["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}
