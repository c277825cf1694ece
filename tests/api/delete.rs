//! Deleting what is unused: what still uses it is told, and history goes on to name what is gone.

use entity::{operation::OperationKind, volume_plan::StorageType};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::{Requester, token};

use crate::{
    guard::pair,
    harness::{World, document, on, on_each_database},
};

/// What can be deleted: the mutation, the field of its input, and the list that shows it to administrators.
const NOUNS: [(&str, &str, &str); 7] = [
    ("deleteAccount", "accountId", "accounts { nodes { id } }"),
    ("deleteInstance", "instanceId", "instances { nodes { id } }"),
    ("deleteVolumePlan", "planId", "volumePlans { id }"),
    (
        "deleteHypervisorGroup",
        "hypervisorGroupId",
        "hypervisorGroups { id }",
    ),
    ("deleteHypervisor", "hypervisorId", "hypervisors { id }"),
    ("deleteStoragePool", "storagePoolId", "storagePools { id }"),
    (
        "deleteBackupStorage",
        "backupStorageId",
        "backupStorages { id }",
    ),
];

/// Makes something through the API, and gives its id.
async fn made(world: &World, admin: &Requester, mutation: &str, noun: &str, input: Value) -> Value {
    let document = document(mutation, &format!("{noun} {{ id }}"));
    let mut data = world
        .data_with(admin, &document, json!({ "input": input }))
        .await;
    data[mutation][noun]["id"].take()
}

/// One of each noun that nothing uses, in the order of [`NOUNS`].
async fn unused(world: &World, admin: &Requester) -> Vec<Value> {
    let make = async |mutation, noun, input: Value| made(world, admin, mutation, noun, input).await;
    let account = make("createAccount", "account", json!({ "name": "new" })).await;
    let alice = world.tenant("alice").await;
    let instance = json!({
        "accountId": alice.account.id.to_string(), "name": "new",
        "hypervisorId": world.platform.hypervisor.id.to_string(),
    });
    let instance = make("createInstance", "instance", instance).await;
    let plan = json!({ "name": "new", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE" });
    let plan = make("createVolumePlan", "plan", plan).await;
    let group = make(
        "createHypervisorGroup",
        "hypervisorGroup",
        json!({ "name": "new" }),
    )
    .await;
    let there = world.platform.group.id.to_string();
    let host = json!({ "hypervisorGroupId": there, "name": "new" });
    let host = make("createHypervisor", "hypervisor", host).await;
    let pool = json!({ "hypervisorGroupId": there, "name": "new", "qcow2File": { "path": "/n" } });
    let pool = make("createStoragePool", "storagePool", pool).await;
    let storage = json!({ "name": "new", "local": { "path": "/n" } });
    let storage = make("createBackupStorage", "backupStorage", storage).await;
    vec![account, instance, plan, group, host, pool, storage]
}

fn deletion(field: &str, id: &Value, name: &str) -> Value {
    json!({ field: id, "confirmName": name })
}

#[tokio::test]
async fn what_is_unused_is_deleted_once_its_name_is_typed_and_is_nowhere_any_more() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let ids = unused(&world, &admin).await;
        for ((mutation, field, list), id) in NOUNS.iter().zip(&ids) {
            let listed = async || {
                let data = world.data(&admin, &format!("{{ {list} }}")).await;
                data.to_string().contains(id.as_str().unwrap())
            };
            assert!(listed().await, "{list}");
            let wrong = deletion(field, id, "news");
            let (code, _) = world.refusal(&admin, mutation, wrong).await;
            assert_eq!(code, "CONFIRMATION_MISMATCH", "{mutation}");
            let right = deletion(field, id, " new ");
            let mut deleted = (*field).to_owned();
            deleted.replace_range(..1, &field[..1].to_uppercase());
            let deleted = format!("deleted{deleted}");
            let document = document(mutation, &deleted);
            let input = json!({ "input": right.clone() });
            let data = world.data_with(&admin, &document, input).await;
            assert_eq!(data[mutation][&deleted], *id);
            assert!(!listed().await, "{list}");
            let node = format!("{{ node(id: {id}) {{ id }} }}");
            assert_eq!(world.data(&admin, &node).await["node"], Value::Null);
            let again = world.refusal(&admin, mutation, right).await;
            let unknown = json!("0190a0a0-0000-7000-8000-000000000000");
            let unknown = deletion(field, &unknown, "new");
            assert_eq!(again, world.refusal(&admin, mutation, unknown).await);
            assert_eq!(again.0, "NOT_FOUND", "{mutation}");
        }
        let host = format!("{{ hypervisor(id: {}) {{ id }} }}", ids[4]);
        assert_eq!(world.data(&admin, &host).await["hypervisor"], Value::Null);
        let told = world.audit().await;
        let carried_out = |event: &&entity::audit_event::Model| {
            event.mutation.starts_with("delete") && event.outcome == "OK"
        };
        assert_eq!(told.iter().filter(carried_out).count(), NOUNS.len());
    })
    .await;
}

#[tokio::test]
async fn nothing_new_refers_to_what_was_deleted() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let ids = unused(&world, &admin).await;
        for ((mutation, field, _), id) in NOUNS.iter().zip(&ids) {
            world.run(&admin, mutation, deletion(field, id, "new")).await;
        }
        let [account, instance, plan, group, host, pool, storage] = &ids[..] else {
            panic!("{ids:?}")
        };
        let there = world.platform.group.id.to_string();
        let owner = world.tenant("bob").await;
        let volume = world.volume(&owner, |_| {}).await;
        let mut in_group = world.new_volume("v");
        in_group["hypervisorGroupId"] = group.clone();
        let mut of_plan = world.new_volume("v");
        of_plan["planId"] = plan.clone();
        let mut for_account = world.new_volume("v");
        for_account["accountId"] = account.clone();
        let requests = [
            ("createVolume", in_group),
            ("createVolume", of_plan),
            ("createVolume", for_account),
            (
                "moveVolumeToPlan",
                json!({ "volumeId": volume.id.to_string(), "planId": plan }),
            ),
            (
                "attachVolume",
                json!({ "volumeId": volume.id.to_string(), "instanceId": instance }),
            ),
            ("startInstance", json!({ "instanceId": instance })),
            ("updateInstance", json!({ "instanceId": instance, "name": "n" })),
            ("updateAccount", json!({ "accountId": account })),
            (
                "createUser",
                json!({ "accountId": account, "email": "n@example.test", "password": "long enough for it" }),
            ),
            (
                "createInstance",
                json!({ "accountId": account, "name": "n",
                        "hypervisorId": world.platform.hypervisor.id.to_string() }),
            ),
            (
                "createInstance",
                json!({ "accountId": owner.account.id.to_string(), "name": "n", "hypervisorId": host }),
            ),
            ("updateVolumePlan", json!({ "planId": plan })),
            ("updateHypervisorGroup", json!({ "hypervisorGroupId": group })),
            (
                "updateHypervisorGroup",
                json!({ "hypervisorGroupId": there, "backupStorageId": storage }),
            ),
            ("createHypervisor", json!({ "hypervisorGroupId": group, "name": "n" })),
            (
                "createHypervisor",
                json!({ "hypervisorGroupId": there, "name": "n", "backupStorageId": storage }),
            ),
            ("updateHypervisor", json!({ "hypervisorId": host })),
            (
                "createStoragePool",
                json!({ "hypervisorGroupId": group, "name": "n", "qcow2File": { "path": "/n" } }),
            ),
            ("updateStoragePool", json!({ "storagePoolId": pool, "name": "n" })),
            ("updateBackupStorage", json!({ "backupStorageId": storage, "name": "n" })),
            ("testBackupStorage", json!({ "backupStorageId": storage })),
            (
                "testBackupStorage",
                json!({ "backupStorageId": world.platform.backup_storage.id.to_string(),
                        "hypervisorId": host }),
            ),
        ];
        for (mutation, input) in requests {
            let words = format!("{mutation} {input}");
            let (code, _) = world.refusal(&admin, mutation, input).await;
            assert_eq!(code, "NOT_FOUND", "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_used_is_not_deleted_and_the_refusal_says_by_what() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let instance = world.instance(&alice, |_| {}).await;
        for attached in [Some(instance.id), Some(instance.id), None] {
            world
                .volume(&alice, |row| row.instance_id = Set(attached))
                .await;
        }
        let volume = world.volume(&alice, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        let now = world.now();
        let gone = world
            .volume(&alice, |row| row.deleted_at = Set(Some(now)))
            .await;
        world
            .backup(&gone, |row| row.deleted_at = Set(Some(now)))
            .await;
        let platform = &world.platform;
        let used = [
            (
                alice.account.id.to_string(),
                "alice",
                "Account \"alice\" is used by 1 user, 4 volumes, 2 backups and 1 instance.",
            ),
            (
                instance.id.to_string(),
                "instance",
                "Instance \"instance\" is running. Stop it first.",
            ),
            (
                platform.plan.id.to_string(),
                "plan",
                "Plan \"plan\" is used by 4 volumes and 2 backups.",
            ),
            (
                platform.group.id.to_string(),
                "group",
                "Hypervisor group \"group\" is used by 1 hypervisor, 1 storage pool, 4 volumes and 2 backups.",
            ),
            (
                platform.hypervisor.id.to_string(),
                "host",
                "Hypervisor \"host\" is used by 4 volumes, 1 instance and 2 backups.",
            ),
            (
                platform.pool.id.to_string(),
                "pool",
                "Storage pool \"pool\" is used by 4 volumes.",
            ),
            (
                platform.backup_storage.id.to_string(),
                "vault",
                "Backup storage \"vault\" is used by 2 backups and 1 hypervisor group.",
            ),
        ];
        for ((mutation, field, _), (id, name, message)) in NOUNS.iter().zip(&used) {
            let input = deletion(field, &json!(id), name);
            let told = world.refusal(&admin, mutation, input).await;
            assert_eq!(told, pair("IN_USE", message));
        }
        world
            .run(
                &alice.requester,
                "stopInstance",
                on("instanceId", instance.id),
            )
            .await;
        let input = deletion("instanceId", &json!(instance.id.to_string()), "instance");
        let told = world.refusal(&admin, "deleteInstance", input).await;
        let words = "Instance \"instance\" is used by 2 volumes.";
        assert_eq!(told, pair("IN_USE", words));
    })
    .await;
}

#[tokio::test]
async fn a_hypervisor_stays_while_it_has_work_or_backups_that_need_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let delete = deletion("hypervisorId", &json!(far.id.to_string()), "far");
        let volume = world.volume(&alice, |_| {}).await;
        // On its own disk, by the kind of the storage.
        let backup = world
            .backup(&volume, |row| row.hypervisor_id = Set(far.id))
            .await;
        let told = world
            .refusal(&admin, "deleteHypervisor", delete.clone())
            .await;
        let words = "Hypervisor \"far\" is used by 1 backup.";
        assert_eq!(told, pair("IN_USE", words));
        let nfs = json!({ "name": "n", "nfs": { "server": "nfs.test", "export": "/e" } });
        let nfs = world.backup_storage(&admin, nfs).await;
        world
            .by_hand(&format!("UPDATE backups SET backup_storage_id = '{nfs}'"))
            .await;
        // What waits for it.
        let waiting = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        world.run(&alice.requester, "deleteBackup", waiting).await;
        let told = world
            .refusal(&admin, "deleteHypervisor", delete.clone())
            .await;
        let words = "Hypervisor \"far\" is used by 1 operation.";
        assert_eq!(told, pair("IN_USE", words));
        world
            .by_hand(&format!(
                "UPDATE operations SET hypervisor_id = '{}'",
                world.platform.hypervisor.id
            ))
            .await;
        world.work().await;
        world.run(&admin, "deleteHypervisor", delete).await;
    })
    .await;
}

#[tokio::test]
async fn backups_of_a_deleted_hypervisor_are_restored_and_deleted_by_another_of_its_group() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let nfs = json!({ "name": "n", "nfs": { "server": "nfs.test", "export": "/e" } });
        let nfs = world.backup_storage(&admin, nfs).await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let now = world.now();
        let volume = world
            .volume(&alice, |row| {
                row.hypervisor_id = Set(far.id);
                row.deleted_at = Set(Some(now));
            })
            .await;
        let backup = world
            .backup(&volume, |row| {
                row.hypervisor_id = Set(far.id);
                row.backup_storage_id = Set(nfs);
            })
            .await;
        let delete = deletion("hypervisorId", &json!(far.id.to_string()), "far");
        world.run(&admin, "deleteHypervisor", delete).await;
        // It stays readable where it is history.
        let operations = "{ operations { nodes { hypervisor { name group { name } } } } }";
        let data = world.data(&admin, operations).await;
        assert_eq!(data["operations"]["nodes"][0]["hypervisor"]["name"], "far");
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        world
            .run(&alice.requester, "restoreToNewVolume", restore)
            .await;
        world.work().await;
        let host = world.platform.hypervisor.id.to_string();
        // The last one of the group is kept for its backups.
        let made = "UPDATE volumes SET deleted_at = created_at WHERE deleted_at IS NULL";
        world.by_hand(made).await;
        let last = deletion("hypervisorId", &json!(host), "host");
        let told = world.refusal(&admin, "deleteHypervisor", last).await;
        let words = "Hypervisor \"host\" is used by 1 backup.";
        assert_eq!(told, pair("IN_USE", words));
        let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
        world.run(&alice.requester, "deleteBackup", delete).await;
        world.work().await;
        assert!(world.backup_row(backup.id).await.deleted_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn the_agent_of_a_deleted_hypervisor_is_nobody_and_its_stream_ends() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let input = json!({
            "hypervisorGroupId": world.platform.group.id.to_string(), "name": "h",
        });
        let document = document("createHypervisor", "hypervisor { id } enrolmentToken");
        let data = world
            .data_with(&admin, &document, json!({ "input": input }))
            .await;
        let made = &data["createHypervisor"];
        let secret = made["enrolmentToken"].as_str().unwrap();
        let agent = token::authenticate(&world.app, secret).await.unwrap();
        let mut work = world.watch(
            &agent,
            "subscription { agentWork { __typename } }",
            json!({}),
        );
        work.next_answer_soon().await;
        let delete = deletion("hypervisorId", &made["hypervisor"]["id"], "h");
        world.run(&admin, "deleteHypervisor", delete).await;
        assert!(token::authenticate(&world.app, secret).await.is_err());
        assert_eq!(work.refusal().await, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn history_names_deleted_accounts_and_plans() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let plan = world
            .plan(|row| row.storage_type = Set(StorageType::Qcow2File))
            .await;
        let now = world.now();
        let volume = world
            .volume(&alice, |row| {
                row.plan_id = Set(plan.id);
                row.deleted_at = Set(Some(now));
            })
            .await;
        world
            .operation(&volume, OperationKind::DeleteVolume, |_| {})
            .await;
        world
            .by_hand(&format!(
                "DELETE FROM users WHERE account_id = '{}'",
                alice.account.id
            ))
            .await;
        let delete = deletion("accountId", &json!(alice.account.id.to_string()), "alice");
        world.run(&admin, "deleteAccount", delete).await;
        let delete = deletion("planId", &json!(plan.id.to_string()), "plan");
        world.run(&admin, "deleteVolumePlan", delete).await;
        let data = world
            .data(
                &admin,
                "{ operations { nodes { account { name volumeCount } } } }",
            )
            .await;
        assert_eq!(
            data["operations"]["nodes"],
            json!([{ "account": { "name": "alice", "volumeCount": 0 } }])
        );
    })
    .await;
}

#[tokio::test]
async fn a_deleted_backup_storage_or_pool_keeps_no_key() {
    on_each_database(async |world| {
        let key = tidemark::secret::new_key().unwrap();
        let world = world.with_keys(&[&key]);
        let admin = world.admin().await;
        let bucket = world.bucket(&admin, "b", "hunter2").await;
        let (pool, _) = world.ceph(&admin, Some("AQDkey==")).await;
        let kept = async || {
            let kept = tidemark::domain::secret::list(world.app.database.reads()).await;
            kept.unwrap().len()
        };
        assert_eq!(kept().await, 2);
        let delete = deletion("backupStorageId", &json!(bucket.to_string()), "b");
        world.run(&admin, "deleteBackupStorage", delete).await;
        let delete = deletion("storagePoolId", &json!(pool.to_string()), "rbd");
        world.run(&admin, "deleteStoragePool", delete).await;
        assert_eq!(kept().await, 0);
    })
    .await;
}
