//! What is carried out once for many who watch, and what each of them keeps to itself.

use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Variables};
use entity::{
    UserId,
    user::{self, Role},
};
use futures_util::StreamExt;
use sea_orm::{ActiveModelTrait, IntoActiveModel, Set};
use serde_json::{Value, json};
use tidemark::domain::{Requester, token};

use crate::harness::{Tenant, Watcher, Work, World, on, on_each_database};

const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { name }
    operation { status progress { bytesDone } } } }";
const PROGRESS: &str = "subscription($id: ID!) { operationProgress(operationId: $id) {
    status progress { bytesDone } } }";

/// Another user of a tenant's account, who is signed in.
async fn colleague(world: &World, of: &Tenant, role: Role) -> Requester {
    let mut row = (*of.user).clone().into_active_model();
    row.id = Set(world.app.ids.next(UserId::from_uuid));
    row.email = Set(format!("{role:?}@colleague.test"));
    row.role = Set(role);
    let user: user::Model = row.insert(world.app.database.writes()).await.unwrap();
    let Requester::User {
        token, token_scope, ..
    } = of.requester
    else {
        panic!("a tenant is a user");
    };
    let user = Arc::new(user);
    let known = Requester::User {
        user,
        token,
        token_scope,
    };
    world.signed_in(&known).await
}

/// How many subscriptions are carried out.
fn executions(world: &World) -> u64 {
    let text = world.app.metrics.text().unwrap();
    let mut lines = text.lines();
    let figure = lines.find_map(|line| line.strip_prefix("tidemark_stream_executions "));
    figure.unwrap().parse().unwrap()
}

async fn executions_become(world: &World, count: u64) {
    let are_so = async || (executions(world) == count).then_some(());
    testbed::until("as many are carried out as are asked", are_so).await;
}

/// An operation of `tenant` that has reported its first bytes.
async fn under_way(world: &World, tenant: &Tenant) -> Work {
    let by = world.signed_in(&tenant.requester).await;
    let volume = world.volume(tenant, |_| {}).await;
    world
        .run(&by, "createBackup", on("volumeId", volume.id))
        .await;
    let work = world.worker().claim_one().await;
    for done in 1..=2 {
        world.worker().report(&work, "Uploading", done, 1000).await;
    }
    work
}

async fn rename(world: &World, by: &Requester, volume: impl std::fmt::Display, name: &str) {
    let input = json!({ "volumeId": volume.to_string(), "name": name });
    world.run(by, "updateVolume", input).await;
}

#[tokio::test]
async fn who_asks_the_same_with_the_same_rights_is_told_the_same_by_one_execution() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let volume = world.volume(&alice, |_| {}).await;
        let other = world.volume(&alice, |_| {}).await;
        let mut by = vec![world.signed_in(&alice.requester).await];
        by.push(world.signed_in(&alice.requester).await);
        by.push(colleague(&world, &alice, Role::User).await);
        let watch = |by| world.watch(by, ACTIVITY, on("id", volume.id));
        let mut streams: Vec<Watcher> = by.iter().map(watch).collect();
        for stream in &mut streams {
            assert_eq!(stream.next().await["operation"], Value::Null);
        }
        assert_eq!(executions(&world), 1);
        rename(&world, &by[0], volume.id, "renamed").await;
        for stream in &mut streams {
            assert_eq!(stream.next().await["volume"]["name"], "renamed");
        }

        // Others' rights, other variables and other words are others' questions.
        let admin = world.signed_in(&world.admin().await).await;
        streams.push(watch(&admin));
        streams.push(world.watch(&by[0], ACTIVITY, on("id", other.id)));
        let words = ACTIVITY.replace("name", "name id");
        streams.push(world.watch(&by[0], &words, on("id", volume.id)));
        for stream in &mut streams[3..] {
            stream.next().await;
        }
        assert_eq!(executions(&world), 4);
        let foreign = world.signed_in(&bob.requester).await;
        assert_eq!(watch(&foreign).refusal().await, "NOT_FOUND");
        streams.clear();
        executions_become(&world, 0).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_that_ends_ends_none_but_its_own_of_the_streams_that_are_shared() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let by = [
            world.signed_in(&alice.requester).await,
            world.signed_in(&alice.requester).await,
            colleague(&world, &alice, Role::User).await,
        ];
        let watch = |by| world.watch(by, ACTIVITY, on("id", volume.id));
        let mut streams: Vec<Watcher> = by.iter().map(watch).collect();
        for stream in &mut streams {
            stream.next().await;
        }
        token::revoke(&world.app, by[0].token().unwrap())
            .await
            .unwrap();
        assert_eq!(streams.remove(0).refusal().await, "UNAUTHENTICATED");
        let suspended = by[2].user_id().unwrap().to_string();
        let input = json!({ "userId": suspended });
        world.run(&admin, "disableUser", input).await;
        assert_eq!(streams.remove(1).refusal().await, "UNAUTHENTICATED");
        rename(&world, &by[1], volume.id, "renamed").await;
        for stream in &mut streams {
            stream
                .until(|told| told["volume"]["name"] == "renamed")
                .await;
        }
        executions_become(&world, 1).await;
    })
    .await;
}

#[tokio::test]
async fn who_gets_other_rights_leaves_those_who_have_them_no_more() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let admin = world.admin().await;
        let volume = world.volume(&bob, |_| {}).await;
        let promoted = colleague(&world, &alice, Role::Admin).await;
        let keeper = world.signed_in(&admin).await;
        let watch = |by| world.watch(by, ACTIVITY, on("id", volume.id));
        let (mut leaves, mut stays) = (watch(&promoted), watch(&keeper));
        leaves.next().await;
        stays.next().await;
        let user = promoted.user_id().unwrap().to_string();
        let input = json!({ "userId": user, "role": "USER" });
        world.run(&admin, "updateUser", input).await;
        assert_eq!(leaves.refusal().await, "NOT_FOUND");
        let by = world.signed_in(&bob.requester).await;
        rename(&world, &by, volume.id, "renamed").await;
        assert_eq!(stays.next().await["volume"]["name"], "renamed");
    })
    .await;
}

#[tokio::test]
async fn who_joins_is_told_what_is_true_then_and_who_was_there_is_not_told_again() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut first = world.watch(&by, ACTIVITY, on("id", volume.id));
        first.next().await;
        let mut second = world.watch(&by, ACTIVITY, on("id", volume.id));
        second.next().await;
        assert!(first.is_silent().await);
        // Nobody is woken by this; what was read a second ago is too old for who joins.
        let id = volume.id;
        world
            .by_hand(&format!(
                "UPDATE volumes SET name = 'by hand' WHERE id = '{id}'"
            ))
            .await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let mut third = world.watch(&by, ACTIVITY, on("id", volume.id));
        for stream in [&mut third, &mut first, &mut second] {
            assert_eq!(stream.next().await["volume"]["name"], "by hand");
        }
        assert_eq!(executions(&world), 1);
    })
    .await;
}

#[tokio::test]
async fn who_is_slow_holds_nobody_back_and_is_told_the_newest_and_the_end() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let work = under_way(&world, &alice).await;
        let watch = || world.watch(&by, PROGRESS, on("id", &work.operation));
        let (mut quick, mut slow) = (watch(), watch());
        quick.next().await;
        slow.next().await;
        for done in [100, 200, 300] {
            world.worker().report(&work, "Uploading", done, 1000).await;
            quick
                .until(|told| told["progress"]["bytesDone"] == done)
                .await;
        }
        let told = slow.next().await;
        assert_eq!(told["progress"]["bytesDone"], 300, "nothing between");
        let mut slower = watch();
        slower.next().await;
        world.worker().report(&work, "Uploading", 400, 1000).await;
        quick
            .until(|told| told["progress"]["bytesDone"] == 400)
            .await;
        assert!(world.worker().complete(&work).await);
        quick.until(|told| told["status"] == "COMPLETED").await;
        quick.end().await;
        executions_become(&world, 0).await;
        for mut stream in [slow, slower] {
            stream.until(|told| told["status"] == "COMPLETED").await;
            stream.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_slow_is_told_how_what_held_a_volume_has_ended() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let work = under_way(&world, &alice).await;
        let id = world.operation_row(work.id()).await.volume_id;
        let watch = || world.watch(&by, ACTIVITY, on("id", id));
        let (mut quick, mut slow) = (watch(), watch());
        quick.next().await;
        slow.next().await;
        assert!(world.worker().complete(&work).await);
        quick
            .until(|told| told["operation"]["status"] == "COMPLETED")
            .await;
        rename(&world, &by, id, "renamed").await;
        quick.until(|told| told["operation"].is_null()).await;
        let told = slow.next().await;
        assert_eq!(told["operation"]["status"], "COMPLETED");
        slow.until(|told| told["volume"]["name"] == "renamed").await;
    })
    .await;
}

#[tokio::test]
async fn what_many_are_told_is_what_one_alone_is_told_and_written_once() {
    let of_operation = "id kind status revision attempt createdAt deadlineAt heldUntil startedAt
        finishedAt requestedBy { id email } account { id name } volume { id name
        actions { createSnapshot { allowed } createBackup { allowed } } } error { code message }
        waiting { __typename } progress { phase percent bytesDone bytesTotal }
        events(first: 5) { nodes { kind actor message } } logs(first: 5) { nodes { message } }";
    let document = format!(
        "subscription($id: ID!) {{ operationProgress(operationId: $id) {{ {of_operation} }} }}"
    );
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let other = colleague(&world, &alice, Role::User).await;
        let work = under_way(&world, &alice).await;
        let request = || {
            let variables = Variables::from_json(on("id", &work.operation));
            Request::new(&document).variables(variables)
        };
        for (reader, done) in [(&by, 3), (&other, 4)] {
            let mut alone = world
                .schema()
                .execute_stream(request().data(reader.clone()));
            let alone = serde_json::to_string(&alone.next().await.unwrap()).unwrap();
            assert!(!alone.contains("errors"), "{alone}");
            let mut first = world.schema().watch(request().data(by.clone()));
            let mut second = world.schema().watch(request().data(reader.clone()));
            for stream in [&mut first, &mut second] {
                let told = stream.next().await.unwrap();
                assert_eq!(value(told.json()), value(&alone));
            }
            world.worker().report(&work, "Uploading", done, 1000).await;
            let (one, other) = (first.next().await.unwrap(), second.next().await.unwrap());
            assert!(std::ptr::eq(one.json(), other.json()), "{one:?} {other:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn whether_many_may_still_watch_is_asked_by_a_few_statements_for_all() {
    on_each_database(async |world| {
        let world = world.with_settings(|settings| {
            settings.stream_refresh = Duration::from_millis(300);
        });
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut costs = Vec::new();
        for watchers in [1, 31] {
            let mut streams = Vec::new();
            for _ in 0..watchers {
                let by = world.signed_in(&alice.requester).await;
                streams.push(world.watch(&by, ACTIVITY, on("id", volume.id)));
            }
            for stream in &mut streams {
                stream.next().await;
            }
            world.statements();
            tokio::time::sleep(Duration::from_secs(2)).await;
            costs.push(world.statements());
        }
        assert!(costs[1] < costs[0] * 2 + 10, "{costs:?}");
    })
    .await;
}
