//! The installation: one id, whoever asks for it first, and agents are told.

use entity::installation;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::json;
use tidemark::{
    app::App,
    domain::installation::{self as domain, Installation},
};

use crate::harness::on_each_database;

#[tokio::test]
async fn gateways_that_start_at_once_agree_on_one_installation() {
    on_each_database(async |world| {
        let gateways: Vec<_> = (0..8)
            .map(|_| App {
                installation: Installation::default(),
                ..world.app.clone()
            })
            .collect();
        let ids = join_all(gateways.iter().map(domain::id)).await;
        let rows = installation::Entity::find()
            .all(world.app.database.reads())
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
        for id in ids {
            assert_eq!(id.unwrap(), rows[0].id);
        }
        assert_eq!(domain::id(&world.app).await.unwrap(), rows[0].id);
    })
    .await;
}

#[tokio::test]
async fn an_agent_is_told_what_the_manifest_of_a_backup_names() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createSnapshot", input).await;
        let told = world.worker().claim_one().await.assignment;
        let id = domain::id(&world.app).await.unwrap();
        assert_eq!(told["installationId"], json!(id.to_string()));
        let account = json!({ "id": alice.account.id.to_string(), "name": alice.account.name });
        assert_eq!(told["account"], account);
        let group = &told["volume"]["group"];
        assert_eq!(group["id"], json!(world.platform.group.id.to_string()));
        assert_eq!(group["name"], json!(world.platform.group.name));
        let pool = &told["volume"]["pool"];
        assert_eq!(pool["id"], json!(volume.pool_id.to_string()));
        assert!(pool["name"].is_string(), "{pool}");
    })
    .await;
}
