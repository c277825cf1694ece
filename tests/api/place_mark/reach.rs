//! Which hypervisors reach a pool: all of its group, or the one that it is local to.

use entity::volume_plan::StorageType;
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::place_mark;

use crate::harness::{document, id, on_each_database};

#[tokio::test]
async fn a_pool_of_files_is_local_where_its_group_has_one_hypervisor_unless_it_is_said() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let host = world.platform.hypervisor.id.to_string();
        let group = world.platform.group.id.to_string();
        let make = async |reach: Value| {
            let mut input = json!({
                "hypervisorGroupId": group, "name": "p", "qcow2File": { "path": "/srv/p" },
            });
            input
                .as_object_mut()
                .unwrap()
                .extend(reach.as_object().unwrap().clone());
            let document = document(
                "createStoragePool",
                "storagePool { id reach hypervisor { id } }",
            );
            let answer = world
                .answer(&admin, &document, json!({ "input": input }))
                .await;
            match answer["errors"][0]["message"].as_str() {
                Some(message) => json!(message),
                None => answer["data"]["createStoragePool"]["storagePool"].clone(),
            }
        };
        for reach in [
            json!({}),
            json!({ "reach": "LOCAL" }),
            json!({ "hypervisorId": host }),
        ] {
            let pool = make(reach).await;
            assert_eq!(
                (&pool["reach"], &pool["hypervisor"]["id"]),
                (&json!("LOCAL"), &json!(host))
            );
        }
        let shared = make(json!({ "reach": "SHARED" })).await;
        assert_eq!(
            (&shared["reach"], &shared["hypervisor"]),
            (&json!("SHARED"), &Value::Null)
        );
        let both = make(json!({ "reach": "SHARED", "hypervisorId": host })).await;
        assert!(
            both.as_str().unwrap().contains("a shared one has none"),
            "{both}"
        );

        let second = world
            .hypervisor(|row| row.name = Set("second".into()))
            .await;
        assert_eq!(make(json!({})).await["reach"], "SHARED");
        let unsaid = make(json!({ "reach": "LOCAL" })).await;
        assert!(
            unsaid.as_str().unwrap().contains("Give `hypervisorId`"),
            "{unsaid}"
        );
        let local = make(json!({ "hypervisorId": second.id.to_string() })).await;
        assert_eq!(local["hypervisor"]["id"], second.id.to_string());
        let group = world.elsewhere("far").await;
        let far = world
            .hypervisor(|row| {
                row.group_id = Set(group.id);
                row.name = Set("further".into());
            })
            .await;
        let stranger = make(json!({ "hypervisorId": far.id.to_string() })).await;
        assert!(
            stranger.as_str().unwrap().contains("of the pool's group"),
            "{stranger}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_volume_in_a_local_pool_is_made_by_its_hypervisor_and_attached_only_there() {
    on_each_database(async |world| {
        let (admin, alice) = (world.admin().await, world.tenant("alice").await);
        let second = world
            .hypervisor(|row| {
                row.name = Set("second".into());
                row.last_seen_at = Set(Some(world.now() + chrono::TimeDelta::hours(1)));
            })
            .await;
        let host = world.platform.hypervisor.clone();
        let local = json!({
            "storagePoolId": world.platform.pool.id.to_string(),
            "hypervisorId": host.id.to_string(),
        });
        world.run(&admin, "updateStoragePool", local).await;
        let payload = world
            .run(&alice.requester, "createVolume", world.new_volume("data"))
            .await;
        let made = world.volume_row(id(&payload["volume"])).await;
        assert_eq!(made.hypervisor_id, host.id, "though the other was seen last");
        let ceph = world
            .pool(|row| {
                row.name = Set("cluster".to_owned());
                row.storage_type = Set(StorageType::CephRbd);
            })
            .await;
        let reaches = place_mark::list_reaches(world.app.database.reads()).await;
        let told = [
            "storage pool \"pool\" is local to hypervisor \"host\"",
            "storage pool \"cluster\" is shared by all hypervisors of its group",
        ];
        assert_eq!(reaches.unwrap(), told, "{ceph:?}");
        world.work().await;

        let away = world
            .instance(&alice, |row| row.hypervisor_id = Set(second.id))
            .await;
        let here = world.instance(&alice, |_| {}).await;
        let attach = |instance: &entity::instance::Model| {
            json!({ "volumeId": made.id.to_string(), "instanceId": instance.id.to_string() })
        };
        let refused = world.attempt(&alice.requester, "attachVolume", attach(&away)).await;
        assert_eq!(refused.unwrap_err()["extensions"]["code"], "VOLUME_OUT_OF_REACH");
        world.run(&alice.requester, "attachVolume", attach(&here)).await;

        // It cannot become the other's while volumes lie there that are not.
        let moved = json!({
            "storagePoolId": world.platform.pool.id.to_string(),
            "hypervisorId": second.id.to_string(),
        });
        let refused = world.attempt(&admin, "updateStoragePool", moved).await;
        let message = refused.unwrap_err()["message"].clone();
        assert!(message.as_str().unwrap().contains("of other hypervisors"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn a_hypervisor_stays_while_a_pool_is_local_to_it() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let spare = world.hypervisor(|row| row.name = Set("spare".into())).await;
        let pool = world
            .pool(|row| row.hypervisor_id = Set(Some(spare.id)))
            .await;
        let delete = json!({ "hypervisorId": spare.id.to_string(), "confirmName": "spare" });
        let refused = world
            .attempt(&admin, "deleteHypervisor", delete.clone())
            .await;
        let error = refused.unwrap_err();
        assert_eq!(error["extensions"]["code"], "IN_USE");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("1 storage pool"), "{message}");
        let gone = json!({ "storagePoolId": pool.id.to_string(), "confirmName": "pool" });
        world.run(&admin, "deleteStoragePool", gone).await;
        world.run(&admin, "deleteHypervisor", delete).await;
    })
    .await;
}
