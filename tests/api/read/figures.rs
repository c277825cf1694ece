//! Figures and lists for administrators: of plans, accounts and hosts.

use entity::{snapshot::ItemStatus, volume::VolumeState};
use sea_orm::Set;
use serde_json::json;

use crate::harness::{Tenant, World, on_each_database};

#[tokio::test]
async fn a_plan_tells_how_many_volumes_have_it_and_how_many_hold_more_than_a_cap() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let other = world.plan(|row| row.name = Set("other".to_owned())).await;
        holding(&world, &alice, 3, 0).await;
        holding(&world, &alice, 2, 4).await;
        holding(&world, &world.tenant("bob").await, 0, 0).await;
        // What is gone or failed counts nowhere.
        let gone = holding(&world, &alice, 9, 9).await;
        let now = world.now();
        world
            .change(gone, |row| row.deleted_at = Set(Some(now)))
            .await;
        let broken = holding(&world, &alice, 0, 0).await;
        for _ in 0..9 {
            world
                .snapshot(&broken, |row| row.status = Set(ItemStatus::Failed))
                .await;
            world
                .backup(&broken, |row| row.deleted_at = Set(Some(now)))
                .await;
        }
        let document = "{ volumePlans { name volumeCount
            two: volumesAbove(maxSnapshots: 2) one: volumesAbove(maxSnapshots: 1)
            backups: volumesAbove(maxBackups: 3) full: volumesAbove(maxBackups: 4)
            either: volumesAbove(maxSnapshots: 2, maxBackups: 3) neither: volumesAbove } }";
        let data = world.data(&admin, document).await;
        let mut figures = json!({ "name": other.name, "volumeCount": 0, "two": 0, "one": 0,
            "backups": 0, "full": 0, "either": 0, "neither": 0 });
        assert_eq!(data["volumePlans"][0], figures);
        figures = json!({ "name": "plan", "volumeCount": 4, "two": 1, "one": 2, "backups": 1,
            "full": 0, "either": 2, "neither": 0 });
        assert_eq!(data["volumePlans"][1], figures);
    })
    .await;
}

#[tokio::test]
async fn the_figures_of_many_plans_cost_as_many_statements_as_those_of_one() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let document =
            "{ volumePlans { volumeCount volumesAbove(maxSnapshots: 1, maxBackups: 2) } }";
        let mut costs = Vec::new();
        for plans in [0, 9] {
            for _ in 0..plans {
                world.plan(|_| {}).await;
            }
            world.statements();
            world.data(&admin, document).await;
            costs.push(world.statements());
        }
        assert_eq!(costs, [3, 3]);
    })
    .await;
}

#[tokio::test]
async fn accounts_tell_their_users_in_one_statement() {
    on_each_database(async |world| {
        world.tenant("bob").await;
        world.tenant("alice").await;
        let admin = world.admin().await;
        world.statements();
        let document = "{ accounts { nodes { name users { email role } } } }";
        let data = world.data(&admin, document).await;
        assert_eq!(world.statements(), 2);
        let user = |name: &str, role: &str| {
            let users = [json!({ "email": format!("{name}@example.test"), "role": role })];
            json!({ "name": name, "users": users })
        };
        let accounts = json!([
            user("admin", "ADMIN"),
            user("alice", "USER"),
            user("bob", "USER")
        ]);
        assert_eq!(data["accounts"]["nodes"], accounts);
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_on_the_host_of_its_instance_while_it_is_attached() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let far = world
            .hypervisor(|row| row.name = Set("far".to_owned()))
            .await;
        let instance = world
            .instance(&alice, |row| row.hypervisor_id = Set(far.id))
            .await;
        let volume = world
            .volume(&alice, |row| row.instance_id = Set(Some(instance.id)))
            .await;
        let document = "{ volumes { nodes { hypervisor { name }
            attachedTo { hypervisor { name } } } } }";
        let data = world.data(&admin, document).await;
        let read = &data["volumes"]["nodes"][0];
        assert_eq!(read["hypervisor"]["name"], "far");
        assert_eq!(read["attachedTo"]["hypervisor"]["name"], "far");
        world
            .change(volume, |row| row.instance_id = Set(None))
            .await;
        let data = world.data(&admin, document).await;
        assert_eq!(data["volumes"]["nodes"][0]["hypervisor"]["name"], "host");
    })
    .await;
}

#[tokio::test]
async fn instances_are_found_by_account() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let admin = world.admin().await;
        world.instance(&alice, |_| {}).await;
        world.instance(&bob, |_| {}).await;
        let document = "query($id: ID!) { instances(filter: { accountId: $id }) {
            totalCount nodes { account { name } } } }";
        let of_bob = json!({ "id": bob.account.id.to_string() });
        let found = world.data_with(&admin, document, of_bob.clone()).await;
        let instances = json!({ "totalCount": 1, "nodes": [{ "account": { "name": "bob" } }] });
        assert_eq!(found["instances"], instances);
        let none = world.data_with(&alice.requester, document, of_bob).await;
        assert_eq!(none["instances"]["totalCount"], 0);
        let broken = json!({ "id": "none" });
        let none = world.data_with(&admin, document, broken).await;
        assert_eq!(none["instances"]["totalCount"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_backup_tells_its_owner_also_when_its_volume_is_gone() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let volume = world.volume(&alice, |_| {}).await;
        world.backup(&volume, |_| {}).await;
        let now = world.now();
        world
            .change(volume, |row| row.deleted_at = Set(Some(now)))
            .await;
        let document = "{ backups { nodes { volume { id } account { name } } } }";
        for caller in [&alice.requester, &admin] {
            let data = world.data(caller, document).await;
            let expected = json!([{ "volume": null, "account": { "name": "alice" } }]);
            assert_eq!(data["backups"]["nodes"], expected);
        }
    })
    .await;
}

/// A volume that holds so many snapshots and backups.
async fn holding(
    world: &World,
    tenant: &Tenant,
    snapshots: usize,
    backups: usize,
) -> entity::volume::Model {
    let volume = world
        .volume(tenant, |row| row.state = Set(VolumeState::Available))
        .await;
    for _ in 0..snapshots {
        world.snapshot(&volume, |_| {}).await;
    }
    for _ in 0..backups {
        world.backup(&volume, |_| {}).await;
    }
    volume
}
