//! Secrets of backup storages and storage pools: kept encrypted, told to the agent that needs them
//! with the operation that needs them, and to nobody else.

use std::sync::Arc;

use sea_orm::Set;
use serde_json::{Value, json};
use storage::Secret;
use tidemark::{
    domain::{Error, secret},
    secret::new_key,
};
use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt};

use crate::harness::{World, on, on_each_database, s3};

const S3_SECRET: &str = "hunter2/S3+verySecretAccessKey";
const KEYRING: &str = "[client.tidemark]\n\tkey = AQBhunter2CephKeyringSecret==";
/// What must show up nowhere: part of both, and not changed by escaping.
const TRACE: &str = "hunter2";

fn key() -> Secret {
    new_key().unwrap()
}

/// All that an administrator can read of what has secrets, and of what happened.
const EVERYTHING: &str = "{
    backupStorages { id name kind summary bandwidthLimit survivesHostLoss lastTest { ok message }
        s3 { endpoint region bucket prefix accessKeyId forcePathStyle } }
    storagePools { id name storageType summary }
    backups { nodes { name failure storageType } }
    operations { nodes { kind status error { code message }
        logs { nodes { message } } events { nodes { kind message actor } } } }
}";

#[tokio::test]
async fn secrets_go_to_the_agent_with_their_operation_and_nowhere_else() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let guard = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(Arc::new(log.reopen().unwrap()))
        .finish()
        .set_default();
    on_each_database(async |world| {
        let world = world.with_keys(&[&key()]);
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let bucket = world.bucket(&admin, "bucket", S3_SECRET).await;
        world.back_up_to(&admin, bucket).await;
        let (pool, plan) = world.ceph(&admin, Some(KEYRING)).await;
        let volume = world
            .volume(&alice, |row| {
                row.plan_id = Set(plan.id);
                row.pool_id = Set(pool);
                row.storage_type = Set(plan.storage_type);
            })
            .await;

        // A snapshot needs the pool's key only.
        let by_volume = on("volumeId", volume.id);
        world
            .run(&alice.requester, "createSnapshot", by_volume.clone())
            .await;
        let work = world.worker().claim_one().await;
        let ceph = &work.assignment["volume"]["pool"]["cephRbd"];
        let expected = json!({
            "pool": "rbd", "user": "tidemark", "configPath": "/etc/ceph/site.conf",
            "keyring": KEYRING,
        });
        assert_eq!(*ceph, expected);
        assert!(!work.assignment.to_string().contains(S3_SECRET));
        assert!(world.worker().complete(&work).await);
        world.wait_seconds(300);

        // A backup needs both, and so does its second attempt.
        let payload = world.run(&alice.requester, "createBackup", by_volume).await;
        let first = world.worker().claim_one().await;
        world.wait_seconds(91);
        world.clean_up().await;
        let second = world.worker().claim_one().await;
        assert_eq!((first.epoch, second.epoch), (1, 2));
        for work in [&first, &second] {
            let told = &work.assignment["backup"]["destination"];
            assert_eq!(told["s3"]["secretAccessKey"], S3_SECRET);
            let ceph = &work.assignment["volume"]["pool"]["cephRbd"];
            assert_eq!(ceph["keyring"], KEYRING);
        }
        assert!(world.worker().complete(&second).await);

        // Who deletes it needs the bucket's.
        let delete = json!({
            "backupId": payload["backup"]["id"], "confirmName": payload["backup"]["name"],
        });
        world.run(&alice.requester, "deleteBackup", delete).await;
        let work = world.worker().claim_one().await;
        let told = &work.assignment["backup"]["destination"]["s3"];
        assert_eq!(told["secretAccessKey"], S3_SECRET);
        assert!(!work.assignment.to_string().contains("CephKeyring"));
        assert!(world.worker().fail(&work, false).await);

        // Nobody else: not in an answer, the timeline, the audit, the log or the database.
        let bad = json!({ "backupStorageId": bucket.to_string(), "s3": s3(), "nfs": null,
            "local": { "path": S3_SECRET } });
        let refusal = world.refused(&admin, "updateBackupStorage", bad).await;
        let mut spaced = s3();
        spaced["secretAccessKey"] = json!(format!("{S3_SECRET} with a space"));
        let spaced = json!({ "name": "b", "s3": spaced });
        let other = world.refused(&admin, "createBackupStorage", spaced).await;
        assert_eq!(other["extensions"]["code"], "INVALID_INPUT");
        let told = [
            world.data(&admin, EVERYTHING).await,
            refusal,
            other,
            json!(format!("{:?}", world.audit().await)),
            json!(format!("{:?}", world.app)),
        ];
        for told in &told {
            assert!(!told.to_string().contains(TRACE), "{told:#}");
        }
        let kept = world.everything_kept().await;
        let count = |word: &str| {
            let windows = kept.windows(word.len());
            windows.filter(|bytes| *bytes == word.as_bytes()).count()
        };
        assert!(count("AKIDEXAMPLE") > 0, "it looks where the rest is kept");
        assert_eq!(count(TRACE), 0);
    })
    .await;
    drop(guard);
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("answered"), "it reads the log");
    assert!(!log.contains(TRACE));
}

#[tokio::test]
async fn without_a_key_no_secret_is_kept_and_the_refusal_says_what_to_configure() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let mut bucket = s3();
        bucket["secretAccessKey"] = json!("secret");
        let ceph = json!({ "pool": "rbd", "user": "u", "keyring": "AQB==" });
        let group = world.platform.group.id.to_string();
        for (mutation, input) in [
            ("createBackupStorage", json!({ "name": "b", "s3": bucket })),
            (
                "createStoragePool",
                json!({ "name": "p", "hypervisorGroupId": group, "cephRbd": ceph }),
            ),
        ] {
            let (code, message) = world.refusal(&admin, mutation, input).await;
            assert_eq!(code, "NO_SECRET_KEY");
            assert!(message.contains("`secrets.keys`"), "{message}");
        }
        let db = world.app.database.reads();
        assert!(secret::list(db).await.unwrap().is_empty());
        // A pool whose key the hypervisors have needs none of ours.
        world.ceph(&admin, None).await;
    })
    .await;
}

async fn make_both(world: &World) {
    let admin = world.admin().await;
    world.bucket(&admin, "bucket", S3_SECRET).await;
    world.ceph(&admin, Some(KEYRING)).await;
}

async fn unreadable(world: &World) -> Vec<String> {
    let kept = secret::list(world.app.database.reads()).await.unwrap();
    let errors = kept.iter().filter_map(|kept| kept.open(&world.app).err());
    errors.map(|error| error.to_string()).collect()
}

#[tokio::test]
async fn keys_are_rotated_without_a_secret_being_set_anew() {
    on_each_database(async |world| {
        let (old, new) = (key(), key());
        let world = world.with_keys(&[&old]);
        make_both(&world).await;
        // The new key comes first; what the old one encrypted still opens.
        let world = world.with_keys(&[&new, &old]);
        assert_eq!(unreadable(&world).await, [""; 0]);
        assert_eq!(secret::reencrypt(&world.app).await.unwrap(), 2);
        assert_eq!(secret::reencrypt(&world.app).await.unwrap(), 0);
        let world = world.with_keys(&[&new]);
        assert_eq!(unreadable(&world).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_lost_is_named_and_nothing_is_encrypted_anew_by_half() {
    on_each_database(async |world| {
        let (lost, new) = (key(), key());
        let world = world.with_keys(&[&new]);
        let admin = world.admin().await;
        world.ceph(&admin, Some(KEYRING)).await;
        let world = world.with_keys(&[&lost]);
        world.bucket(&admin, "bucket", S3_SECRET).await;
        let third = key();
        let world = world.with_keys(&[&third, &new]);
        let error = secret::reencrypt(&world.app).await.unwrap_err();
        let Error::SecretUnreadable { owner, cause } = &error else {
            panic!("{error}")
        };
        assert_eq!(owner, "backup storage \"bucket\"");
        assert!(matches!(cause, secret::Cause::UnknownKey(_)), "{cause}");
        assert!(error.to_string().ends_with("which is not configured"));
        let world = world.with_keys(&[&new]);
        assert_eq!(unreadable(&world).await, [error.to_string()]);
    })
    .await;
}

#[tokio::test]
async fn a_secret_of_another_row_fails_the_operation_and_holds_nothing_else_up() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&key()]);
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let first = world.bucket(&admin, "first", S3_SECRET).await;
        let second = world.bucket(&admin, "second", "another").await;
        world
            .by_hand(&format!(
                "UPDATE backup_storages SET s3_secret_access_key =
                 (SELECT s3_secret_access_key FROM backup_storages WHERE id = '{second}')
                 WHERE id = '{first}'"
            ))
            .await;
        world.back_up_to(&admin, first).await;
        let healthy = world.volume(&alice, |_| {}).await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&alice.requester, "createBackup", on("volumeId", volume.id))
            .await;
        world
            .run(
                &alice.requester,
                "createSnapshot",
                on("volumeId", healthy.id),
            )
            .await;
        let claimed = world.worker().claim().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        assert_eq!(claimed[0].kind, "CREATE_SNAPSHOT");

        let document = "query($id: ID!) { operation(id: $id) {
            status error { code message } logs { nodes { message } } } }";
        let operation = json!({ "id": payload["operation"]["id"] });
        let seen = async |requester| {
            let data = world
                .data_with(requester, document, operation.clone())
                .await;
            data["operation"].clone()
        };
        let own = seen(&alice.requester).await;
        assert_eq!(own["status"], "FAILED");
        let error = json!({
            "code": "STORAGE_FAILED",
            "message": "The gateway cannot read the key of a storage. Ask the operator.",
        });
        assert_eq!(own["error"], error);
        assert!(!own.to_string().contains("first"), "{own}");
        let all = seen(&admin).await["logs"].to_string();
        assert!(
            all.contains("backup storage \\\"first\\\" cannot be decrypted"),
            "{all}"
        );
        let volume = world.volume_row(volume.id).await;
        assert_eq!(volume.active_operation_id, None, "the volume is free again");

        // A test says so, too, whoever does it.
        let by_agent = Some(world.platform.hypervisor.id.to_string());
        for host in [None, by_agent] {
            let input = json!({ "backupStorageId": first.to_string(), "hypervisorId": host });
            let document = crate::harness::document("testBackupStorage", "test { ok message }");
            let asked = world.data_with(&admin, &document, json!({ "input": input }));
            let told = tokio::select! {
                told = asked => told,
                never = claim_for_ever(&world) => never,
            };
            let test: Value = told["testBackupStorage"]["test"].clone();
            assert_eq!(test["ok"], false);
            let message = test["message"].as_str().unwrap();
            assert!(
                message.contains("not what was encrypted for this row"),
                "{message}"
            );
        }
        // So it is with one that was cleared because its key was lost.
        world
            .by_hand("UPDATE backup_storages SET s3_secret_access_key = NULL")
            .await;
        let again = on("volumeId", volume.id);
        let payload = world.run(&alice.requester, "createBackup", again).await;
        assert!(world.worker().claim().await.is_empty());
        let row = world
            .operation_row(crate::harness::id(&payload["operation"]))
            .await;
        assert_eq!(row.error_code.as_deref(), Some("STORAGE_FAILED"));
        // Set anew, it works again.
        let mut again = s3();
        again["secretAccessKey"] = json!("new");
        let input = json!({ "backupStorageId": first.to_string(), "s3": again });
        world.run(&admin, "updateBackupStorage", input).await;
        assert_eq!(unreadable(&world).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_lacks_a_part_fails_its_operation_and_holds_nothing_else_up() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&key()]);
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let bucket = world.bucket(&admin, "bucket", S3_SECRET).await;
        world.back_up_to(&admin, bucket).await;
        let (volume, healthy) = (
            world.volume(&alice, |_| {}).await,
            world.volume(&alice, |_| {}).await,
        );
        let input = on("volumeId", volume.id);
        let payload = world.run(&alice.requester, "createBackup", input).await;
        let input = on("volumeId", healthy.id);
        world.run(&alice.requester, "createSnapshot", input).await;
        world
            .by_hand("UPDATE backup_storages SET s3_bucket = NULL")
            .await;

        let claimed = world.worker().claim().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        assert_eq!(claimed[0].kind, "CREATE_SNAPSHOT");
        let row = world
            .operation_row(crate::harness::id(&payload["operation"]))
            .await;
        assert_eq!(row.error_code.as_deref(), Some("STORAGE_FAILED"));
        assert_eq!(world.volume_row(volume.id).await.active_operation_id, None);
    })
    .await;
}

/// An agent that is told of no test.
async fn claim_for_ever(world: &World) -> ! {
    loop {
        assert!(world.worker().storage_tests().await.is_empty());
        tokio::task::yield_now().await;
    }
}
