//! The schema against what is promised.

use tidemark::domain::Requester;

use crate::harness::on_each_database;

#[tokio::test]
async fn the_server_tells_its_time_to_anybody() {
    on_each_database(async |world| {
        let data = world.data(&Requester::Anonymous, "{ serverTime }").await;
        assert_eq!(data["serverTime"], "2026-09-21T14:13:20.000Z");
    })
    .await;
}

#[tokio::test]
async fn a_tenant_reads_its_volume_with_everything_around_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.snapshot(&volume, |_| {}).await;
        let data = world
            .data(
                &alice.requester,
                "{ volumes { totalCount nodes { name plan { name } snapshots { totalCount nodes { name operation { kind } } } actions { createSnapshot { allowed blockers { code } } } } } }",
            )
            .await;
        assert_eq!(data["volumes"]["totalCount"], 1, "{data:#}");
        assert_eq!(data["volumes"]["nodes"][0]["snapshots"]["totalCount"], 1);
    })
    .await;
}
