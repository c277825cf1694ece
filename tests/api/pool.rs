//! Storage pools of both kinds: what administrators may type and change, which pool a volume gets,
//! and that nothing is restored from one kind onto the other.

use entity::{StoragePoolId, volume_plan::StorageType};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::secret::new_key;

use crate::harness::{World, id, on, on_each_database};

#[tokio::test]
async fn a_volume_lies_in_the_pool_of_its_plans_kind() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&new_key().unwrap()]);
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let mut on_ceph = world.new_volume("on ceph");
        let (pool, plan) = world.ceph(&admin, Some("AQBkey==")).await;
        on_ceph["planId"] = json!(plan.id.to_string());
        let on_files = world.new_volume("on files");
        for (input, kind, pool) in [
            (on_ceph, StorageType::CephRbd, pool),
            (on_files, StorageType::Qcow2File, world.platform.pool.id),
        ] {
            let payload = world.run(&alice.requester, "createVolume", input).await;
            let row = world.volume_row(id(&payload["volume"])).await;
            assert_eq!((row.storage_type, row.pool_id), (kind, pool));
            let work = world.worker().claim_one().await;
            let told = &work.assignment["volume"]["pool"];
            let is_ceph = kind == StorageType::CephRbd;
            assert_eq!(told["cephRbd"].is_object(), is_ceph, "{told}");
            assert_eq!(told["qcow2File"].is_object(), !is_ceph, "{told}");
            world.worker().complete(&work).await;

            // What is restored from it goes to a pool of its kind, too.
            let volume = world.volume_row(row.id).await;
            let backup = world.backup(&volume, |_| {}).await;
            let source = json!({ "source": { "backupId": backup.id.to_string() } });
            let payload = world
                .run(&alice.requester, "restoreToNewVolume", source)
                .await;
            let made = world.volume_row(id(&payload["volume"])).await;
            assert_eq!((made.storage_type, made.pool_id), (kind, pool));
            let work = world.worker().claim_one().await;
            let told = &work.assignment["targetVolume"]["pool"]["cephRbd"];
            let keyring = if is_ceph {
                json!("AQBkey==")
            } else {
                Value::Null
            };
            assert_eq!(told["keyring"], keyring);
            world.worker().complete(&work).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_running_instance_is_told_with_its_socket() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world
            .instance(&alice, |row| {
                row.qmp_socket = Set(Some("/run/vm/7.qmp".to_owned()));
            })
            .await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        world
            .run(
                &alice.requester,
                "createSnapshot",
                on("volumeId", volume.id),
            )
            .await;
        let work = world.worker().claim_one().await;
        let told = json!({
            "id": instance.id.to_string(), "running": true, "qmpSocket": "/run/vm/7.qmp",
        });
        assert_eq!(work.assignment["volume"]["instance"], told);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_pool_is_said_by_the_name_of_its_field() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&new_key().unwrap()]);
        let admin = world.admin().await;
        let ceph_with = |field: &str, value: &str| {
            let mut ceph =
                json!({ "pool": "rbd", "user": "u", "configPath": "/c", "keyring": "k" });
            ceph[field] = json!(value);
            json!({ "cephRbd": ceph })
        };
        for (words, mut input) in [
            ("`cephRbd.pool`", ceph_with("pool", "rbd/other")),
            ("`cephRbd.user`", ceph_with("user", "u:conf=/etc")),
            ("`cephRbd.configPath`", ceph_with("configPath", "ceph.conf")),
            ("`cephRbd.keyring`", ceph_with("keyring", "")),
            (
                "`cephRbd.keyring`",
                ceph_with("keyring", "hunter2 two words"),
            ),
            ("`cephRbd.keyring`", ceph_with("keyring", "hunter2\0")),
            (
                "`qcow2File.path`",
                json!({ "qcow2File": { "path": "../volumes" } }),
            ),
            ("Give exactly one", json!({})),
        ] {
            input["name"] = json!("pool");
            input["hypervisorGroupId"] = json!(world.platform.group.id.to_string());
            let (code, message) = world.refusal(&admin, "createStoragePool", input).await;
            assert_eq!(code, "INVALID_INPUT", "{words}");
            assert!(message.starts_with(words), "{words}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    })
    .await;
}

/// What the agent is told of a Ceph pool.
async fn told(world: &World, pool: StoragePoolId, kind: StorageType) -> Value {
    let tenant = world.tenant(&tidemark::domain::Ids.secret()).await;
    let volume = world
        .volume(&tenant, |row| {
            row.pool_id = Set(pool);
            row.storage_type = Set(kind);
        })
        .await;
    world
        .run(
            &tenant.requester,
            "createSnapshot",
            on("volumeId", volume.id),
        )
        .await;
    let work = world.worker().claim_one().await;
    work.assignment["volume"]["pool"]["cephRbd"].clone()
}

#[tokio::test]
async fn a_pools_key_changes_at_any_time_but_one_with_volumes_stays_where_it_is() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&new_key().unwrap()]);
        let admin = world.admin().await;
        let (pool, plan) = world.ceph(&admin, Some("AQBold==")).await;
        let before = told(&world, pool, plan.storage_type).await;
        assert_eq!(before["keyring"], "AQBold==");
        let update = |ceph: Value| json!({ "storagePoolId": pool.to_string(), "cephRbd": ceph });
        let same = update(json!({ "pool": "rbd", "user": "tidemark" }));
        world.run(&admin, "updateStoragePool", same).await;
        assert_eq!(told(&world, pool, plan.storage_type).await, before);
        let moved = update(json!({ "pool": "other", "user": "tidemark" }));
        let (code, message) = world.refusal(&admin, "updateStoragePool", moved).await;
        assert_eq!(code, "INVALID_INPUT");
        let words = "The storage pool holds 2 volumes and cannot be pointed elsewhere.";
        assert_eq!(message, words);
        let rotated = json!({ "pool": "rbd", "user": "backup", "keyring": "AQBnew==" });
        world
            .run(&admin, "updateStoragePool", update(rotated))
            .await;
        let after = told(&world, pool, plan.storage_type).await;
        assert_eq!(
            (&after["user"], &after["keyring"]),
            (&json!("backup"), &json!("AQBnew=="))
        );
        assert_eq!(after["configPath"], before["configPath"]);
        let cleared = json!({ "pool": "rbd", "user": "backup", "keyring": null });
        world
            .run(&admin, "updateStoragePool", update(cleared))
            .await;
        let after = told(&world, pool, plan.storage_type).await;
        assert_eq!(after["keyring"], Value::Null);
        let other = json!({ "storagePoolId": pool.to_string(), "qcow2File": { "path": "/p" } });
        let (_, message) = world.refusal(&admin, "updateStoragePool", other).await;
        let words = "The storage type of a storage pool cannot be changed.";
        assert_eq!(message, words);
        let named = json!({ "storagePoolId": pool.to_string(), "name": "renamed" });
        world.run(&admin, "updateStoragePool", named).await;
        let shown = world
            .data(&admin, "{ storagePools { name summary } }")
            .await;
        let expected = json!({ "name": "renamed", "summary": "ceph: rbd as backup" });
        assert!(
            shown["storagePools"]
                .as_array()
                .unwrap()
                .contains(&expected),
            "{shown}"
        );
    })
    .await;
}

#[tokio::test]
async fn nothing_is_restored_across_kinds_and_actions_say_so_before() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let ceph = world
            .plan(|row| row.storage_type = Set(StorageType::CephRbd))
            .await;
        let files = world.platform.plan.clone();
        let rest = "plan. Choose a target plan whose storage type matches the source volume's \
                    storage type.";
        let cases = [
            (
                &ceph,
                &files,
                format!("created on Ceph cannot restore onto an NFS-backed {rest}"),
            ),
            (
                &files,
                &ceph,
                format!("created on qcow2 files cannot restore onto a Ceph-backed {rest}"),
            ),
        ];
        for (of, onto, words) in cases {
            // The volume has become one of the other kind since; so a restore in place is refused, too.
            let volume = world
                .volume(&alice, |row| {
                    row.plan_id = Set(onto.id);
                    row.storage_type = Set(onto.storage_type);
                })
                .await;
            let backup = world
                .backup(&volume, |row| row.storage_type = Set(of.storage_type))
                .await;
            let source = json!({ "backupId": backup.id.to_string() });
            let refused = (
                "STORAGE_TYPE_MISMATCH".to_owned(),
                format!("Backup {words}"),
            );
            let new = json!({ "source": source, "planId": onto.id.to_string() });
            let in_place = json!({
                "volumeId": volume.id.to_string(), "source": source, "confirmName": "volume",
            });
            for (mutation, input) in [("restoreToNewVolume", new), ("restoreInPlace", in_place)] {
                let told = world.refusal(&alice.requester, mutation, input).await;
                assert_eq!(told, refused, "{mutation}");
            }
            let document = "query($volume: ID!, $source: RestoreSource!) {
                volume(id: $volume) { actions {
                    restoreInPlace(source: $source) { allowed blockers { code message } }
                    restoreToNewVolume(source: $source) { allowed blockers { code message } }
                } } }";
            let variables = json!({ "volume": volume.id.to_string(), "source": source });
            let data = world.data_with(&alice.requester, document, variables).await;
            let blocker = json!({ "code": refused.0, "message": refused.1 });
            let expected = json!({ "allowed": false, "blockers": [blocker] });
            for action in ["restoreInPlace", "restoreToNewVolume"] {
                assert_eq!(data["volume"]["actions"][action], expected, "{action}");
            }
            let rows = world.volume_row(volume.id).await;
            assert_eq!(rows.active_operation_id, None);
        }
    })
    .await;
}
