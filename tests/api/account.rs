//! Accounts: how many volumes each may have, and of how many bytes.

use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::{
    guard::pair,
    harness::{GB, Tenant, World, on_each_database},
};

/// An administrator sets limits of an account.
async fn limit(world: &World, admin: &Requester, of: &Tenant, limits: Value) {
    let mut input = limits;
    input["accountId"] = of.account.id.to_string().into();
    world.run(admin, "updateAccount", input).await;
}

/// What an account's owner reads of its volumes.
async fn told(world: &World, tenant: &Tenant) -> Value {
    let document =
        "{ viewer { account { volumeCount volumeLimit volumeBytes volumeBytesLimit } } }";
    let mut data = world.data(&tenant.requester, document).await;
    data["viewer"]["account"].take()
}

const FULL: &str =
    "Volume limit reached (2 of 2). Delete a volume first, or ask an administrator for more.";

#[tokio::test]
async fn an_account_has_no_more_volumes_than_it_may_however_they_are_made() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = world.snapshot(&volume, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        limit(&world, &admin, &alice, json!({ "volumeLimit": 2 })).await;
        let by = &alice.requester;
        world
            .run(by, "createVolume", world.new_volume("second"))
            .await;
        let full = pair("VOLUME_LIMIT_REACHED", FULL);
        let third = world.new_volume("third");
        assert_eq!(world.refusal(by, "createVolume", third.clone()).await, full);
        for source in [
            json!({ "snapshotId": snapshot.id.to_string() }),
            json!({ "backupId": backup.id.to_string() }),
        ] {
            let restore = json!({ "source": source });
            let refusal = world.refusal(by, "restoreToNewVolume", restore).await;
            assert_eq!(refusal, full, "{source}");
        }
        let document = format!(
            "{{ volume(id: \"{}\") {{ actions {{ restoreToNewVolume {{ blockers {{ code message }} }} }} }} }}",
            volume.id
        );
        let data = world.data(by, &document).await;
        assert_eq!(
            data["volume"]["actions"]["restoreToNewVolume"]["blockers"],
            json!([{ "code": "VOLUME_LIMIT_REACHED", "message": FULL }])
        );
        // An administrator is held to it, too, and another account is not.
        let mut for_alice = third.clone();
        for_alice["accountId"] = alice.account.id.to_string().into();
        assert_eq!(world.refusal(&admin, "createVolume", for_alice).await, full);
        let bob = world.tenant("bob").await;
        world
            .run(&bob.requester, "createVolume", third.clone())
            .await;
        // What is on its way off storage still counts, and what is gone does not.
        world.work().await;
        let delete = json!({ "volumeId": second(&world, by).await, "confirmName": "second" });
        world.run(by, "deleteVolume", delete).await;
        assert_eq!(world.refusal(by, "createVolume", third.clone()).await, full);
        world.work().await;
        world.run(by, "createVolume", third).await;
    })
    .await;
}

async fn second(world: &World, by: &Requester) -> Value {
    let found = "{ volumes(filter: { nameContains: \"second\" }) { nodes { id } } }";
    world.data(by, found).await["volumes"]["nodes"][0]["id"].take()
}

#[tokio::test]
async fn the_bytes_of_an_accounts_volumes_stay_below_its_limit() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let larger = world.plan(|row| row.size_bytes = Set(11 * GB)).await;
        limit(&world, &admin, &alice, json!({ "volumeBytesLimit": 20 * GB })).await;
        let by = &alice.requester;
        let full = pair(
            "VOLUME_LIMIT_REACHED",
            "Volume limit reached: the account's volumes have 10737418240 of 21474836480 bytes, and this one \
             would have 11811160064. Delete a volume first, or ask an administrator for more.",
        );
        let mut input = world.new_volume("large");
        input["planId"] = larger.id.to_string().into();
        assert_eq!(world.refusal(by, "createVolume", input).await, full);
        let mut restore = json!({ "source": { "backupId": backup.id.to_string() } });
        restore["planId"] = larger.id.to_string().into();
        assert_eq!(world.refusal(by, "restoreToNewVolume", restore).await, full);
        // To the last byte.
        let restore = json!({ "source": { "backupId": backup.id.to_string() } });
        world.run(by, "restoreToNewVolume", restore).await;
        assert_eq!(
            told(&world, &alice).await,
            json!({ "volumeCount": 2, "volumeLimit": 500,
                    "volumeBytes": 20 * GB, "volumeBytesLimit": 20 * GB })
        );
    })
    .await;
}

#[tokio::test]
async fn a_limit_of_an_account_is_its_own_until_null_makes_it_the_settings() {
    on_each_database(async |world| {
        let world = world.with_settings(|settings| {
            settings.volume_limit = 7;
            settings.volume_bytes_limit = 1 << 50;
        });
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let bob = world.tenant("bob").await;
        world.volume(&alice, |_| {}).await;
        world.volume(&bob, |_| {}).await;
        let of = |limit: i64, bytes: i64| {
            json!({ "volumeCount": 1, "volumeLimit": limit,
                    "volumeBytes": 10 * GB, "volumeBytesLimit": bytes })
        };
        assert_eq!(told(&world, &alice).await, of(7, 1 << 50));
        let both = json!({ "volumeLimit": 0, "volumeBytesLimit": 0 });
        limit(&world, &admin, &alice, both).await;
        // Nothing is deleted by a lower limit.
        assert_eq!(told(&world, &alice).await, of(0, 0));
        limit(&world, &admin, &alice, json!({ "name": "Alice & Co." })).await;
        assert_eq!(told(&world, &alice).await, of(0, 0));
        limit(&world, &admin, &alice, json!({ "volumeLimit": null })).await;
        assert_eq!(told(&world, &alice).await, of(7, 0));
        limit(&world, &admin, &alice, json!({ "volumeBytesLimit": null })).await;
        assert_eq!(told(&world, &alice).await, of(7, 1 << 50));
        assert_eq!(told(&world, &bob).await, of(7, 1 << 50));
        let data = world
            .data(&alice.requester, "{ viewer { account { name } } }")
            .await;
        assert_eq!(data["viewer"]["account"]["name"], "Alice & Co.");
        for bad in [json!({ "volumeLimit": -1 }), json!({ "name": " " })] {
            let mut input = bad;
            input["accountId"] = alice.account.id.to_string().into();
            let (code, _) = world.refusal(&admin, "updateAccount", input).await;
            assert_eq!(code, "INVALID_INPUT");
        }
    })
    .await;
}
