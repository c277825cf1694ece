//! Pools whose disk goes away while a backup is restored into them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use storage::Standing;
use tidemark_agent::{
    driver::Code,
    operation::{BackupItem, Outcome, RestoreSource, Volume, Work},
};

use super::{Scene, Striking, WAYS, Way};
use crate::{place::in_pool, site::MIB};

/// A volume in a pool that is marked, and a backup of it.
async fn backed_up(scene: &Scene) -> (Volume, BackupItem) {
    let volume = scene.site.volume(32 * MIB);
    let create = Work::CreateVolume {
        volume: in_pool(&volume, Standing::New),
    };
    scene.site.complete(create).await;
    scene.site.scribble(&volume, 7, 0, 8 * MIB);
    let volume = in_pool(&volume, Standing::Marked);
    let backup = scene.site.take_backup(&volume).await;
    (volume, backup)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_during_which_the_new_volume_s_disk_goes_makes_nothing_elsewhere() {
    let Some(mut scene) = Scene::on("pool") else {
        return;
    };
    let (volume, backup) = backed_up(&scene).await;
    let expected = scene.site.digest(&volume);
    let real = Arc::clone(&scene.site.host.stores);
    let pool = scene.site.path("pool");
    for way in WAYS {
        // Before each of the requests in turn, of which the first are made before the new image is.
        for after in 0.. {
            let target = in_pool(&scene.site.volume(volume.size_bytes), Standing::Marked);
            let work = Work::RestoreBackup {
                backup: backup.clone(),
                target: target.clone(),
            };
            let requests = Arc::<AtomicUsize>::default();
            scene.site.host.stores = Arc::new(Striking {
                disk: Arc::clone(&scene.disk),
                way,
                after,
                requests: Arc::clone(&requests),
            });
            let outcome = scene.site.perform(work.clone()).await;
            scene.site.host.stores = Arc::clone(&real);
            if requests.load(Ordering::SeqCst) <= after {
                assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
                assert!(after > 2, "it asks for {after} things only");
                break;
            }
            scene.bring_back(way, &pool).await;
            let place = format!("{way:?} after {after} requests");
            let Outcome::Failed { failure, .. } = outcome else {
                panic!("{place}: {outcome:?}")
            };
            assert_eq!(failure.code, Code::StorageFailed, "{place}: {failure}");
            assert!(!scene.site.image(&target).exists(), "{place}");
            scene.site.complete(work).await;
            assert_eq!(scene.site.digest(&target), expected, "{place}");
            scene
                .site
                .complete(Work::DeleteVolume { volume: target })
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_disk_goes_while_its_backup_is_checked_is_not_said_to_be_damaged() {
    let Some(mut scene) = Scene::on("pool") else {
        return;
    };
    let (volume, backup) = backed_up(&scene).await;
    let backup = Box::new(backup);
    let real = Arc::clone(&scene.site.host.stores);
    let pool = scene.site.path("pool");
    for source in [
        RestoreSource::Backup(backup.clone()),
        RestoreSource::BackupReplacing(backup.clone()),
    ] {
        scene.site.host.stores = Arc::new(Striking {
            disk: Arc::clone(&scene.disk),
            way: Way::Detached,
            after: 1,
            requests: Arc::default(),
        });
        let work = Work::RestoreInPlace {
            volume: volume.clone(),
            source,
        };
        let (failure, touched) = scene.site.fail(work.clone()).await;
        scene.site.host.stores = Arc::clone(&real);
        scene.bring_back(Way::Detached, &pool).await;
        assert_eq!(failure.code, Code::StorageFailed, "{failure}");
        assert!(!touched, "{failure}");
        let completed = scene.site.complete(work).await;
        assert!(!completed.image_replaced);
    }
}
