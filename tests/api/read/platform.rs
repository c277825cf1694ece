//! The platform as administrators read it, and the viewer.

use chrono::TimeDelta;
use entity::{
    BackupStorageTestId, TokenId, backup_storage_test,
    token::{TokenKind, TokenScope},
};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::json;

use crate::harness::{Tenant, World, on_each_database};

#[tokio::test]
async fn a_hypervisor_is_online_while_its_agent_is_seen_within_a_lease() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        world
            .hypervisor(|row| {
                row.name = Set("new".to_owned());
                row.last_seen_at = Set(None);
                row.agent_version = Set(None);
                row.can_backup = Set(false);
                row.backup_storage_id = Set(Some(world.platform.backup_storage.id));
            })
            .await;
        let document = "{ hypervisors { name status agentVersion latestAgentVersion capabilities
            backupStorage { name } usesGroupBackupStorage group { name } agentUpdate { status } } }";
        let status = async || {
            let data = world.data(&admin, document).await;
            [0, 1].map(|row| {
                data["hypervisors"][row]["status"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
        };
        assert_eq!(status().await, ["ONLINE", "NEVER_SEEN"]);
        world.wait_seconds(90);
        assert_eq!(status().await, ["ONLINE", "NEVER_SEEN"]);
        world.wait_seconds(1);
        assert_eq!(status().await, ["OFFLINE", "NEVER_SEEN"]);
        let data = world.data(&admin, document).await;
        let host = &data["hypervisors"][0];
        assert_eq!(
            host["capabilities"],
            json!(["VOLUME_SNAPSHOT", "VOLUME_BACKUP"])
        );
        assert_eq!(
            data["hypervisors"][1]["capabilities"],
            json!(["VOLUME_SNAPSHOT"])
        );
        for (row, of_group) in [(0, true), (1, false)] {
            let host = &data["hypervisors"][row];
            assert_eq!(host["backupStorage"]["name"], "vault");
            assert_eq!(host["usesGroupBackupStorage"], of_group);
        }
    })
    .await;
}

#[tokio::test]
async fn a_group_offers_the_plans_that_its_pools_serve() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world
            .plan(|row| {
                row.name = Set("ceph".to_owned());
                row.storage_type = Set(entity::volume_plan::StorageType::CephRbd);
            })
            .await;
        let document = "{ hypervisorGroups { name plans { name snapshotCreditValue } } }";
        let data = world.data(&alice.requester, document).await;
        let plans = json!([{ "name": "plan", "snapshotCreditValue": "0.05" }]);
        assert_eq!(data["hypervisorGroups"][0]["plans"], plans);
    })
    .await;
}

#[tokio::test]
async fn a_backup_storage_tells_its_latest_test_that_has_ended() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let document = "{ backupStorages { name kind summary survivesHostLoss
            local { path } s3 { bucket } nfs { export }
            lastTest { at ok message tookMilliseconds hypervisor { id } } } }";
        let data = world.data(&admin, document).await;
        let storage = json!({ "name": "vault", "kind": "LOCAL", "summary": "local: /srv/backups",
            "local": { "path": "/srv/backups" }, "s3": null, "nfs": null,
            "survivesHostLoss": false, "lastTest": null });
        assert_eq!(data["backupStorages"][0], storage);
        for (finished, message) in [(true, "old"), (true, "new"), (false, "under way")] {
            let now = world.now();
            let row = backup_storage_test::ActiveModel {
                id: Set(world.app.ids.next(BackupStorageTestId::from_uuid)),
                backup_storage_id: Set(world.platform.backup_storage.id),
                hypervisor_id: Set(None),
                requested_at: Set(now - TimeDelta::milliseconds(212)),
                finished_at: Set(finished.then_some(now)),
                ok: Set(finished),
                message: Set(message.to_owned()),
            };
            row.insert(world.app.database.writes()).await.unwrap();
            world.wait_seconds(1);
        }
        let data = world.data(&admin, document).await;
        let test = &data["backupStorages"][0]["lastTest"];
        assert_eq!(test["message"], "new");
        assert_eq!(test["tookMilliseconds"], 212);
        assert_eq!(test["hypervisor"], json!(null), "the gateway did it");
    })
    .await;
}

#[tokio::test]
async fn a_viewer_sees_its_own_api_tokens_that_have_not_ended() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        token(&world, &alice, "ci", TokenKind::Api, false).await;
        token(&world, &alice, "lost", TokenKind::Api, true).await;
        token(&world, &alice, "session", TokenKind::Session, false).await;
        token(&world, &bob, "bob", TokenKind::Api, false).await;
        let document = "{ viewer { user { email } role account { name } apiTokens { name
            lastUsedAt expiresAt } } }";
        let data = world.data(&alice.requester, document).await;
        let viewer = json!({
            "user": { "email": "alice@example.test" },
            "role": "USER",
            "account": { "name": "alice" },
            "apiTokens": [{ "name": "ci", "lastUsedAt": null, "expiresAt": null }],
        });
        assert_eq!(data["viewer"], viewer);
    })
    .await;
}

async fn token(world: &World, tenant: &Tenant, name: &str, kind: TokenKind, revoked: bool) {
    let id = world.app.ids.next(TokenId::from_uuid);
    let row = entity::token::ActiveModel {
        id: Set(id),
        kind: Set(kind),
        user_id: Set(Some(tenant.user.id)),
        hypervisor_id: Set(None),
        name: Set(name.to_owned()),
        hash: Set(id.to_string()),
        created_at: Set(world.now()),
        expires_at: Set(None),
        last_used_at: Set(None),
        revoked_at: Set(revoked.then(|| world.now())),
        scope: Set(TokenScope::Full),
        parent_id: Set(None),
    };
    row.insert(world.app.database.writes()).await.unwrap();
}
