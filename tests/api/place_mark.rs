//! Marks of places: what agents are told to find, what they report, what administrators see and accept.

mod reach;

use entity::{
    PlaceId,
    backup_storage::{self, BackupStorageKind},
    hypervisor,
    snapshot::ItemStatus,
    storage_pool,
    volume::VolumeState,
};
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use storage::Standing;
use tidemark::{
    domain::{
        Requester,
        place_mark::{self, Mark, Place},
    },
    secret::new_key,
};

use crate::harness::{World, on, on_each_database};

const REPORT: &str =
    "mutation($input: AgentReportPlaceInput!) { agentReportPlace(input: $input) { accepted } }";
const MARKS: &str = "hypervisor { id } state generation markedAt problem problemAt";

async fn of_pool(world: &World, pool: &storage_pool::Model) -> Mark {
    let place = Place::of_pool(pool);
    place_mark::expected(&world.app, place).await.unwrap()
}

async fn of_storage(
    world: &World,
    storage: &backup_storage::Model,
    worker: &hypervisor::Model,
) -> Mark {
    let place = Place::of_storage(storage, Some(worker.id)).unwrap();
    place_mark::expected(&world.app, place).await.unwrap()
}

fn standing(mark: &Mark) -> (Standing, i32, bool) {
    (mark.expected.standing, mark.generation(), mark.is_asked)
}

/// What comes of a report of the agent of a hypervisor: whether it counts, or its error's code.
async fn report(
    world: &World,
    agent: &Requester,
    place: impl std::fmt::Display,
    generation: i32,
    problem: Option<&str>,
) -> Result<bool, String> {
    let input = json!({
        "placeId": place.to_string(), "generation": generation, "problem": problem,
    });
    let answer = world.answer(agent, REPORT, json!({ "input": input })).await;
    match answer["errors"][0]["extensions"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(answer["data"]["agentReportPlace"]["accepted"]
            .as_bool()
            .unwrap()),
    }
}

/// The mark of a place, as administrators see it.
async fn shown(world: &World, admin: &Requester, place: impl std::fmt::Display) -> Value {
    let place = place.to_string();
    for (list, fields) in [
        ("storagePools", "reach hypervisor { id }"),
        ("backupStorages", "name"),
    ] {
        let document = format!("{{ {list} {{ id {fields} marks {{ {MARKS} }} }} }}");
        let data = world.data(admin, &document).await;
        let places = data[list].as_array().unwrap();
        if let Some(found) = places.iter().find(|known| known["id"] == place) {
            return found.clone();
        }
    }
    panic!("{place} is not listed")
}

fn agent_of(hypervisor: &hypervisor::Model, world: &World) -> Requester {
    Requester::Agent {
        hypervisor: std::sync::Arc::new(hypervisor.clone()),
        token: world.app.ids.next(entity::TokenId::from_uuid),
    }
}

#[tokio::test]
async fn a_place_is_new_until_an_agent_reports_its_marker_which_has_to_be_there_from_then_on() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let pool = &world.platform.pool;
        let mark = of_pool(&world, pool).await;
        assert_eq!(standing(&mark), (Standing::New, 1, true));
        assert_eq!(mark.expected.marker.place_id, pool.id.as_uuid());
        assert_eq!(mark.expected.witnesses, []);
        let seen = shown(&world, &admin, pool.id).await;
        assert_eq!(seen["marks"][0]["state"], "NOT_YET");

        assert_eq!(
            report(&world, &world.agent(), pool.id, 2, None).await,
            Ok(false)
        );
        assert_eq!(
            report(&world, &world.agent(), pool.id, 1, None).await,
            Ok(true)
        );
        let mark = of_pool(&world, pool).await;
        assert_eq!(standing(&mark), (Standing::Marked, 1, false));
        let seen = shown(&world, &admin, pool.id).await;
        assert_eq!(seen["marks"][0]["state"], "MARKED");
        assert!(seen["marks"][0]["markedAt"].is_string());

        // What is wrong is shown until an agent says that it is not any more, for which it is asked.
        let words = Some("it has no marker");
        assert_eq!(
            report(&world, &world.agent(), pool.id, 1, words).await,
            Ok(true)
        );
        let seen = shown(&world, &admin, pool.id).await;
        assert_eq!(seen["marks"][0]["state"], "NOT_THERE");
        assert_eq!(seen["marks"][0]["problem"], "it has no marker");
        let mark = of_pool(&world, pool).await;
        assert_eq!(standing(&mark), (Standing::Marked, 1, true));
        let doctors = place_mark::list_problems(world.app.database.reads()).await;
        let name = "storage pool \"pool\"".to_owned();
        assert_eq!(doctors.unwrap(), [(name, "it has no marker".to_owned())]);
        assert_eq!(
            report(&world, &world.agent(), pool.id, 1, None).await,
            Ok(true)
        );
        let seen = shown(&world, &admin, pool.id).await;
        assert_eq!(seen["marks"][0]["state"], "MARKED");
        assert_eq!(seen["marks"][0]["problem"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_local_backup_storage_has_a_mark_on_each_hypervisor_and_a_bucket_has_one() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&new_key().unwrap()]);
        let admin = world.admin().await;
        let first = world.platform.hypervisor.clone();
        let second = world
            .hypervisor(|row| row.name = Set("second".into()))
            .await;
        let local = world.platform.backup_storage.clone();
        let bucket = world.bucket(&admin, "bucket", "secret").await;
        let bucket = backup_storage::Entity::find_by_id(bucket)
            .one(world.app.database.reads())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(local.kind, BackupStorageKind::Local);
        assert_eq!(
            Place::of_storage(&local, None),
            None,
            "the gateway has none"
        );
        for storage in [&local, &bucket] {
            let told = report(&world, &world.agent(), storage.id, 1, None).await;
            assert_eq!(told, Ok(true));
        }
        let marks = [
            of_storage(&world, &local, &first).await,
            of_storage(&world, &local, &second).await,
            of_storage(&world, &bucket, &second).await,
        ];
        let standings = marks.each_ref().map(|mark| mark.expected.standing);
        assert_eq!(
            standings,
            [Standing::Marked, Standing::New, Standing::Marked]
        );
        let owners = marks.map(|mark| mark.expected.marker.hypervisor_id);
        let own = |hypervisor: &hypervisor::Model| Some(hypervisor.id.as_uuid());
        assert_eq!(owners, [own(&first), own(&second), None]);
        let seen = shown(&world, &admin, local.id).await;
        assert_eq!(seen["marks"].as_array().unwrap().len(), 1);
        assert_eq!(seen["marks"][0]["hypervisor"]["id"], first.id.to_string());
        let seen = shown(&world, &admin, bucket.id).await;
        assert_eq!(seen["marks"][0]["hypervisor"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_place_that_was_in_use_before_is_known_by_what_lies_there_for_certain() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let host = world.platform.hypervisor.clone();
        let other = world.hypervisor(|row| row.name = Set("other".into())).await;
        let volume = world.volume(&alice, |_| {}).await;
        for state in [VolumeState::Creating, VolumeState::Failed] {
            world.volume(&alice, |row| row.state = Set(state)).await;
        }
        let mark = of_pool(&world, &world.platform.pool).await;
        let witnesses: Vec<_> = mark
            .expected
            .witnesses
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(witnesses, [format!("{}.qcow2", volume.id)]);

        let admin = world.admin().await;
        let (ceph, plan) = world.ceph(&admin, None).await;
        let image = world
            .volume(&alice, |row| {
                row.pool_id = Set(ceph);
                row.plan_id = Set(plan.id);
            })
            .await;
        let ceph = storage_pool::Entity::find_by_id(ceph);
        let ceph = ceph.one(world.app.database.reads()).await.unwrap().unwrap();
        let mark = of_pool(&world, &ceph).await;
        let witnesses: Vec<_> = mark
            .expected
            .witnesses
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(witnesses, [image.id.to_string()]);

        let backup = world.backup(&volume, |_| {}).await;
        world
            .backup(&volume, |row| row.status = Set(ItemStatus::Failed))
            .await;
        let storage = &world.platform.backup_storage;
        let mark = of_storage(&world, storage, &host).await;
        let witnesses: Vec<_> = mark
            .expected
            .witnesses
            .iter()
            .map(ToString::to_string)
            .collect();
        let manifest = format!("volumes/{}/{}/manifest.json", volume.id, backup.id);
        assert_eq!(witnesses, [manifest]);
        let elsewhere = of_storage(&world, storage, &other).await;
        assert_eq!(elsewhere.expected.witnesses, [], "none lies on that one");
    })
    .await;
}

#[tokio::test]
async fn agents_report_places_of_their_own_group_and_hypervisor_only() {
    on_each_database(async |world| {
        let pool = world
            .pool(|row| row.hypervisor_id = Set(Some(world.platform.hypervisor.id)))
            .await;
        let second = world
            .hypervisor(|row| row.name = Set("second".into()))
            .await;
        let group = world.elsewhere("far").await;
        let far = world
            .hypervisor(|row| {
                row.group_id = Set(group.id);
                row.name = Set("further".into());
            })
            .await;
        let shared = world.platform.pool.id;
        let not_found = Err("NOT_FOUND".to_owned());
        let second = agent_of(&second, &world);
        let far = agent_of(&far, &world);
        assert_eq!(report(&world, &second, pool.id, 1, None).await, not_found);
        assert_eq!(report(&world, &far, shared, 1, None).await, not_found);
        assert_eq!(report(&world, &second, shared, 1, None).await, Ok(true));
        assert_eq!(
            report(&world, &world.agent(), pool.id, 1, None).await,
            Ok(true)
        );
        let nothing = PlaceId::from_uuid(world.app.ids.next(|id| id));
        assert_eq!(report(&world, &far, nothing, 1, None).await, not_found);
    })
    .await;
}

#[tokio::test]
async fn what_an_administrator_accepts_is_marked_anew_with_the_next_generation() {
    on_each_database(async |world| {
        let world = world.with_keys(&[&new_key().unwrap()]);
        let admin = world.admin().await;
        let pool = world.platform.pool.clone();
        let host = world.platform.hypervisor.clone();
        let local = world.platform.backup_storage.clone();
        let (ceph, _) = world.ceph(&admin, None).await;
        let bucket = world.bucket(&admin, "bucket", "secret").await;
        for id in [pool.id.to_string(), local.id.to_string()] {
            report(&world, &world.agent(), id, 1, None).await.unwrap();
        }
        let of_pool_input = json!({ "storagePoolId": pool.id.to_string() });
        let on_host = json!({
            "backupStorageId": local.id.to_string(), "hypervisorId": host.id.to_string(),
        });
        for (input, words) in [
            (json!({}), "exactly one"),
            (
                json!({ "storagePoolId": pool.id.to_string(), "backupStorageId": local.id.to_string() }),
                "exactly one",
            ),
            (json!({ "backupStorageId": local.id.to_string() }), "Give `hypervisorId`"),
            (
                json!({ "backupStorageId": bucket.to_string(), "hypervisorId": host.id.to_string() }),
                "is for local backup storages",
            ),
            (
                json!({ "storagePoolId": pool.id.to_string(), "hypervisorId": host.id.to_string() }),
                "local to",
            ),
        ] {
            let error = world.attempt(&admin, "acceptPlace", input).await.unwrap_err();
            assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(words), "{message}");
        }
        let of_ceph = json!({ "storagePoolId": ceph.to_string() });
        for input in [of_pool_input, of_ceph, on_host, json!({ "backupStorageId": bucket.to_string() })] {
            world.run(&admin, "acceptPlace", input).await;
        }
        let expected = (Standing::Accepted, 2, true);
        assert_eq!(standing(&of_pool(&world, &pool).await), expected);
        assert_eq!(standing(&of_storage(&world, &local, &host).await), expected);
        for seen in [shown(&world, &admin, bucket).await, shown(&world, &admin, ceph).await] {
            assert_eq!(seen["marks"][0]["state"], "ACCEPTED");
        }
        // Who still expects the former disk has found nothing.
        assert_eq!(report(&world, &world.agent(), pool.id, 1, None).await, Ok(false));
        assert_eq!(report(&world, &world.agent(), pool.id, 2, None).await, Ok(true));
        assert_eq!(
            standing(&of_pool(&world, &pool).await),
            (Standing::Marked, 2, false)
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_pointed_elsewhere_is_a_new_place() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let (pool, local) = (&world.platform.pool, &world.platform.backup_storage);
        let host = &world.platform.hypervisor;
        for id in [pool.id.to_string(), local.id.to_string()] {
            report(&world, &world.agent(), id, 1, None).await.unwrap();
        }
        let pool_at = |path: &str| {
            json!({ "storagePoolId": pool.id.to_string(), "qcow2File": { "path": path } })
        };
        let storage_at = |path: &str| {
            json!({ "backupStorageId": local.id.to_string(), "local": { "path": path } })
        };
        // To the same place nothing changes.
        for (volumes, backups, known) in [
            ("/srv/volumes", "/srv/backups", Standing::Marked),
            ("/srv/v", "/srv/b", Standing::New),
        ] {
            world.run(&admin, "updateStoragePool", pool_at(volumes)).await;
            world.run(&admin, "updateBackupStorage", storage_at(backups)).await;
            assert_eq!(of_pool(&world, pool).await.expected.standing, known);
            let there = of_storage(&world, local, host).await;
            assert_eq!(there.expected.standing, known);
        }
    })
    .await;
}

#[tokio::test]
async fn an_agent_is_told_with_its_work_what_it_has_to_find() {
    const CLAIM: &str = "mutation { agentClaim(input: { limit: 10 }) { assignments {
        volume { pool { mark { ...Mark } } } backup { destination { mark { ...Mark } } }
    } } }
    fragment Mark on AgentMark {
        installationId placeId hypervisorId generation standing witnesses isAsked
    }";
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&alice.requester, "createBackup", on("volumeId", volume.id))
            .await;
        assert!(payload["backup"].is_object());
        let data = world.data(&world.agent(), CLAIM).await;
        let told = &data["agentClaim"]["assignments"][0];
        let installation = tidemark::domain::installation::id(&world.app)
            .await
            .unwrap();
        let image = format!("{}.qcow2", volume.id);
        let mut expected = json!({
            "installationId": installation.to_string(),
            "placeId": world.platform.pool.id.to_string(), "hypervisorId": null,
            "generation": 1, "standing": "NEW", "witnesses": [image], "isAsked": true,
        });
        assert_eq!(told["volume"]["pool"]["mark"], expected);
        expected["placeId"] = json!(world.platform.backup_storage.id.to_string());
        expected["hypervisorId"] = json!(world.platform.hypervisor.id.to_string());
        expected["witnesses"] = json!([]);
        assert_eq!(told["backup"]["destination"]["mark"], expected);
    })
    .await;
}
