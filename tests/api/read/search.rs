//! Searches: by parts of names and by ids, of volumes, backups and operations, and by host and time.

use entity::operation::OperationKind;
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{World, on_each_database};

/// The ids that a list has for a filter, the oldest first.
async fn found(world: &World, by: &Requester, list: &str, filter: Value) -> Vec<String> {
    let (first, rest) = list[..list.len() - 1].split_at(1);
    let input = format!("{}{rest}Filter", first.to_uppercase());
    let document = format!(
        "query($filter: {input}) {{ {list}(filter: $filter, first: 100) {{ nodes {{ id }} totalCount }} }}"
    );
    let variables = json!({ "filter": filter });
    let data = world.data_with(by, &document, variables).await;
    let nodes = data[list]["nodes"].as_array().unwrap();
    assert_eq!(data[list]["totalCount"], nodes.len());
    let ids = nodes.iter().rev().map(|node| node["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn volumes_backups_and_operations_are_found_by_name_and_by_id() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let by = &alice.requester;
        let named = |name: &str| {
            let name = name.to_owned();
            move |row: &mut entity::volume::ActiveModel| row.name = Set(name)
        };
        let data = world.volume(&alice, named("Größe-Data")).await;
        let wal = world.volume(&alice, named("wal")).await;
        let foreign = world.volume(&bob, named("Data of Bob")).await;
        let monday = world
            .backup(&data, |row| row.name = Set("Montag 100%".to_owned()))
            .await;
        let other = world.backup(&wal, |_| {}).await;
        let theirs = world.backup(&foreign, |_| {}).await;
        let restore = world
            .operation(&wal, OperationKind::RestoreToNewVolume, |row| {
                row.target_volume_id = Set(Some(data.id));
                row.subject_name = Set("Ärger".to_owned());
            })
            .await;

        let search = |text: &str| json!({ "search": text });
        for text in [
            "GRÖSSE",
            "data",
            &data.id.to_string(),
            &format!(" {} ", data.id),
        ] {
            let ids = found(&world, by, "volumes", search(text)).await;
            assert_eq!(ids, [data.id.to_string()], "{text}");
        }
        let upper = data.id.to_string().to_uppercase();
        assert_eq!(
            found(&world, by, "volumes", search(&upper)).await,
            [data.id.to_string()]
        );
        for text in [
            "nothing",
            &foreign.id.to_string(),
            "nul\0",
            &"x".repeat(60_000),
        ] {
            for list in ["volumes", "backups", "operations"] {
                let ids = found(&world, by, list, search(text)).await;
                assert!(ids.is_empty(), "{list} {text:.50}");
            }
        }

        for text in [
            "montag",
            "100%",
            "grösse",
            "mo",
            &monday.id.to_string(),
            &data.id.to_string(),
        ] {
            let ids = found(&world, by, "backups", search(text)).await;
            assert_eq!(ids, [monday.id.to_string()], "{text}");
        }
        assert!(
            found(&world, by, "backups", search("00")).await.is_empty(),
            "a beginning"
        );
        let admin = world.admin().await;
        let all = found(&world, &admin, "backups", search("backup")).await;
        assert_eq!(all, [other.id.to_string(), theirs.id.to_string()]);

        // By what they are about, and by either of their volumes.
        let restore_id = restore.id.to_string();
        for text in ["ärger", "ÄR", restore_id.as_str()] {
            let ids = found(&world, by, "operations", search(text)).await;
            assert_eq!(ids, std::slice::from_ref(&restore_id), "{text}");
        }
        for text in ["größe", &data.id.to_string()] {
            let ids = found(&world, by, "operations", search(text)).await;
            assert_eq!(
                ids,
                [monday.operation_id.to_string(), restore_id.clone()],
                "{text}"
            );
        }
        let ids = found(&world, by, "operations", search(&monday.id.to_string())).await;
        assert_eq!(ids, [monday.operation_id.to_string()]);
        // History keeps the names of what is gone.
        world
            .change(data, |row| row.deleted_at = Set(Some(world.now())))
            .await;
        let ids = found(&world, by, "operations", search("größe")).await;
        assert_eq!(ids.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn backups_and_operations_are_found_by_their_time_and_operations_by_their_host() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let far = world.hypervisor(|row| row.name = Set("far".to_owned())).await;
        let mut backups = Vec::new();
        let start = world.now();
        for _ in 0..3 {
            backups.push(world.backup(&volume, |_| {}).await);
            world.wait_seconds(3600);
        }
        let elsewhere = world
            .operation(&volume, OperationKind::CreateSnapshot, |row| {
                row.hypervisor_id = Set(far.id);
            })
            .await;
        let at = |hours: i64| (start + chrono::TimeDelta::hours(hours)).to_rfc3339();
        for (filter, expected) in [
            (json!({ "createdAfter": at(1) }), 1..3),
            (json!({ "createdBefore": at(1) }), 0..1),
            (json!({ "createdAfter": at(1), "createdBefore": at(2) }), 1..2),
            (json!({ "createdAfter": at(2), "createdBefore": at(1) }), 0..0),
        ] {
            let ids = found(&world, &alice.requester, "backups", filter.clone()).await;
            let made: Vec<_> = backups[expected.clone()].iter().map(|one| one.id.to_string()).collect();
            assert_eq!(ids, made, "{filter}");
            let mut filter = filter;
            filter["kind"] = json!("CREATE_BACKUP");
            let ids = found(&world, &alice.requester, "operations", filter.clone()).await;
            let made: Vec<_> = backups[expected]
                .iter()
                .map(|one| one.operation_id.to_string())
                .collect();
            assert_eq!(ids, made, "{filter}");
        }
        let on_far = json!({ "hypervisorId": far.id.to_string() });
        let ids = found(&world, &admin, "operations", on_far.clone()).await;
        assert_eq!(ids, [elsewhere.id.to_string()]);
        let none = json!({ "hypervisorId": "none" });
        assert!(found(&world, &admin, "operations", none).await.is_empty());
        // A customer does not learn where what is theirs is done.
        for document in [
            "query($filter: OperationFilter) { operations(filter: $filter) { totalCount } }",
            "subscription($filter: OperationFilter) { operationEvents(filter: $filter) { cursor } }",
        ] {
            let by = world.signed_in(&alice.requester).await;
            let variables = json!({ "filter": on_far });
            if document.starts_with("query") {
                let error = world.error_with(&by, document, variables).await;
                assert_eq!(error["extensions"]["code"], "FORBIDDEN");
            } else {
                assert_eq!(world.watch(&by, document, variables).refusal().await, "FORBIDDEN");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn operations_of_a_host_are_found_by_an_index() {
    on_each_database(async |world| {
        use sea_orm::{ConnectionTrait, Statement};
        let backend = world.app.database.reads().get_database_backend();
        for (query, index) in [
            (
                "SELECT id FROM operations WHERE hypervisor_id = 'h' ORDER BY id DESC LIMIT 21",
                "operations_hypervisor_id_id",
            ),
            (
                "SELECT count(*) FROM operations WHERE created_at >= '2026-09-21T14:13:20+00:00'",
                "operations_created_at",
            ),
            (
                "SELECT count(*) FROM operations WHERE finished_at >= '2026-09-21T14:13:20+00:00'",
                "operations_finished_at",
            ),
            (
                "SELECT count(*) FROM backups WHERE created_at >= '2026-09-21T14:13:20+00:00'",
                "backups_created_at",
            ),
        ] {
            let plan = world.plan_of(Statement::from_string(backend, query)).await;
            assert!(plan.contains(index), "{plan}");
        }
    })
    .await;
}
