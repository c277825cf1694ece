//! What an agent does beside its operations: storage tests, and measuring what snapshots keep.

use std::{sync::Arc, time::Duration};

use storage::{
    PlaceKind, Standing,
    count::{Count, Counts},
    fault::{Fault, Faulty},
    memory::Memory,
};
use tidemark_agent::{
    driver::{Code, Failure, Retained},
    link::StorageTest,
    operation::{BackupStorage, Work},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::Scene;
use crate::{
    place::mark,
    site::{MIB, Site, local_storage, within},
};

/// What somebody waits for the answer to a storage test.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn storage_tests_are_answered_even_when_all_places_are_taken() {
    let (scene, work) = Scene::hanging(1).await;
    let lease = scene.gateway.offer(work);
    scene.gateway.started(lease).await;
    let refusal = Failure::new(Code::AgentOutdated, "unknown kind");
    let id = Uuid::now_v7();
    scene.gateway.change(|table| {
        table.tests.push(StorageTest {
            wait: PATIENCE,
            id,
            storage: Err(refusal),
        });
    });
    scene
        .gateway
        .wait_for(|table| !table.tested.is_empty())
        .await;
    assert_eq!(
        scene.gateway.0.borrow().tested,
        [(id, Err("unknown kind".into()))]
    );
    scene.end().await;

    let scene = Scene::new(Site::new(), 1).await;
    for (name, works) in [("backups", true), ("missing", false)] {
        let test = StorageTest {
            wait: PATIENCE,
            id: Uuid::now_v7(),
            storage: Ok(local_storage(scene.site.path(name))),
        };
        scene.gateway.change(|table| {
            table.tested.clear();
            table.tests.push(test);
        });
        scene
            .gateway
            .wait_for(|table| !table.tested.is_empty())
            .await;
        assert_eq!(
            scene.gateway.0.borrow().tested[0].1.is_ok(),
            works,
            "{name}"
        );
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_test_does_not_wait_for_the_bandwidth_of_backups() {
    let scene = Scene::new(Site::new(), 1).await;
    // Some 10 MiB are moved: minutes, at this rate.
    let slow = BackupStorage {
        bytes_per_second: Some(64 << 10),
        ..local_storage(scene.site.path("backups"))
    };
    let id = Uuid::now_v7();
    scene.gateway.change(|table| {
        table.tests.push(StorageTest {
            wait: PATIENCE,
            id,
            storage: Ok(slow),
        });
    });
    scene
        .gateway
        .wait_for(|table| !table.tested.is_empty())
        .await;
    assert_eq!(scene.gateway.0.borrow().tested, [(id, Ok(()))]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_hangs_is_told_while_somebody_still_waits() {
    let mut site = Site::new();
    let hanging = Faulty::new(Arc::new(Memory::default()), Fault::Hangs);
    site.use_store(Arc::new(hanging));
    let scene = Scene::new(site, 1).await;
    let test = StorageTest {
        id: Uuid::now_v7(),
        wait: Duration::from_secs(4),
        storage: Ok(local_storage(scene.site.path("backups"))),
    };
    let asked_at = Instant::now();
    scene.gateway.change(|table| table.tests.push(test));
    scene
        .gateway
        .wait_for(|table| !table.tested.is_empty())
        .await;
    assert!(asked_at.elapsed() < Duration::from_secs(4));
    let told = scene.gateway.0.borrow().tested[0].1.clone().unwrap_err();
    assert!(
        told.ends_with("no answer within 1 s while writing an object"),
        "{told}"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_test_that_is_offered_again_while_it_runs_is_run_once() {
    let mut site = Site::new();
    let counts = Arc::new(Counts::default());
    let hanging = Arc::new(Faulty::new(Arc::new(Memory::default()), Fault::Hangs));
    site.use_store(Arc::new(Count::new(hanging, Arc::clone(&counts))));
    let scene = Scene::new(site, 1).await;
    let id = Uuid::now_v7();
    for _ in 0..3 {
        let storage = Ok(local_storage(scene.site.path("backups")));
        scene.gateway.change(|table| {
            table.tests.push(StorageTest {
                id,
                storage,
                wait: PATIENCE,
            });
        });
        scene.gateway.wait_for(|table| table.tests.is_empty()).await;
        // Claimed with the next claim at the earliest, when the test has long begun.
        let lease = scene.gateway.offer(Work::CreateVolume {
            volume: scene.site.volume(MIB),
        });
        scene.gateway.finished(lease).await;
        assert_eq!(counts.requests(), 1, "a single put, which hangs");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_snapshots_keep_is_reported_and_what_cannot_be_measured_keeps_nothing_up() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    site.scribble(&volume, 1, 0, 4 * MIB);
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 2, 0, 4 * MIB);
    let missing = site.volume(MIB);
    let scene = Scene::new(site, 1).await;
    let id = volume.id;
    for (count, asked) in [(1, vec![missing, volume.clone()]), (2, vec![volume])] {
        scene.gateway.change(|table| table.to_measure.extend(asked));
        scene
            .gateway
            .wait_for(|table| table.measured.len() == count)
            .await;
    }
    let kept = Retained {
        snapshot_id: snapshot.id,
        retained_bytes: 4 * MIB,
    };
    let measured = scene.gateway.0.borrow().measured.clone();
    assert_eq!(measured, [(id, vec![kept]), (id, vec![kept])]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_place_is_marked_is_told_before_what_was_done_there() {
    let scene = Scene::new(Site::new(), 1).await;
    let mut volume = scene.site.volume(32 * MIB);
    volume.mark = Some(mark(PlaceKind::StoragePool, Standing::New));
    let lease = scene.gateway.offer(Work::CreateVolume { volume });
    scene.gateway.finished(lease).await;
    let order = scene.gateway.0.borrow().order.clone();
    assert_eq!(order, ["place", "finished"]);

    let mut storage = local_storage(scene.site.path("backups"));
    storage.mark = Some(mark(PlaceKind::BackupStorage, Standing::Marked));
    for (standing, works) in [
        (Standing::Marked, false),
        (Standing::New, true),
        (Standing::Marked, true),
    ] {
        storage.mark = Some(mark(PlaceKind::BackupStorage, standing));
        let test = StorageTest {
            wait: PATIENCE,
            id: Uuid::now_v7(),
            storage: Ok(storage.clone()),
        };
        scene.gateway.change(|table| {
            table.tested.clear();
            table.places.clear();
            table.tests.push(test);
        });
        scene
            .gateway
            .wait_for(|table| !table.tested.is_empty())
            .await;
        let table = scene.gateway.0.borrow();
        assert_eq!(table.tested[0].1.is_ok(), works, "{:?}", table.tested);
        let told = table.places.first();
        let told = told.map(|sighting| sighting.problem.is_none());
        let expected = (standing == Standing::New || !works).then_some(works);
        assert_eq!(told, expected, "{standing:?}");
    }
    scene.shutdown.cancel();
    within(scene.worker).await.unwrap();
}
