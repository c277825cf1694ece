//! Instances: made stopped, started and stopped by their owners.

use serde_json::json;

use crate::harness::{id, on_each_database};

#[tokio::test]
async fn an_instance_is_made_stopped_then_starts_and_stops_as_often_as_asked() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let input = json!({
            "accountId": alice.account.id.to_string(),
            "hypervisorId": world.platform.hypervisor.id.to_string(),
            "name": "web",
            "creditsPerHour": "0.25",
        });
        world.run(&admin, "createInstance", input).await;
        let document = "{ instances { nodes { id status creditsPerHour } } }";
        let data = world.data(&alice.requester, document).await;
        let instance = &data["instances"]["nodes"][0];
        assert_eq!(instance["status"], "STOPPED");
        assert_eq!(instance["creditsPerHour"], "0.25");
        let on = json!({ "instanceId": instance["id"] });
        for (mutation, status) in [
            ("startInstance", "RUNNING"),
            ("startInstance", "RUNNING"),
            ("stopInstance", "STOPPED"),
            ("stopInstance", "STOPPED"),
        ] {
            let payload = world.run(&alice.requester, mutation, on.clone()).await;
            assert_eq!(payload["instance"]["status"], status);
        }
    })
    .await;
}

#[tokio::test]
async fn an_attached_volume_is_worked_on_by_the_agent_of_its_instance() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let far = world
            .hypervisor(|row| row.name = sea_orm::Set("far".to_owned()))
            .await;
        let instance = world
            .instance(&alice, |row| row.hypervisor_id = sea_orm::Set(far.id))
            .await;
        let volume = world
            .volume(&alice, |row| {
                row.instance_id = sea_orm::Set(Some(instance.id));
            })
            .await;
        let input = json!({ "volumeId": volume.id.to_string() });
        let payload = world.run(&alice.requester, "createSnapshot", input).await;
        let operation = world.operation_row(id(&payload["operation"])).await;
        assert_eq!(operation.hypervisor_id, far.id);
    })
    .await;
}
