//! Where an item may be restored to: which plans, groups and agents.

use entity::volume_plan::StorageType;
use sea_orm::Set;
use serde_json::json;

use crate::{
    guard::pair,
    harness::{GB, id, on_each_database},
};

#[tokio::test]
async fn items_restore_only_onto_their_own_kind_of_storage() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let rbd = world
            .plan(|row| row.storage_type = Set(StorageType::CephRbd))
            .await;
        let on_files = world.volume(&alice, |_| {}).await;
        let on_ceph = world
            .volume(&alice, |row| {
                row.plan_id = Set(rbd.id);
                row.storage_type = Set(StorageType::CephRbd);
            })
            .await;
        let rest = "plan. Choose a target plan whose storage type matches the source volume's \
                    storage type.";
        let cases = [
            (
                &on_ceph,
                world.platform.plan.id,
                format!("created on Ceph cannot restore onto an NFS-backed {rest}"),
            ),
            (
                &on_files,
                rbd.id,
                format!("created on qcow2 files cannot restore onto a Ceph-backed {rest}"),
            ),
        ];
        for (volume, plan, words) in cases {
            let snapshot = world.snapshot(volume, |_| {}).await;
            let backup = world.backup(volume, |_| {}).await;
            let sources = [
                ("Snapshot", json!({ "snapshotId": snapshot.id.to_string() })),
                ("Backup", json!({ "backupId": backup.id.to_string() })),
            ];
            for (noun, source) in sources {
                let input = json!({ "source": source, "planId": plan.to_string() });
                let told = world
                    .refusal(&alice.requester, "restoreToNewVolume", input)
                    .await;
                assert_eq!(
                    told,
                    pair("STORAGE_TYPE_MISMATCH", &format!("{noun} {words}"))
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_target_must_hold_the_whole_item() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let small = world.plan(|row| row.size_bytes = Set(5 * GB)).await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let source = json!({ "backupId": backup.id.to_string() });
        let input = json!({ "source": source, "planId": small.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "restoreToNewVolume", input)
            .await;
        assert_eq!(code, "TARGET_TOO_SMALL");
        let large = world.plan(|row| row.size_bytes = Set(20 * GB)).await;
        let input = json!({ "source": source, "planId": large.id.to_string() });
        let payload = world
            .run(&alice.requester, "restoreToNewVolume", input)
            .await;
        let made = world.volume_row(id(&payload["volume"])).await;
        assert_eq!(made.size_bytes, 20 * GB);
    })
    .await;
}

#[tokio::test]
async fn a_restore_is_judged_by_the_agent_that_will_do_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let old = world
            .hypervisor(|row| {
                row.name = Set("old".to_owned());
                row.can_backup = Set(false);
            })
            .await;
        let volume = world
            .volume(&alice, |row| row.hypervisor_id = Set(old.id))
            .await;
        let backup = world.backup(&volume, |_| {}).await;
        let other = world.elsewhere("other").await;
        let source = json!({ "backupId": backup.id.to_string() });
        let here = json!({ "source": source });
        let (code, message) = world
            .refusal(&alice.requester, "restoreToNewVolume", here)
            .await;
        assert_eq!(code, "AGENT_OUTDATED");
        assert!(
            message.ends_with("update the agent of this volume's hypervisor."),
            "{message}"
        );
        let there = json!({ "source": source, "hypervisorGroupId": other.id.to_string() });
        world
            .run(&alice.requester, "restoreToNewVolume", there)
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_restore_takes_a_disabled_plan_only_as_the_sources_own() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let disabled = world
            .plan(|row| {
                row.enabled = Set(false);
                row.name = Set("old".to_owned());
            })
            .await;
        world
            .by_hand("UPDATE volume_plans SET enabled = FALSE")
            .await;
        let source = json!({ "backupId": backup.id.to_string() });
        let asked = json!({ "source": source, "planId": disabled.id.to_string() });
        let told = world
            .refusal(&alice.requester, "restoreToNewVolume", asked)
            .await;
        assert_eq!(told.0, "INVALID_INPUT");
        assert_eq!(told.1, "Volume plan \"old\" is disabled. Choose another.");
        world
            .run(
                &alice.requester,
                "restoreToNewVolume",
                json!({ "source": source }),
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_group_without_a_pool_of_the_right_kind_takes_no_restore() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        world
            .run(&admin, "createHypervisorGroup", json!({ "name": "empty" }))
            .await;
        let data = world.data(&admin, "{ hypervisorGroups { id name } }").await;
        let groups = data["hypervisorGroups"].as_array().unwrap();
        let empty = groups
            .iter()
            .find(|group| group["name"] == "empty")
            .unwrap();
        let input = json!({
            "source": { "backupId": backup.id.to_string() }, "hypervisorGroupId": empty["id"],
        });
        let told = world
            .refusal(&alice.requester, "restoreToNewVolume", input)
            .await;
        assert_eq!(told.0, "INVALID_INPUT");
        assert_eq!(
            told.1,
            "Hypervisor group \"empty\" has no qcow2 storage pool. Choose another group or plan."
        );
    })
    .await;
}
