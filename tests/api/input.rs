//! What users type: names of every kind, and values that are none.

use serde_json::{Value, json};

use crate::harness::{on, on_each_database};

#[tokio::test]
async fn a_name_is_kept_as_it_was_typed_but_for_spaces_around_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let longest = "🌊".repeat(128);
        let names = [
            "plain",
            "\"quoted\" & 'single' <b>",
            "שלום עולם",
            "日本語 naïve",
            "🌊🗄️",
            "'; DROP TABLE volumes; --",
            "${HOME} $(reboot) `id`",
            "../../etc/passwd",
            &longest,
        ];
        for name in names {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string(), "name": format!("  {name}\t") });
            let payload = world.run(&alice.requester, "createSnapshot", input).await;
            assert_eq!(payload["snapshot"]["name"], name);
            world.work().await;
            let delete = json!({ "snapshotId": payload["snapshot"]["id"], "confirmName": name });
            world.run(&alice.requester, "deleteSnapshot", delete).await;
            world.work().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_an_overlong_and_a_broken_name_are_refused_everywhere() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let on_volume = on("volumeId", volume.id);
        let group = on("hypervisorGroupId", world.platform.group.id);
        let with = |mut input: Value, more: Value| {
            for (key, value) in more.as_object().unwrap() {
                input[key] = value.clone();
            }
            input
        };
        let requests = [
            (&alice.requester, "createSnapshot", on_volume.clone()),
            (&alice.requester, "createBackup", on_volume),
            (
                &alice.requester,
                "restoreToNewVolume",
                json!({ "source": { "backupId": backup.id.to_string() } }),
            ),
            (&alice.requester, "createVolume", world.new_volume("")),
            (&alice.requester, "createApiToken", json!({})),
            (&admin, "createAccount", json!({})),
            (&admin, "createHypervisorGroup", json!({})),
            (&admin, "createHypervisor", group.clone()),
            (
                &admin,
                "createStoragePool",
                with(group, json!({ "qcow2File": { "path": "/p" } })),
            ),
            (
                &admin,
                "createBackupStorage",
                json!({ "local": { "path": "/b" } }),
            ),
            (
                &admin,
                "createVolumePlan",
                json!({ "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE" }),
            ),
        ];
        let (long, huge) = ("x".repeat(129), "x".repeat(10_240));
        for (by, mutation, input) in requests {
            for name in [
                "",
                "  \n ",
                "two\nlines",
                "nul\0",
                "bell\u{7}",
                "zero\u{200b}width",
                "\u{202e}gpj.exe",
                "\u{3164}",
                &long,
                &huge,
            ] {
                let input = with(input.clone(), json!({ "name": name }));
                let (code, _) = world.refusal(by, mutation, input).await;
                assert_eq!(code, "INVALID_INPUT", "{mutation} {name:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn values_beyond_their_bounds_are_refused_and_never_an_internal_error() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let account = alice.account.id.to_string();
        let hypervisor = world.platform.hypervisor.id.to_string();
        let plan = |field: &str, value: Value| {
            let mut input =
                json!({ "name": "p", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE" });
            input[field] = value;
            ("createVolumePlan", input)
        };
        let instance = |field: &str, value: Value| {
            let mut input =
                json!({ "accountId": account, "hypervisorId": hypervisor, "name": "i" });
            input[field] = value;
            ("createInstance", input)
        };
        let user = |email: &str, password: &str| {
            (
                "createUser",
                json!({ "accountId": account, "email": email, "password": password }),
            )
        };
        let requests = [
            plan("sizeBytes", json!(0)),
            plan("sizeBytes", json!(1)),
            plan("sizeBytes", json!(-1_048_576)),
            plan("sizeBytes", json!(9_007_199_254_740_992_u64)),
            plan("maxSnapshots", json!(-1)),
            plan("maxBackups", json!(1001)),
            plan("snapshotCreditValue", json!("-0.01")),
            plan("backupCreditValue", json!("not a number")),
            plan("backupCreditValue", json!("1e400")),
            instance("creditsPerHour", json!("-1")),
            instance("qmpSocket", json!("relative")),
            instance("qmpSocket", json!("/nul\0")),
            instance("qmpSocket", json!("/run/../etc")),
            user("no address", "long enough for it"),
            user("nul\0@example.test", "long enough for it"),
            user("new@example.test", "short"),
            user("alice@example.test", "long enough for it"),
            ("createBackupStorage", json!({ "name": "b" })),
            (
                "createBackupStorage",
                json!({ "name": "b", "local": { "path": "relative" } }),
            ),
            (
                "createBackupStorage",
                json!({ "name": "b", "local": { "path": "/nul\0" } }),
            ),
        ];
        for (mutation, input) in requests {
            let (code, _) = world.refusal(&admin, mutation, input.clone()).await;
            assert_eq!(code, "INVALID_INPUT", "{mutation} {input}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_restore_names_exactly_one_source() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for source in [json!({}), json!({ "snapshotId": "a", "backupId": "b" })] {
            let input = json!({ "source": source });
            let (code, _) = world
                .refusal(&alice.requester, "restoreToNewVolume", input)
                .await;
            assert!(
                ["INVALID_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str()),
                "{code}"
            );
        }
    })
    .await;
}
