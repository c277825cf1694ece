//! Who sees what: rows by owner, fields and types by role.

use entity::operation::OperationKind;
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{Tenant, World, on_each_database};

const SINGLE: [&str; 5] = ["volume", "snapshot", "backup", "operation", "node"];

#[tokio::test]
async fn another_accounts_rows_are_exactly_like_rows_that_do_not_exist() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let ids = one_of_each(&world, &alice).await;
        for (field, id) in ids {
            let document = format!("{{ {field}(id: \"{id}\") {{ id }} }}");
            let absent = "01980000-0000-7000-8000-000000000000";
            let no_such = format!("{{ {field}(id: \"{absent}\") {{ id }} }}");
            let no_id = format!("{{ {field}(id: \"{}\") {{ id }} }}", id.replace('-', ""));
            let own = world.data(&alice.requester, &document).await;
            assert_eq!(own[field]["id"], id, "{field}");
            assert_eq!(world.data(&admin, &document).await[field]["id"], id);
            for document in [&document, &no_such, &no_id] {
                let answer = world.answer(&bob.requester, document, json!({})).await;
                assert_eq!(answer, json!({ "data": { field: null } }), "{document}");
            }
        }
        let lists = "{ volumes { totalCount } snapshots { totalCount } backups { totalCount }
                       operations { totalCount } instances { totalCount } }";
        let mine = world.data(&alice.requester, lists).await;
        let theirs = world.data(&bob.requester, lists).await;
        for list in ["volumes", "snapshots", "backups", "operations", "instances"] {
            assert_ne!(mine[list]["totalCount"], 0, "{list}");
            assert_eq!(theirs[list]["totalCount"], 0, "{list}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_and_agents_read_nothing_of_tenants() {
    on_each_database(async |world| {
        let agent = world.agent();
        for field in [
            "viewer { role }",
            "node(id: \"x\") { id }",
            "volume(id: \"x\") { id }",
            "volumes { totalCount }",
            "snapshot(id: \"x\") { id }",
            "snapshots { totalCount }",
            "backup(id: \"x\") { id }",
            "backups { totalCount }",
            "operation(id: \"x\") { id }",
            "operations { totalCount }",
            "volumePlans { id }",
            "hypervisorGroups { id }",
            "instances { totalCount }",
            "accounts { totalCount }",
            "hypervisor(id: \"x\") { id }",
            "hypervisors { id }",
            "storagePools { id }",
            "backupStorages { id }",
        ] {
            let document = format!("{{ {field} }}");
            let code = world.code(&Requester::Anonymous, &document).await;
            assert_eq!(code, "UNAUTHENTICATED", "{field}");
            assert_eq!(world.code(&agent, &document).await, "FORBIDDEN", "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_platform_is_for_administrators() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let hypervisor = world.platform.hypervisor.id;
        one_of_each(&world, &alice).await;
        for field in [
            "accounts { totalCount }",
            &format!("hypervisor(id: \"{hypervisor}\") {{ id }}"),
            "hypervisors { id }",
            "storagePools { id }",
            "backupStorages { id }",
            "hypervisorGroups { backupStorage { id } }",
            "hypervisorGroups { hypervisors { id } }",
            "viewer { account { users { id } } }",
            "viewer { user { role } }",
            "volumePlans { volumeCount }",
            "volumePlans { volumesAbove(maxSnapshots: 0) }",
            "volumes { nodes { hypervisor { id } } }",
            "operations { nodes { hypervisor { id } } }",
            "instances { nodes { hypervisor { id } } }",
        ] {
            let document = format!("{{ {field} }}");
            let code = world.code(&alice.requester, &document).await;
            assert_eq!(code, "FORBIDDEN", "{field}");
            world.data(&admin, &document).await;
        }
        let node = format!("{{ node(id: \"{hypervisor}\") {{ id __typename }} }}");
        assert!(world.data(&alice.requester, &node).await["node"].is_null());
        let found = world.data(&admin, &node).await;
        assert_eq!(found["node"]["__typename"], "Hypervisor");
    })
    .await;
}

#[tokio::test]
async fn introspection_shows_a_caller_what_it_may_use() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for (hidden, visible) in [
            ("accounts", "volumes"),
            ("hypervisors", "volumePlans"),
            ("hypervisor", "node"),
            ("backupStorages", "viewer"),
        ] {
            let seen = fields(&world, &admin).await;
            assert!(seen.iter().any(|field| field == hidden), "{hidden}");
            let seen = fields(&world, &alice.requester).await;
            assert!(!seen.iter().any(|field| field == hidden), "{hidden}");
            assert!(seen.iter().any(|field| field == visible), "{visible}");
        }
        for ty in [
            "Hypervisor",
            "HypervisorStatus",
            "AgentUpdate",
            "StoragePool",
            "BackupStorage",
            "BackupStorageKind",
            "BackupStorageTest",
            "S3Storage",
            "NfsStorage",
            "LocalStorage",
            "AccountConnection",
        ] {
            let document = format!(
                "{{ __type(name: \"{ty}\") {{ name }} __schema {{ types {{ name }} }} \
                    node: __type(name: \"Node\") {{ possibleTypes {{ name }} }} }}"
            );
            let shown = world.data(&admin, &document).await;
            assert_eq!(shown["__type"]["name"], ty);
            let hidden = world.data(&alice.requester, &document).await;
            assert!(hidden["__type"].is_null(), "{ty}");
            assert!(!hidden.to_string().contains(&format!("\"{ty}\"")), "{ty}");
        }
        let nobody = fields(&world, &Requester::Anonymous).await;
        assert_eq!(nobody, ["errorCatalog", "serverTime"]);
    })
    .await;
}

#[tokio::test]
async fn a_customers_introspection_lacks_the_fields_of_administrators() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for (ty, field) in [
            ("Account", "users"),
            ("User", "role"),
            ("VolumePlan", "volumeCount"),
            ("VolumePlan", "volumesAbove"),
            ("Volume", "hypervisor"),
            ("Operation", "hypervisor"),
            ("Instance", "hypervisor"),
        ] {
            let document = format!("{{ __type(name: \"{ty}\") {{ fields {{ name }} }} }}");
            let name = format!("\"name\":\"{field}\"");
            let shown = world.data(&admin, &document).await.to_string();
            assert!(shown.contains(&name), "{ty}.{field}");
            let hidden = world.data(&alice.requester, &document).await.to_string();
            assert!(!hidden.contains(&name), "{ty}.{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_suggests_no_hidden_field() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let error = world
            .error(&alice.requester, "{ hypervisorz { id } }")
            .await;
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("hypervisors"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn users_see_the_plans_that_new_volumes_may_have() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let retired = world
            .plan(|row| {
                row.name = Set("retired".to_owned());
                row.enabled = Set(false);
            })
            .await;
        world
            .volume(&alice, |row| row.plan_id = Set(retired.id))
            .await;
        let document = "{ volumePlans { name } volumes { nodes { plan { name enabled } } } }";
        let data = world.data(&alice.requester, document).await;
        assert_eq!(data["volumePlans"], json!([{ "name": "plan" }]));
        let plan = &data["volumes"]["nodes"][0]["plan"];
        assert_eq!(*plan, json!({ "name": "retired", "enabled": false }));
        let all = world.data(&admin, "{ volumePlans { name } }").await;
        assert_eq!(all["volumePlans"].as_array().unwrap().len(), 2);
        let node = format!("{{ node(id: \"{}\") {{ id }} }}", retired.id);
        assert!(world.data(&alice.requester, &node).await["node"].is_object());
        assert!(world.data(&bob.requester, &node).await["node"].is_null());
    })
    .await;
}

async fn fields(world: &World, requester: &Requester) -> Vec<String> {
    let document = "{ __schema { queryType { fields { name } } } }";
    let data = world.data(requester, document).await;
    let fields = data["__schema"]["queryType"]["fields"]
        .as_array()
        .unwrap()
        .iter();
    let mut names: Vec<_> = fields
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

async fn one_of_each(world: &World, tenant: &Tenant) -> Vec<(&'static str, String)> {
    let volume = world.volume(tenant, |_| {}).await;
    let snapshot = world.snapshot(&volume, |_| {}).await;
    let backup = world.backup(&volume, |_| {}).await;
    let operation = world
        .operation(&volume, OperationKind::CreateVolume, |_| {})
        .await;
    let instance = world.instance(tenant, |_| {}).await;
    let ids = [
        volume.id.to_string(),
        snapshot.id.to_string(),
        backup.id.to_string(),
        operation.id.to_string(),
    ];
    let nodes = [instance.id.to_string(), tenant.account.id.to_string()];
    let by_field = SINGLE.into_iter().zip(ids.clone());
    let by_node = ids.into_iter().chain(nodes).map(|id| ("node", id));
    by_field.chain(by_node).collect()
}

#[tokio::test]
async fn every_noun_is_found_again_by_its_id() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let platform = &world.platform;
        for (id, ty) in [
            (platform.plan.id.to_string(), "VolumePlan"),
            (platform.group.id.to_string(), "HypervisorGroup"),
            (platform.hypervisor.id.to_string(), "Hypervisor"),
            (platform.pool.id.to_string(), "StoragePool"),
            (platform.backup_storage.id.to_string(), "BackupStorage"),
        ] {
            let document = format!("{{ node(id: \"{id}\") {{ id __typename }} }}");
            let data: Value = world.data(&admin, &document).await;
            assert_eq!(data["node"], json!({ "id": id, "__typename": ty }));
        }
    })
    .await;
}
