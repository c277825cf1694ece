//! What agents say of deletions that were ended from outside while they worked on them.

use entity::operation::OperationStatus;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use super::{Subject, failed};
use crate::harness::{Tenant, Work, World, id, on, on_each_database};

/// How a deletion is ended while its agent holds it.
#[derive(Clone, Copy, Debug)]
enum End {
    ByAdministrator,
    ByTime,
}

impl End {
    const ALL: [Self; 2] = [Self::ByAdministrator, Self::ByTime];

    async fn bring(self, world: &World, admin: &Requester, work: &Work) {
        match self {
            Self::ByAdministrator => {
                let input = json!({ "operationId": work.operation, "reason": "stuck" });
                world.run(admin, "failOperation", input).await;
            }
            Self::ByTime => {
                world.wait_seconds(7150);
                assert_eq!(world.worker().renew(work).await, "HELD");
                world.wait_seconds(50);
                assert_eq!(world.clean_up().await.timed_out, 1);
            }
        }
    }
}

/// A deletion that was begun and then ended from outside.
async fn ended(
    world: &World,
    alice: &Tenant,
    admin: &Requester,
    subject: Subject,
    end: End,
) -> Work {
    subject.delete(world, alice).await;
    let work = world.worker().claim_one().await;
    end.bring(world, admin, &work).await;
    assert!(subject.state(world).await.is_failed, "{subject:?}");
    work
}

fn completed() -> Value {
    json!({ "completed": {} })
}

#[tokio::test]
async fn what_its_agent_says_that_it_removed_is_gone_though_the_deletion_was_given_up_on() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for end in End::ALL {
            for subject in Subject::each(&world, &alice, false).await {
                let work = ended(&world, &alice, &admin, subject, end).await;
                let before = world.operation_row(work.id()).await;
                assert!(!world.worker().finish(&work, completed()).await);
                assert!(subject.state(&world).await.is_gone, "{end:?}: {subject:?}");
                // How it ended stays, and its log has the rest.
                let after = world.operation_row(work.id()).await;
                assert_eq!(after.status, OperationStatus::Failed);
                assert_eq!(after.error_code, before.error_code);
                assert_eq!(after.error_message, before.error_message);
                assert_eq!(after.lease_expires_at, None);
                let shown = "query($id: ID!) { operation(id: $id) { logs { nodes { message } } } }";
                let shown = world
                    .data_with(&alice.requester, shown, on("id", &work.operation))
                    .await;
                let told = &shown["operation"]["logs"]["nodes"][0]["message"];
                assert_eq!(told, "The agent has told since that everything is removed.");
            }
        }
        let locked = world.count("volumes WHERE active_operation_id IS NOT NULL");
        assert_eq!(locked.await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_its_agent_says_that_it_left_whole_is_what_it_was_before() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for was_failed in [false, true] {
            for end in End::ALL {
                for subject in Subject::each(&world, &alice, was_failed).await {
                    let work = ended(&world, &alice, &admin, subject, end).await;
                    let nothing = failed(Some("NOTHING"));
                    assert!(!world.worker().finish(&work, nothing).await);
                    let after = subject.state(&world).await;
                    assert_eq!(after.is_failed, was_failed, "{end:?}: {subject:?}");
                    assert!(was_failed || after.failure.is_none(), "{after:?}");
                    subject.assert_deletable(&world, &alice).await;
                }
            }
        }
    })
    .await;
}

/// That what an agent says of a deletion that was given up on changes nothing: while it holds it, or once its lease is dead.
async fn assert_unheard(world: &World, outcomes: &[Value], lease_is_dead: bool) {
    let alice = world.tenant("alice").await;
    let admin = world.admin().await;
    for outcome in outcomes {
        for subject in Subject::each(world, &alice, false).await {
            let work = ended(world, &alice, &admin, subject, End::ByAdministrator).await;
            if lease_is_dead {
                world.wait_seconds(90);
                world.clean_up().await;
            }
            let before = subject.state(world).await;
            assert!(!world.worker().finish(&work, outcome.clone()).await);
            assert_eq!(subject.state(world).await, before, "{outcome}");
            subject.assert_deletable(world, &alice).await;
        }
    }
}

#[tokio::test]
async fn what_may_be_half_gone_stays_failed_whatever_else_its_agent_says() {
    on_each_database(async |world| {
        let stopped = json!({ "stopped": { "volumeTouched": false } });
        let outcomes = [failed(Some("SOME")), failed(None), stopped];
        assert_unheard(&world, &outcomes, false).await;
    })
    .await;
}

#[tokio::test]
async fn once_the_lease_is_dead_nothing_that_its_agent_says_changes_anything() {
    on_each_database(async |world| {
        let outcomes = [completed(), failed(Some("NOTHING"))];
        assert_unheard(&world, &outcomes, true).await;
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_is_over_says_nothing_of_what_a_newer_one_does() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();
        for outcome in [completed(), failed(Some("NOTHING"))] {
            for subject in Subject::each(&world, &alice, false).await {
                subject.delete(&world, &alice).await;
                let first = agent.claim_one().await;
                agent.hello().await;
                let second = agent.claim_one().await;
                assert!(!agent.finish(&first, outcome.clone()).await);
                assert!(subject.state(&world).await.is_deleting, "{outcome}");
                assert_eq!(agent.renew(&second).await, "HELD");
                assert!(agent.complete(&second).await);
                assert!(subject.state(&world).await.is_gone);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_backup_that_is_being_deleted_again_is_what_the_newer_deletion_makes_of_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        for outcome in [completed(), failed(Some("NOTHING"))] {
            let [_, backup, _] = Subject::each(&world, &alice, false).await;
            let work = ended(&world, &alice, &admin, backup, End::ByAdministrator).await;
            let again = backup.delete(&world, &alice).await;
            assert!(!agent.finish(&work, outcome.clone()).await);
            assert!(backup.state(&world).await.is_deleting, "{outcome}");
            let newer = agent.claim_one().await;
            assert_eq!(newer.id(), id(&again));
            assert!(agent.finish(&newer, failed(Some("SOME"))).await);
            assert!(backup.state(&world).await.is_failed);
            assert!(!backup.state(&world).await.is_gone);
        }
    })
    .await;
}
