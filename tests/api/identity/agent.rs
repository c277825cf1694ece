//! The tokens of agents: revoked at once, and made anew.

use serde_json::{Value, json};
use tidemark::domain::{
    Requester,
    token::{authenticate, reauthenticate},
};

use crate::harness::{World, on, on_each_database};

const ENROL: &str = "mutation($input: CreateEnrolmentTokenInput!) {
    createEnrolmentToken(input: $input) { hypervisor { id } enrolmentToken } }";

/// The agent with a new token of the API, as a caller.
async fn enrolled(world: &World, admin: &Requester) -> Requester {
    let input = on("hypervisorId", world.platform.hypervisor.id);
    let mut data = world
        .data_with(admin, ENROL, json!({ "input": input }))
        .await;
    let payload: Value = data["createEnrolmentToken"].take();
    let id = world.platform.hypervisor.id.to_string();
    assert_eq!(payload["hypervisor"]["id"], id);
    let secret = payload["enrolmentToken"].as_str().unwrap();
    authenticate(&world.app, secret).await.unwrap()
}

#[tokio::test]
async fn an_agents_tokens_are_revoked_at_once_and_another_lets_it_in_again() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let (old, newer) = (world.enrolled().await, enrolled(&world, &admin).await);
        let other = world.hypervisor(|_| {}).await;
        let input = json!({ "input": on("hypervisorId", other.id) });
        let data = world.data_with(&admin, ENROL, input).await;
        let foreign = data["createEnrolmentToken"]["enrolmentToken"].clone();
        assert_eq!(newer.hypervisor_id(), old.hypervisor_id());
        assert!(
            reauthenticate(&world.app, &old).await.is_ok(),
            "both are valid"
        );
        let mut streams = Vec::new();
        for by in [&old, &newer] {
            let document = "subscription { agentWork { claimable } }";
            let mut stream = world.watch(by, document, json!({}));
            stream.next().await;
            streams.push(stream);
        }

        let input = on("hypervisorId", world.platform.hypervisor.id);
        for _ in 0..2 {
            world.run(&admin, "revokeAgentToken", input.clone()).await;
        }
        for stream in streams {
            assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
        }
        for by in [&old, &newer] {
            assert!(reauthenticate(&world.app, by).await.is_err());
        }
        let foreign = foreign.as_str().unwrap();
        assert!(authenticate(&world.app, foreign).await.is_ok());
        let again = enrolled(&world, &admin).await;
        let hello = "mutation { agentRenew(input: { leases: [] }) { __typename } }";
        world.data(&again, hello).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_revoked_agent_was_doing_goes_back_to_the_queue() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = on("volumeId", volume.id);
        world.run(&alice.requester, "createSnapshot", input).await;
        let work = world.worker().claim_one().await;
        let input = on("hypervisorId", world.platform.hypervisor.id);
        world.run(&admin, "revokeAgentToken", input).await;
        world.wait_seconds(91);
        world.clean_up().await;
        let again = world.worker().claim_one().await;
        assert_eq!((work.epoch, again.epoch), (1, 2));
    })
    .await;
}
