//! Streams of hypervisors, and those that wake their agents.

use sea_orm::Set;
use serde_json::json;

use crate::harness::{on, on_each_database};

#[tokio::test]
async fn an_administrator_sees_hypervisors_come_and_their_agents_wake() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.signed_in(&world.admin().await).await;
        let document = "subscription { hypervisorEvents { name status agentVersion } }";
        let mut stream = world.watch(&admin, document, json!({}));
        assert_eq!(stream.next().await["name"], "host");
        let input = json!({
            "hypervisorGroupId": world.platform.group.id.to_string(), "name": "second",
        });
        world.run(&admin, "createHypervisor", input).await;
        let event = stream.next().await;
        assert_eq!(event["name"], "second");
        assert_eq!(event["status"], "NEVER_SEEN");

        let agent = world.enrolled().await;
        let mut work = world.watch(
            &agent,
            "subscription { agentWork { claimable } }",
            json!({}),
        );
        assert_eq!(work.next().await["claimable"], 0);
        let volume = world.volume(&alice, |_| {}).await;
        world
            .run(
                &alice.requester,
                "createSnapshot",
                on("volumeId", volume.id),
            )
            .await;
        assert_eq!(work.next().await["claimable"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_hypervisor_that_is_deleted_is_told_once_more_to_those_who_knew_it() {
    on_each_database(async |world| {
        let admin = world.signed_in(&world.admin().await).await;
        let gone = world
            .hypervisor(|row| row.name = Set("long gone".to_owned()))
            .await;
        let delete = async |id: String, name: &str| {
            let input = json!({ "hypervisorId": id, "confirmName": name });
            world.run(&admin, "deleteHypervisor", input).await;
        };
        delete(gone.id.to_string(), "long gone").await;
        let second = world
            .hypervisor(|row| row.name = Set("second".to_owned()))
            .await;
        let document = "subscription { hypervisorEvents { id name deletedAt group { name } } }";
        let mut stream = world.watch(&admin, document, json!({}));
        for name in ["host", "second"] {
            let event = stream.next().await;
            assert_eq!(event["name"], name);
            assert!(event["deletedAt"].is_null(), "{event}");
        }
        delete(second.id.to_string(), "second").await;
        let event = stream.next().await;
        assert_eq!(event["id"], second.id.to_string());
        assert!(event["deletedAt"].is_string(), "{event}");
        assert!(event["group"]["name"].is_string(), "{event}");
        assert!(stream.is_silent().await);
    })
    .await;
}
