//! The last good backup of a volume: kept with whatever happens to its backups, in order, and searched by.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{VolumeId, backup, snapshot::ItemStatus};
use sea_orm::{Set, Statement};
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{Tenant, World, id, on, on_each_database};

async fn last(world: &World, by: &Requester, volume: VolumeId) -> Value {
    let document = "query($id: ID!) { volume(id: $id) { lastBackupAt } }";
    let data = world.data_with(by, document, on("id", volume)).await;
    data["volume"]["lastBackupAt"].clone()
}

fn told(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Asks for a backup, and lets the agent make it. Gives its id and when it was asked for.
async fn back_up(world: &World, alice: &Tenant, volume: VolumeId) -> (entity::BackupId, Value) {
    let input = on("volumeId", volume);
    let made = world.run(&alice.requester, "createBackup", input).await;
    let at = told(world.now());
    world.wait_seconds(60);
    world.work_and_rest().await;
    (id(&made["backup"]), at)
}

#[tokio::test]
async fn the_last_good_backup_is_kept_with_all_that_happens_to_backups() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let agent = world.worker();
        let volume = world.volume(&alice, |_| {}).await.id;
        let now = async || last(&world, &alice.requester, volume).await;
        assert_eq!(now().await, Value::Null);
        let (first, first_at) = back_up(&world, &alice, volume).await;
        assert_eq!(now().await, first_at, "as old as what it holds");
        let (second, second_at) = back_up(&world, &alice, volume).await;
        assert_eq!(now().await, second_at);

        // One that fails is none, and none while it is made.
        let input = on("volumeId", volume);
        world
            .run(&alice.requester, "createBackup", input.clone())
            .await;
        assert_eq!(now().await, second_at);
        let work = agent.claim_one().await;
        assert!(agent.fail(&work, false).await);
        assert_eq!(now().await, second_at);

        // A restore leaves it as it is.
        let restore = json!({
            "volumeId": volume.to_string(),
            "source": { "backupId": second.to_string() },
            "confirmName": "volume",
        });
        world.run(&alice.requester, "restoreInPlace", restore).await;
        let work = agent.claim_one().await;
        assert_eq!(now().await, second_at);
        assert!(agent.complete(&work).await);
        world.wait_seconds(300);
        assert_eq!(now().await, second_at);

        // Deleted: the one before is the last, and was never touched.
        let delete = async |backup: entity::BackupId| {
            let input = json!({ "backupId": backup.to_string(), "confirmName": backup_name(&world, backup).await });
            world.run(&alice.requester, "deleteBackup", input).await;
        };
        delete(second).await;
        assert_eq!(now().await, second_at, "it may stay");
        world.work().await;
        assert_eq!(now().await, first_at);
        delete(first).await;
        let work = agent.claim_one().await;
        assert!(agent.fail(&work, false).await);
        assert_eq!(now().await, Value::Null, "half deleted is not restorable");

        // Written off.
        let (third, third_at) = back_up(&world, &alice, volume).await;
        assert_eq!(now().await, third_at);
        let write_off = json!({
            "target": { "backupId": third.to_string() }, "reason": "gone",
            "confirmName": backup_name(&world, third).await,
        });
        world.run(&admin, "writeOff", write_off).await;
        assert_eq!(now().await, Value::Null);
    })
    .await;
}

async fn backup_name(world: &World, id: entity::BackupId) -> String {
    world.backup_row(id).await.name
}

#[tokio::test]
async fn what_is_let_go_or_buried_is_no_good_backup_any_more() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await.id;
        let (backup, at) = back_up(&world, &alice, volume).await;
        assert_eq!(last(&world, &alice.requester, volume).await, at);
        // Nothing deletes it: it is let go, and has failed.
        world
            .by_hand(&format!(
                "UPDATE backups SET status = 'deleting' WHERE id = '{backup}'"
            ))
            .await;
        world.clean_up().await;
        assert_eq!(world.backup_row(backup).await.status, ItemStatus::Failed);
        assert_eq!(last(&world, &alice.requester, volume).await, Value::Null);

        let other = world.volume(&alice, |_| {}).await.id;
        let (backup, _) = back_up(&world, &alice, other).await;
        let delete = json!({
            "backupId": backup.to_string(), "confirmName": backup_name(&world, backup).await,
        });
        let deleting = world.run(&alice.requester, "deleteBackup", delete).await;
        let operation: entity::OperationId = id(&deleting["operation"]);
        world
            .by_force(&format!(
                "UPDATE operations SET kind = 'limbo' WHERE id = '{operation}'"
            ))
            .await;
        world.wait_seconds(3 * 3600);
        world.clean_up().await;
        assert_eq!(world.backup_row(backup).await.status, ItemStatus::Failed);
        assert_eq!(last(&world, &alice.requester, other).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn volumes_are_ordered_by_their_last_backup_and_those_without_come_first() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut expected = Vec::new();
        for days in [None, None, Some(3), Some(2), Some(2), Some(0)] {
            let at = days.map(|days| world.now() - chrono::TimeDelta::days(days));
            let volume = world
                .volume(&alice, |row| {
                    if let Some(at) = at {
                        row.last_backup_at = Set(at);
                    }
                })
                .await;
            expected.push(volume.id.to_string());
        }
        let page = "query($first: Int, $last: Int, $after: String, $before: String, $way: OrderDirection!) {
            volumes(first: $first, last: $last, after: $after, before: $before,
                orderBy: { field: LAST_BACKUP_AT, direction: $way }) {
                nodes { id lastBackupAt } pageInfo { startCursor endCursor hasNextPage } } }";
        for way in ["ASC", "DESC"] {
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let variables = json!({ "first": 2, "after": after, "way": way });
                let data = world.data_with(&alice.requester, page, variables).await;
                let nodes = data["volumes"]["nodes"].as_array().unwrap();
                seen.extend(nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()));
                let info = &data["volumes"]["pageInfo"];
                if info["hasNextPage"] == false {
                    break;
                }
                after = info["endCursor"].clone();
            }
            if way == "DESC" {
                seen.reverse();
            }
            assert_eq!(seen, expected, "{way}");
        }
        // The last good backup is older than two days, or there is none.
        let since = (world.now() - chrono::TimeDelta::days(2)).to_rfc3339();
        let filter = "query($since: DateTime!) { volumes(filter: { noBackupSince: $since }) {
            nodes { id } totalCount } }";
        let data = world
            .data_with(&alice.requester, filter, json!({ "since": since }))
            .await;
        assert_eq!(data["volumes"]["totalCount"], 3);
        let mut found: Vec<_> = data["volumes"]["nodes"].as_array().unwrap().clone();
        found.reverse();
        let found: Vec<_> = found.iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(found, expected[..3]);
    })
    .await;
}

#[tokio::test]
async fn the_order_by_last_backup_is_read_from_an_index() {
    on_each_database(async |world| {
        use sea_orm::ConnectionTrait;
        let backend = world.app.database.reads().get_database_backend();
        let query = "SELECT id FROM volumes WHERE deleted_at IS NULL
            ORDER BY last_backup_at ASC, id ASC LIMIT 21";
        let plan = world.plan_of(Statement::from_string(backend, query)).await;
        assert!(plan.contains("volumes_last_backup_at_id"), "{plan}");
    })
    .await;
}

/// The column as a migration fills it, for backups that were there before it was.
#[tokio::test]
async fn a_backup_that_was_there_before_counts_like_one_that_is_made() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let older = world.now() - chrono::TimeDelta::days(1);
        let at = |at: DateTime<Utc>| move |row: &mut backup::ActiveModel| row.created_at = Set(at);
        world.backup(&volume, at(older)).await;
        let newest = world.backup(&volume, at(world.now())).await;
        world
            .backup(&volume, |row| {
                row.created_at = Set(world.now() + chrono::TimeDelta::days(1));
                row.status = Set(ItemStatus::Failed);
            })
            .await;
        let delete = json!({ "backupId": newest.id.to_string(), "confirmName": "backup" });
        world.run(&alice.requester, "deleteBackup", delete).await;
        world.work().await;
        let shown = last(&world, &alice.requester, volume.id).await;
        assert_eq!(shown, told(older));
    })
    .await;
}
