//! What needs an administrator.

use chrono::TimeDelta;
use entity::{
    BackupStorageTestId, backup_storage_test,
    operation::{ActiveModel, OperationKind, OperationStatus},
    volume::VolumeState,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbBackend, QueryTrait, Set};
use serde_json::json;
use tidemark::domain::attention;

use crate::harness::{World, on_each_database};

const ATTENTION: &str =
    "{ attention { failedOperations stuckOperations offlineHypervisors outdatedHypervisors
    backupStoragesUntested backupStoragesFailing volumesWithoutBackup } }";

async fn figures(world: &World, admin: &tidemark::domain::Requester) -> Vec<u64> {
    let data = world.data(admin, ATTENTION).await;
    let fields = [
        "failedOperations",
        "stuckOperations",
        "offlineHypervisors",
        "outdatedHypervisors",
        "backupStoragesUntested",
        "backupStoragesFailing",
        "volumesWithoutBackup",
    ];
    let figure = |field: &str| data["attention"][field].as_u64().unwrap();
    let figures = fields.map(figure).to_vec();
    assert_eq!(
        listed(world, admin).await,
        [figures[0], figures[1], figures[6]]
    );
    figures
}

/// How many there are in the lists to which the figures of operations and volumes lead.
async fn listed(world: &World, admin: &tidemark::domain::Requester) -> [u64; 3] {
    let day_ago = (world.now() - TimeDelta::hours(24)).to_rfc3339();
    let document = "query($since: DateTime!) {
        failed: operations(filter: { status: FAILED, finishedAfter: $since }) { totalCount }
        stuck: operations(stuck: true) { totalCount }
        moving: operations(stuck: false) { totalCount }
        operations { totalCount }
        bare: volumes(filter: { unprotected: true }) { totalCount }
        others: volumes(filter: { unprotected: false }) { totalCount }
        volumes { totalCount }
    }";
    let data = world
        .data_with(admin, document, json!({ "since": day_ago }))
        .await;
    let count = |field: &str| data[field]["totalCount"].as_u64().unwrap();
    assert_eq!(count("stuck") + count("moving"), count("operations"));
    assert_eq!(count("bare") + count("others"), count("volumes"));
    [count("failed"), count("stuck"), count("bare")]
}

#[tokio::test]
async fn what_needs_an_administrator_is_counted_and_what_does_not_is_not() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        world.worker().hello().await;
        world
            .by_hand(&format!(
                "UPDATE hypervisors SET agent_version = '{}'",
                env!("CARGO_PKG_VERSION")
            ))
            .await;
        assert_eq!(figures(&world, &admin).await, [0, 0, 0, 0, 1, 0, 0]);

        let bare = world.volume(&alice, |_| {}).await;
        world
            .volume(&alice, |row| row.last_backup_at = Set(world.now()))
            .await;
        for state in [VolumeState::Creating, VolumeState::Failed] {
            world.volume(&alice, |row| row.state = Set(state)).await;
        }
        world
            .volume(&alice, |row| row.deleted_at = Set(Some(world.now())))
            .await;
        assert_eq!(figures(&world, &admin).await[6], 1);

        let ago = |hours: i64| Some(world.now() - TimeDelta::hours(hours));
        let minutes = |minutes: i64| world.now() - TimeDelta::minutes(minutes);
        let make = async |change: &dyn Fn(&mut ActiveModel)| {
            world
                .operation(&bare, OperationKind::CreateBackup, |row| change(row))
                .await;
        };
        make(&|row| {
            row.status = Set(OperationStatus::Failed);
            row.finished_at = Set(ago(23));
        })
        .await;
        make(&|row| {
            row.status = Set(OperationStatus::Failed);
            row.finished_at = Set(ago(25));
        })
        .await;
        make(&|row| row.finished_at = Set(ago(1))).await;
        assert_eq!(figures(&world, &admin).await[..2], [1, 0]);

        // One that waits for nobody, then one that is worked on, behind which it waits.
        make(&|row| {
            row.status = Set(OperationStatus::Pending);
            row.created_at = Set(minutes(11));
            row.finished_at = Set(None);
        })
        .await;
        make(&|row| {
            row.status = Set(OperationStatus::Pending);
            row.finished_at = Set(None);
        })
        .await;
        assert_eq!(figures(&world, &admin).await[1], 1);
        let started = |progressed: i64| {
            move |row: &mut ActiveModel| {
                row.status = Set(OperationStatus::Started);
                row.started_at = Set(Some(minutes(60)));
                row.progressed_at = Set(Some(minutes(progressed)));
                row.finished_at = Set(None);
            }
        };
        make(&started(1)).await;
        assert_eq!(figures(&world, &admin).await[1], 0);
        make(&started(11)).await;
        make(&|row| {
            started(1)(row);
            row.progressed_at = Set(None);
        })
        .await;
        assert_eq!(figures(&world, &admin).await[1], 2);

        world
            .hypervisor(|row| {
                row.name = Set("never there".to_owned());
                row.last_seen_at = Set(None);
                row.agent_version = Set(None);
            })
            .await;
        world
            .hypervisor(|row| {
                row.name = Set("old".to_owned());
                row.agent_version = Set(Some("0.0.1".to_owned()));
                row.last_seen_at = Set(ago(1));
            })
            .await;
        world
            .hypervisor(|row| {
                row.name = Set("gone".to_owned());
                row.agent_version = Set(Some("0.0.1".to_owned()));
                row.last_seen_at = Set(ago(1));
                row.deleted_at = Set(ago(0));
            })
            .await;
        assert_eq!(figures(&world, &admin).await[2..4], [1, 1]);

        let test = async |ok: bool| {
            let row = backup_storage_test::ActiveModel {
                id: Set(world.app.ids.next(BackupStorageTestId::from_uuid)),
                backup_storage_id: Set(world.platform.backup_storage.id),
                hypervisor_id: Set(None),
                requested_at: Set(world.now()),
                finished_at: Set(Some(world.now())),
                ok: Set(ok),
                message: Set(String::new()),
            };
            row.insert(world.app.database.writes()).await.unwrap();
        };
        test(true).await;
        assert_eq!(figures(&world, &admin).await[4..6], [0, 0]);
        test(false).await;
        assert_eq!(figures(&world, &admin).await[4..6], [0, 1]);
        let at = world.data(&admin, "{ attention { at } serverTime }").await;
        assert_eq!(at["attention"]["at"], at["serverTime"]);
        // What stands still is for administrators to know; what of their own nothing protects, for everybody.
        let document = "{ operations(stuck: true) { totalCount } }";
        let error = world.error(&alice.requester, document).await;
        assert_eq!(error["extensions"]["code"], "FORBIDDEN");
        let document = "{ volumes(filter: { unprotected: true }) { totalCount } }";
        let data = world.data(&alice.requester, document).await;
        assert_eq!(data["volumes"]["totalCount"], 1);
    })
    .await;
}

#[tokio::test]
async fn what_needs_an_administrator_is_counted_in_indexes() {
    on_each_database(async |world| {
        let backend = world.app.database.reads().get_database_backend();
        for (query, index) in [
            (
                attention::failed(world.now()).build(backend),
                "operations_finished_at",
            ),
            (
                attention::stuck(world.now()).build(backend),
                "operations_status_",
            ),
            (
                // Without rows one of PostgreSQL's is as good as another.
                attention::unprotected().build(backend),
                match backend {
                    DbBackend::Sqlite => "volumes_last_backup_at_id",
                    _ => "volumes_",
                },
            ),
        ] {
            let plan = world.plan_of(query).await;
            assert!(plan.contains(index), "{plan}");
            let scan = match backend {
                DbBackend::Sqlite => plan.lines().any(|line| line.starts_with("SCAN")),
                _ => plan.contains("Seq Scan"),
            };
            assert!(!scan, "{plan}");
        }
    })
    .await;
}
