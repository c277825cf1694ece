//! Caps and the limit of operations in flight: what counts, and what makes room.

use entity::{snapshot::ItemStatus, volume};
use sea_orm::Set;
use serde_json::json;

use crate::{
    guard::{FLIGHTS, pair},
    harness::{Work, on_each_database},
};

#[tokio::test]
async fn caps_count_what_lives_and_not_what_failed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let plan = world
            .plan(|row| {
                row.max_snapshots = Set(5);
                row.max_backups = Set(5);
            })
            .await;
        let statuses = [
            ItemStatus::Pending,
            ItemStatus::Creating,
            ItemStatus::Available,
            ItemStatus::Restoring,
            ItemStatus::Deleting,
        ];
        let volume = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        for status in statuses {
            world
                .snapshot(&volume, |row| row.status = Set(status))
                .await;
            world.backup(&volume, |row| row.status = Set(status)).await;
        }
        let input = json!({ "volumeId": volume.id.to_string() });
        for (mutation, code) in [
            ("createSnapshot", "SNAPSHOT_LIMIT_REACHED"),
            ("createBackup", "BACKUP_LIMIT_REACHED"),
        ] {
            assert_eq!(
                world
                    .refusal(&alice.requester, mutation, input.clone())
                    .await
                    .0,
                code
            );
        }
        let other = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        for _ in 0..5 {
            world
                .snapshot(&other, |row| row.status = Set(ItemStatus::Failed))
                .await;
        }
        let input = json!({ "volumeId": other.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn a_lowered_cap_deletes_nothing_and_deleting_makes_room_at_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let kept = world.snapshot(&volume, |_| {}).await;
        let deleted = world
            .snapshot(&volume, |row| row.name = Set("old".to_owned()))
            .await;
        let plan = world.platform.plan.id.to_string();
        world
            .run(
                &admin,
                "updateVolumePlan",
                json!({ "planId": plan, "maxSnapshots": 1 }),
            )
            .await;
        assert_eq!(world.snapshot_row(kept.id).await.deleted_at, None);
        let input = json!({ "volumeId": volume.id.to_string() });
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "SNAPSHOT_LIMIT_REACHED");
        let delete = json!({ "snapshotId": deleted.id.to_string(), "confirmName": "old" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "SNAPSHOT_LIMIT_REACHED");
        let delete = json!({ "snapshotId": kept.id.to_string(), "confirmName": "snapshot" });
        world.run(&alice.requester, "deleteSnapshot", delete).await;
        world.work().await;
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn three_may_be_in_flight_over_all_volumes_of_an_account_whoever_asks() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let source = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&source, |_| {}).await;
        let one = world.volume(&alice, |_| {}).await;
        let two = world.volume(&alice, |_| {}).await;
        let on = |volume: &volume::Model| json!({ "volumeId": volume.id.to_string() });
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        world
            .run(&alice.requester, "restoreToNewVolume", restore)
            .await;
        world.run(&admin, "createSnapshot", on(&one)).await;
        world.run(&alice.requester, "createBackup", on(&two)).await;
        let full = pair("IN_FLIGHT_LIMIT_REACHED", FLIGHTS);
        for by in [&alice.requester, &admin] {
            assert_eq!(world.refusal(by, "createSnapshot", on(&source)).await, full);
        }
        let bob = world.tenant("bob").await;
        let other = world.volume(&bob, |_| {}).await;
        world.run(&admin, "createSnapshot", on(&other)).await;
        let data = world
            .data(
                &alice.requester,
                "{ viewer { account { operationsInFlight operationsInFlightLimit } } }",
            )
            .await;
        let account = &data["viewer"]["account"];
        assert_eq!(account["operationsInFlight"], 3);
        assert_eq!(account["operationsInFlightLimit"], 3);
        world.work().await;
        world
            .run(&alice.requester, "createSnapshot", on(&source))
            .await;
    })
    .await;
}

#[tokio::test]
async fn deletes_and_new_volumes_are_not_counted_as_in_flight() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for _ in 0..4 {
            let volume = world.volume(&alice, |_| {}).await;
            let snapshot = world.snapshot(&volume, |_| {}).await;
            let backup = world.backup(&volume, |_| {}).await;
            let delete =
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" });
            world.run(&alice.requester, "deleteSnapshot", delete).await;
            let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
            world.run(&alice.requester, "deleteBackup", delete).await;
            world
                .run(&alice.requester, "createVolume", world.new_volume("more"))
                .await;
        }
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn twenty_deletes_and_new_volumes_may_wait_for_agents_that_are_there() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let source = world.volume(&alice, |_| {}).await;
        for _ in 0..10 {
            let backup = world.backup(&source, |_| {}).await;
            let delete = json!({ "backupId": backup.id.to_string(), "confirmName": "backup" });
            world.run(&alice.requester, "deleteBackup", delete).await;
            let new = world.new_volume("more");
            world.run(&alice.requester, "createVolume", new).await;
        }
        let spare = world
            .volume(&alice, |row| row.name = Set("spare".to_owned()))
            .await;
        let snapshot = world.snapshot(&source, |_| {}).await;
        let backup = world.backup(&source, |_| {}).await;
        let asked = [
            ("createVolume", world.new_volume("more")),
            (
                "deleteSnapshot",
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": "snapshot" }),
            ),
            (
                "deleteBackup",
                json!({ "backupId": backup.id.to_string(), "confirmName": "backup" }),
            ),
            (
                "deleteVolume",
                json!({ "volumeId": spare.id.to_string(), "confirmName": "spare" }),
            ),
        ];
        let words = "Too many deletes and new volumes are waiting (20 of 20). \
                     Wait for some of them to be done.";
        for (mutation, input) in &asked {
            let refusal = world
                .refusal(&alice.requester, mutation, input.clone())
                .await;
            assert_eq!(refusal, pair("TOO_MANY_WAITING", words), "{mutation}");
        }

        // What is protected does not wait for that, nor does anybody else.
        let input = json!({ "volumeId": source.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        let bob = world.tenant("bob").await;
        let new = world.new_volume("first");
        world.run(&bob.requester, "createVolume", new).await;

        // One that is being done waits no more.
        let agent = world.worker();
        agent.claim_up_to(1).await;
        world
            .run(&alice.requester, "createVolume", world.new_volume("more"))
            .await;

        // While the agent is away nobody can make them go: they are not counted.
        let (mutation, input) = asked[2].clone();
        assert_eq!(
            world
                .refusal(&alice.requester, mutation, input.clone())
                .await
                .0,
            "TOO_MANY_WAITING"
        );
        world.wait_seconds(90);
        world.run(&alice.requester, mutation, input).await;
    })
    .await;
}

#[tokio::test]
async fn an_account_that_queues_as_much_as_it_may_delays_another_by_one_operation() {
    on_each_database(async |world| {
        let world = world.with_settings(|settings| settings.in_flight_limit = 1000);
        let alice = world.tenant("alice").await;
        for number in 0..40 {
            let volume = world.volume(&alice, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let mutation = ["createSnapshot", "createBackup"][number % 2];
            world.run(&alice.requester, mutation, input).await;
        }
        let agent = world.worker();
        let mut held = agent.claim_up_to(2).await;
        let bob = world.tenant("bob").await;
        let carol = world.tenant("carol").await;
        let mut asked = Vec::new();
        for tenant in [&bob, &carol, &bob] {
            let volume = world.volume(tenant, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let payload = world.run(&tenant.requester, "createSnapshot", input).await;
            asked.push(payload["operation"]["id"].as_str().unwrap().to_owned());
        }
        let mut started = Vec::new();
        for _ in 0..6 {
            assert!(agent.complete(&held.remove(0)).await);
            held.extend(agent.claim_up_to(1).await);
            started.push(held.last().unwrap().operation.clone());
        }
        let places: Vec<_> = asked
            .iter()
            .map(|operation| started.iter().position(|started| started == operation))
            .collect();
        assert_eq!(
            places,
            [Some(0), Some(1), Some(3)],
            "the third waits for alice's one"
        );
    })
    .await;
}

#[tokio::test]
async fn one_claim_takes_of_each_account_in_turn_and_fills_all_places() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let mut asked = Vec::new();
        for tenant in [&alice, &alice, &alice, &bob, &bob] {
            let volume = world.volume(tenant, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let payload = world.run(&tenant.requester, "createSnapshot", input).await;
            asked.push(payload["operation"]["id"].as_str().unwrap().to_owned());
        }
        let agent = world.worker();
        let mut order = Vec::new();
        for limit in [4, 100] {
            for work in agent.claim_up_to(limit).await {
                order.push(asked.iter().position(|id| *id == work.operation).unwrap());
            }
        }
        assert_eq!(order, [0, 3, 1, 4, 2]);
        assert!(agent.claim().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_what_one_claim_takes_the_damaged_costs_itself_only() {
    on_each_database(async |world| {
        let mut asked = Vec::new();
        for name in ["alice", "bob", "carol"] {
            let tenant = world.tenant(name).await;
            let volume = world.volume(&tenant, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            let payload = world.run(&tenant.requester, "createSnapshot", input).await;
            asked.push(payload["operation"]["id"].as_str().unwrap().to_owned());
        }
        let damage = format!(
            "UPDATE operations SET kind = 'nonsense' WHERE id = '{}'",
            asked[1]
        );
        world.by_hand(&damage).await;
        let works = world.worker().claim().await;
        let claimed: Vec<_> = works.iter().map(|work| &work.operation).collect();
        assert_eq!(claimed, [&asked[0], &asked[2]]);
        let status = format!("SELECT status FROM operations WHERE id = '{}'", asked[1]);
        assert_eq!(world.text(&status).await.as_deref(), Some("failed"));
    })
    .await;
}

#[tokio::test]
async fn one_place_of_an_agent_is_kept_for_what_is_quick() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        for tenant in [&alice, &alice, &bob] {
            let volume = world.volume(tenant, |_| {}).await;
            let input = json!({ "volumeId": volume.id.to_string() });
            world.run(&tenant.requester, "createBackup", input).await;
        }
        let agent = world.worker();
        let kinds = |works: &[Work]| {
            works
                .iter()
                .map(|work| work.kind.clone())
                .collect::<Vec<_>>()
        };
        let first = agent.claim_up_to(2).await;
        assert_eq!(
            kinds(&first),
            ["CREATE_BACKUP"],
            "of two places one is kept"
        );
        assert!(agent.claim_up_to(1).await.is_empty());

        let volume = world.volume(&bob, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&bob.requester, "createSnapshot", input).await;
        assert_eq!(kinds(&agent.claim_up_to(1).await), ["CREATE_SNAPSHOT"]);

        // Whoever waited for the place that is for anything has it next, whatever else was done.
        assert!(agent.complete(&first[0]).await);
        let next = agent.claim_up_to(1).await;
        assert_eq!(kinds(&next), ["CREATE_BACKUP"]);
        assert_ne!(next[0].operation, first[0].operation);

        // An agent with one place keeps none.
        let elsewhere = world.elsewhere("far").await;
        let host = world
            .hypervisor(|row| row.group_id = Set(elsewhere.id))
            .await;
        let volume = world
            .volume(&bob, |row| row.hypervisor_id = Set(host.id))
            .await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&bob.requester, "createBackup", input).await;
        assert_eq!(world.worker_of(host).claim_up_to(1).await.len(), 1);
    })
    .await;
}
