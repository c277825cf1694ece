//! Instances: made stopped, started and stopped by their owners, renamed by administrators.

use serde_json::json;

use crate::harness::{id, on, on_each_database};

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

#[tokio::test]
async fn a_renamed_instance_is_told_by_the_streams_of_its_volumes() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let admin = world.admin().await;
        let instance = world.instance(&alice, |_| {}).await;
        let volume = world
            .volume(&alice, |row| {
                row.instance_id = sea_orm::Set(Some(instance.id));
            })
            .await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
            volume { attachedTo { name } } } }";
        let mut stream = world.watch(&by, document, on("id", volume.id));
        stream.next().await;
        let input = json!({ "instanceId": instance.id.to_string(), "name": " web-2 " });
        world.run(&admin, "updateInstance", input).await;
        assert_eq!(stream.next().await["volume"]["attachedTo"]["name"], "web-2");
        let input = json!({ "instanceId": instance.id.to_string(), "name": "" });
        let (code, _) = world.refusal(&admin, "updateInstance", input).await;
        assert_eq!(code, "INVALID_INPUT");
    })
    .await;
}
