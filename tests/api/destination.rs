//! Backup storages of every kind: what administrators may type, what is shown, what agents are told,
//! who works with them, and what a test finds.

use chrono::TimeDelta;
use sea_orm::Set;
use serde_json::{Value, json};
use testbed::{Ganesha, S3sFs};
use tidemark::{domain::Requester, secret::new_key};

use crate::harness::{World, document, id, on, on_each_database, s3};

const SHOWN: &str = "backupStorage { id kind summary survivesHostLoss bandwidthLimit }";

async fn with_key(world: World) -> World {
    world.with_keys(&[&new_key().unwrap()])
}

fn bucket() -> Value {
    let mut bucket = s3();
    bucket["secretAccessKey"] = json!("secret");
    bucket
}

/// A backup storage that is made, as it is shown.
async fn make(world: &World, admin: &Requester, input: Value) -> Value {
    let document = document("createBackupStorage", SHOWN);
    let mut data = world
        .data_with(admin, &document, json!({ "input": input }))
        .await;
    data["createBackupStorage"]["backupStorage"].take()
}

#[tokio::test]
async fn each_kind_is_shown_in_a_line_and_told_in_full() {
    on_each_database(async |world| {
        let world = with_key(world).await;
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let plain = json!({
            "region": "eu-west-1", "bucket": "plain", "accessKeyId": "AK", "secretAccessKey": "s",
        });
        let nfs = json!({ "server": "nas:20490", "export": "/export/", "directory": "a/b/" });
        let cases = [
            (
                json!({ "s3": bucket(), "bandwidthLimit": 1_048_576 }),
                json!({
                    "kind": "S3", "summary": "s3: backups/site/a at https://s3.example.test",
                    "survivesHostLoss": true, "bandwidthLimit": 1_048_576,
                }),
                json!({ "bandwidthLimit": 1_048_576, "local": null, "nfs": null, "s3": {
                    "endpoint": "https://s3.example.test", "region": "eu-1", "bucket": "backups",
                    "prefix": "site/a", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "secret",
                    "forcePathStyle": true,
                } }),
            ),
            (
                json!({ "s3": plain }),
                json!({
                    "kind": "S3", "summary": "s3: plain at AWS eu-west-1",
                    "survivesHostLoss": true, "bandwidthLimit": null,
                }),
                json!({ "bandwidthLimit": null, "local": null, "nfs": null, "s3": {
                    "endpoint": null, "region": "eu-west-1", "bucket": "plain", "prefix": null,
                    "accessKeyId": "AK", "secretAccessKey": "s", "forcePathStyle": null,
                } }),
            ),
            (
                json!({ "nfs": nfs }),
                json!({
                    "kind": "NFS", "summary": "nfs: nas:20490:/export/a/b",
                    "survivesHostLoss": true, "bandwidthLimit": null,
                }),
                json!({ "bandwidthLimit": null, "local": null, "s3": null, "nfs": {
                    "server": "nas:20490", "export": "/export/", "directory": "a/b",
                } }),
            ),
            (
                json!({ "local": { "path": "/srv/b" } }),
                json!({
                    "kind": "LOCAL", "summary": "local: /srv/b",
                    "survivesHostLoss": false, "bandwidthLimit": null,
                }),
                json!({ "bandwidthLimit": null, "nfs": null, "s3": null, "local": {
                    "path": "/srv/b",
                } }),
            ),
        ];
        for (mut input, mut shown, mut told) in cases {
            input["name"] = json!("storage");
            let made = make(&world, &admin, input).await;
            shown["id"] = made["id"].clone();
            told["id"] = made["id"].clone();
            assert_eq!(made, shown);
            world.back_up_to(&admin, id(&made)).await;
            let volume = world.volume(&alice, |_| {}).await;
            world
                .run(&alice.requester, "createBackup", on("volumeId", volume.id))
                .await;
            let work = world.worker().claim_one().await;
            assert_eq!(work.assignment["backup"]["destination"], told);
            world.worker().complete(&work).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_said_by_the_name_of_its_field_and_a_secret_is_not_repeated() {
    on_each_database(async |world| {
        let world = with_key(world).await;
        let admin = world.admin().await;
        let s3_with = |field: &str, value: Value| {
            let mut bucket = bucket();
            bucket[field] = value;
            json!({ "s3": bucket })
        };
        let nfs_with = |field: &str, value: &str| {
            let mut nfs = json!({ "server": "nas", "export": "/export", "directory": "d" });
            nfs[field] = json!(value);
            json!({ "nfs": nfs })
        };
        let cases = [
            (
                "`s3.endpoint`",
                s3_with("endpoint", json!("https://u:hunter2@s3.example.test")),
            ),
            (
                "`s3.endpoint`",
                s3_with("endpoint", json!("ftp://s3.example.test")),
            ),
            (
                "`s3.endpoint`",
                s3_with("endpoint", json!("https://s3.example.test/?hunter2=1")),
            ),
            ("`s3.region`", s3_with("region", json!("eu 1"))),
            ("`s3.bucket`", s3_with("bucket", json!("not/a/bucket"))),
            ("`s3.bucket`", {
                // AWS's own rules hold where no other endpoint is named.
                let mut bucket = bucket();
                bucket["endpoint"] = json!(null);
                bucket["bucket"] = json!("Not_A_Bucket");
                json!({ "s3": bucket })
            }),
            ("`s3.prefix`", s3_with("prefix", json!("a/../b"))),
            (
                "`s3.accessKeyId`",
                s3_with("accessKeyId", json!("two words")),
            ),
            ("`s3.accessKeyId`", s3_with("accessKeyId", json!(""))),
            (
                "`s3.secretAccessKey`",
                s3_with("secretAccessKey", json!("hunter2\n")),
            ),
            (
                "Give `s3.secretAccessKey`",
                s3_with("secretAccessKey", json!(null)),
            ),
            ("`nfs.server`", nfs_with("server", "nas:port")),
            ("`nfs.export`", nfs_with("export", "export")),
            ("`nfs.directory`", nfs_with("directory", "/absolute")),
            ("`nfs.directory`", nfs_with("directory", "a/../../b")),
            ("`local.path`", json!({ "local": { "path": "relative" } })),
            (
                "`bandwidthLimit`",
                json!({ "local": { "path": "/b" }, "bandwidthLimit": 65_535 }),
            ),
            ("Give exactly one", json!({})),
            (
                "Give exactly one",
                json!({ "local": { "path": "/b" }, "s3": bucket() }),
            ),
        ];
        for (words, mut input) in cases {
            input["name"] = json!("storage");
            let (code, message) = world.refusal(&admin, "createBackupStorage", input).await;
            assert_eq!(code, "INVALID_INPUT", "{words}");
            assert!(message.starts_with(words), "{words}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    })
    .await;
}

#[tokio::test]
async fn keys_change_at_any_time_but_a_destination_with_backups_stays_where_it_is() {
    on_each_database(async |world| {
        let world = with_key(world).await;
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let nfs = json!({ "server": "nas", "export": "/export", "directory": "d" });
        let of_bucket = make(&world, &admin, json!({ "name": "b", "s3": bucket() })).await;
        let of_export = make(&world, &admin, json!({ "name": "n", "nfs": nfs })).await;
        let volume = world.volume(&alice, |_| {}).await;
        for storage in [&of_bucket, &of_export] {
            let storage = id(storage);
            world
                .backup(&volume, |row| row.backup_storage_id = Set(storage))
                .await;
        }
        let s3_with = |field: &str, value: Value| {
            let mut bucket = s3();
            bucket[field] = value;
            json!({ "backupStorageId": of_bucket["id"], "s3": bucket })
        };
        let nfs_with = |field: &str, value: Value| {
            let mut nfs = nfs.clone();
            nfs[field] = value;
            json!({ "backupStorageId": of_export["id"], "nfs": nfs })
        };
        for moved in [
            s3_with("endpoint", json!("https://other.example.test")),
            s3_with("endpoint", Value::Null),
            s3_with("bucket", json!("another")),
            s3_with("prefix", json!("site/b")),
            s3_with("prefix", Value::Null),
            nfs_with("server", json!("other")),
            nfs_with("export", json!("/other")),
            nfs_with("directory", Value::Null),
        ] {
            let (code, message) = world.refusal(&admin, "updateBackupStorage", moved).await;
            let words = "The backup storage holds 1 backups and cannot be pointed elsewhere.";
            assert_eq!((&*code, &*message), ("INVALID_INPUT", words));
        }
        let mut rotated = s3_with("accessKeyId", json!("AKIDNEW"));
        let (_, message) = world
            .refusal(&admin, "updateBackupStorage", rotated.clone())
            .await;
        assert!(
            message.starts_with("Give `s3.secretAccessKey`, too"),
            "{message}"
        );
        rotated["s3"]["secretAccessKey"] = json!("new secret".replace(' ', "-"));
        let other = json!({ "backupStorageId": of_bucket["id"], "nfs": nfs });
        let (_, message) = world.refusal(&admin, "updateBackupStorage", other).await;
        assert_eq!(message, "The kind of a backup storage cannot be changed.");
        for allowed in [
            s3_with("region", json!("eu-2")),
            s3_with("forcePathStyle", Value::Null),
            // A slash more is the same place.
            s3_with("prefix", json!("/site/a/")),
            rotated,
            nfs_with("server", json!("nas")),
            json!({ "backupStorageId": of_bucket["id"], "bandwidthLimit": 65_536 }),
        ] {
            world.run(&admin, "updateBackupStorage", allowed).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_an_update_leaves_out_stays_and_an_explicit_null_clears() {
    on_each_database(async |world| {
        let world = with_key(world).await;
        let admin = world.admin().await;
        let input = json!({ "name": "b", "s3": bucket(), "bandwidthLimit": 65_536 });
        let made = make(&world, &admin, input).await;
        world.back_up_to(&admin, id(&made)).await;
        let told = async || {
            let alice = world.tenant(&tidemark::domain::Ids.secret()).await;
            let volume = world.volume(&alice, |_| {}).await;
            world
                .run(&alice.requester, "createBackup", on("volumeId", volume.id))
                .await;
            let work = world.worker().claim_one().await;
            work.assignment["backup"]["destination"].clone()
        };
        let before = told().await;
        let few = json!({ "region": "eu-1", "bucket": "backups", "accessKeyId": "AKIDEXAMPLE" });
        let update = json!({ "backupStorageId": made["id"], "s3": few });
        world
            .run(&admin, "updateBackupStorage", update.clone())
            .await;
        assert_eq!(told().await, before);
        let named = json!({ "backupStorageId": made["id"], "name": "renamed" });
        world.run(&admin, "updateBackupStorage", named).await;
        assert_eq!(told().await, before);
        let lifted = json!({ "backupStorageId": made["id"], "bandwidthLimit": null });
        world.run(&admin, "updateBackupStorage", lifted).await;
        let mut cleared = update;
        cleared["s3"]["forcePathStyle"] = Value::Null;
        world.run(&admin, "updateBackupStorage", cleared).await;
        let after = told().await;
        assert_eq!(after["bandwidthLimit"], Value::Null);
        assert_eq!(after["s3"]["forcePathStyle"], Value::Null);
        assert_eq!(after["s3"]["secretAccessKey"], "secret");
        assert_eq!(after["s3"]["prefix"], "site/a");
    })
    .await;
}

/// What a test by the gateway itself finds.
async fn tested(world: &World, admin: &Requester, storage: &Value) -> (bool, String) {
    let document = document("testBackupStorage", "test { ok message }");
    let input = json!({ "input": { "backupStorageId": storage["id"] } });
    let data = world.data_with(admin, &document, input).await;
    let test = &data["testBackupStorage"]["test"];
    let message = test["message"].as_str().unwrap().to_owned();
    (test["ok"].as_bool().unwrap(), message)
}

const WORKS: &str = "A small object was written, read back and deleted.";

#[tokio::test]
async fn the_gateway_tests_directories_and_buckets_itself() {
    let store = S3sFs::start().await;
    let directory = tempfile::tempdir().unwrap();
    on_each_database(async |world| {
        let world = with_key(world).await;
        let admin = world.admin().await;
        let path = directory.path().to_str().unwrap();
        let local = json!({ "name": "l", "local": { "path": path } });
        let local = make(&world, &admin, local).await;
        assert_eq!(
            tested(&world, &admin, &local).await,
            (true, WORKS.to_owned())
        );
        let gone = json!({ "name": "g", "local": { "path": format!("{path}/gone") } });
        let gone = make(&world, &admin, gone).await;
        assert!(!tested(&world, &admin, &gone).await.0);

        let s3 = json!({
            "endpoint": store.endpoint, "region": "us-east-1", "bucket": store.bucket,
            // Of each installation its own.
            "prefix": tidemark::domain::Ids.secret(), "accessKeyId": store.access_key_id,
            "secretAccessKey": store.secret_access_key, "forcePathStyle": true,
        });
        let right = make(&world, &admin, json!({ "name": "s", "s3": s3 })).await;
        assert_eq!(
            tested(&world, &admin, &right).await,
            (true, WORKS.to_owned())
        );
        // Marked, and emptied behind our back.
        let place = store.directory().join(&store.bucket);
        let place = place.join(s3["prefix"].as_str().unwrap());
        std::fs::remove_dir_all(place.join(".tidemark")).unwrap();
        let (ok, message) = tested(&world, &admin, &right).await;
        assert!(!ok && message.contains("acceptPlace"), "{message}");
        let accept = json!({ "backupStorageId": right["id"] });
        world.run(&admin, "acceptPlace", accept).await;
        assert!(tested(&world, &admin, &right).await.0);
        assert!(place.join(".tidemark/owner.json").exists());
        let mut s3 = s3;
        s3["secretAccessKey"] = json!("hunter2");
        let wrong = make(&world, &admin, json!({ "name": "w", "s3": s3 })).await;
        let (ok, message) = tested(&world, &admin, &wrong).await;
        assert!(!ok);
        assert!(
            !message.contains("hunter2") && !message.is_empty(),
            "{message}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_gateway_tests_exports_itself() {
    let Some(server) = Ganesha::start().await else {
        return;
    };
    on_each_database(async |world| {
        let admin = world.admin().await;
        // Of each installation its own.
        let directory = tidemark::domain::Ids.secret();
        std::fs::create_dir(server.directory.join(&directory)).unwrap();
        let nfs = json!({
            "server": server.server, "export": server.export, "directory": directory,
        });
        let right = make(&world, &admin, json!({ "name": "n", "nfs": nfs })).await;
        assert_eq!(
            tested(&world, &admin, &right).await,
            (true, WORKS.to_owned())
        );
        let marker = server
            .directory
            .join(directory)
            .join(".tidemark/owner.json");
        assert!(marker.exists());
        let other = make(&world, &admin, json!({ "name": "o", "nfs": nfs })).await;
        let (ok, message) = tested(&world, &admin, &other).await;
        assert!(!ok && message.contains("it is another one"), "{message}");
        let nfs = json!({ "server": server.server, "export": server.export, "directory": "gone" });
        let wrong = make(&world, &admin, json!({ "name": "n", "nfs": nfs })).await;
        assert!(!tested(&world, &admin, &wrong).await.0);
    })
    .await;
}

#[tokio::test]
async fn a_backup_off_the_host_outlives_it_and_one_on_the_host_waits_for_it() {
    on_each_database(async |world| {
        let world = with_key(world).await;
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let lost = world
            .hypervisor(|row| {
                row.name = Set("lost".to_owned());
                row.last_seen_at = Set(Some(world.now() - TimeDelta::days(1)));
            })
            .await;
        let volume = world
            .volume(&alice, |row| row.hypervisor_id = Set(lost.id))
            .await;
        let bucket = world.bucket(&admin, "bucket", "secret").await;
        let shared = world
            .backup(&volume, |row| row.backup_storage_id = Set(bucket))
            .await;
        let local = world.backup(&volume, |_| {}).await;
        let source = |backup: &entity::backup::Model| {
            json!({ "source": { "backupId": backup.id.to_string() } })
        };
        let restore = async |input| {
            let payload = world
                .run(&alice.requester, "restoreToNewVolume", input)
                .await;
            let operation = world.operation_row(id(&payload["operation"])).await;
            (operation, world.volume_row(id(&payload["volume"])).await)
        };
        let survivor = world.platform.hypervisor.id;
        let (operation, made) = restore(source(&shared)).await;
        assert_eq!((operation.hypervisor_id, made.hypervisor_id), (survivor, survivor));
        let work = world.worker().claim_one().await;
        let told = &work.assignment["backup"]["destination"]["s3"];
        assert_eq!(told["secretAccessKey"], "secret");
        assert!(world.worker().complete(&work).await);
        let (operation, _) = restore(source(&local)).await;
        assert_eq!(operation.hypervisor_id, lost.id);

        let delete = |backup: &entity::backup::Model| {
            json!({ "backupId": backup.id.to_string(), "confirmName": "backup" })
        };
        let payload = world
            .run(&alice.requester, "deleteBackup", delete(&shared))
            .await;
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.hypervisor_id, survivor);
        let other = world.backup(&volume, |_| {}).await;
        let payload = world
            .run(&alice.requester, "deleteBackup", delete(&other))
            .await;
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.hypervisor_id, lost.id);
        // It comes back, and does what waited for it.
        assert_eq!(world.worker_of(lost).claim().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_test_that_is_asked_at_one_gateway_and_answered_through_another_is_kept_and_shown() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let other = world.other_gateway();
        let storage = world.platform.backup_storage.id.to_string();
        let document = document("testBackupStorage", "test { ok message }");
        let input = json!({ "input": {
            "backupStorageId": storage,
            "hypervisorId": world.platform.hypervisor.id.to_string(),
        } });
        let answered = async {
            let asked = async || other.worker().storage_tests().await.pop();
            let test = testbed::until("the agent is asked for a test", asked).await;
            assert!(other.worker().answer_test(&test, true).await);
        };
        let asked = world.data_with(&admin, &document, input);
        let (data, ()) = tokio::join!(asked, answered);
        assert_eq!(data["testBackupStorage"]["test"]["ok"], true);
        let shown = "{ backupStorages { lastTest { ok message hypervisor { id } } } }";
        for gateway in [&world, &other] {
            let data = gateway.data(&admin, shown).await;
            let hypervisor = json!({ "id": world.platform.hypervisor.id.to_string() });
            let test = json!({ "ok": true, "message": WORKS, "hypervisor": hypervisor });
            assert_eq!(data["backupStorages"][0]["lastTest"], test);
        }
    })
    .await;
}
