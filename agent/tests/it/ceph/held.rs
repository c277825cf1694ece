//! A volume that is overwritten is out of everybody's reach, and comes back whatever happens; and a new image in the
//! place of one that is gone.

use tidemark_agent::{
    driver::Code,
    operation::{BackupItem, Operation, Outcome, Report, RestoreSource, Volume, Work},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Cluster, POOL, backup_work, from_backup, in_place, rename::Cut, snapshot_work};
use crate::{
    conformance::{Disk, Storage as _},
    site::{MIB, within},
};

const SIZE: u64 = 16 * MIB;

fn held_name(volume: &Volume) -> String {
    format!("tidemark-held-{}", volume.id)
}

fn replacing(volume: &Volume, backup: &BackupItem) -> Work {
    in_place(
        volume,
        RestoreSource::BackupReplacing(Box::new(backup.clone())),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_a_volume_by_its_name_while_it_is_overwritten_finds_nothing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let driver = cluster.driver(Disk {
        id: volume.id,
        size_bytes: SIZE,
    });
    let opened = driver.overwrite().await.unwrap();
    assert_eq!(cluster.images(), [held_name(&volume)]);
    let failure = driver.overwrite().await.map(drop).unwrap_err();
    assert!(failure.message.contains("in use"), "{failure}");
    opened.target().finish(0).await.unwrap();
    opened.close().await.unwrap();
    assert_eq!(cluster.images(), [volume.id.to_string()]);
    // With the driver goes its configuration.
    drop(driver);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_was_out_of_reach_when_its_agent_died_comes_back_with_any_operation() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let backup = cluster.take_backup(&volume).await;
    let before = cluster.digest(&volume);
    let (image, held) = (volume.id.to_string(), held_name(&volume));
    let withdrawn: [&dyn Fn(); 5] = [
        &|| {
            cluster.rbd(&["rename"], &image, &["--dest-pool", POOL, "--dest", &held]);
        },
        &|| cluster.rename_half(&image, &held, Cut::BeforeDirectory),
        &|| cluster.rename_half(&image, &held, Cut::AfterDirectory),
        &|| {
            cluster.rbd(&["rename"], &image, &["--dest-pool", POOL, "--dest", &held]);
            cluster.rename_half(&held, &image, Cut::BeforeDirectory);
        },
        &|| {
            cluster.rbd(&["rename"], &image, &["--dest-pool", POOL, "--dest", &held]);
            cluster.rename_half(&held, &image, Cut::AfterDirectory);
        },
    ];
    for withdraw in withdrawn {
        let (snapshot, take) = snapshot_work(&volume);
        let roll_back = in_place(&volume, RestoreSource::Snapshot(snapshot.clone()));
        let delete = Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot,
        };
        let again = cluster.backup_of(&volume);
        for work in [
            take,
            roll_back,
            backup_work(&volume, &again),
            in_place(&volume, from_backup(&backup)),
            replacing(&volume, &backup),
            delete,
        ] {
            withdraw();
            let outcome = cluster.site.perform(work.clone()).await;
            let Outcome::Completed(completed) = outcome else {
                panic!("{work:?}: {outcome:?}");
            };
            assert!(!completed.image_replaced);
            assert_eq!(cluster.digest(&volume), before);
            cluster.assert_clean();
        }
    }
    for withdraw in withdrawn {
        withdraw();
        let delete = Work::DeleteVolume {
            volume: volume.clone(),
        };
        cluster.site.complete(delete).await;
        assert_eq!(cluster.names(), [""; 0]);
        cluster.site.complete(replacing(&volume, &backup)).await;
        assert_eq!(cluster.digest(&volume), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_image_is_gone_gets_a_new_one_where_that_may_be() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    let image = volume.id.to_string();
    let remove = || cluster.rbd(&["rm"], &image, &["--no-progress"]);
    remove();
    let work = in_place(&volume, from_backup(&backup));
    let (failure, touched) = cluster.site.fail(work).await;
    assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
    assert!(
        !touched && failure.message.contains("replaceImage"),
        "{failure}"
    );
    assert_eq!(cluster.images(), [""; 0]);

    // An attempt that was cut off before it was done.
    let partial = format!("tidemark-tmp-{image}");
    cluster.rbd(&["create"], &partial, &["--size", "1M"]);
    let id = Uuid::now_v7();
    for _ in 0..2 {
        // The second finds what the first has done, as if that could not have said so any more.
        let operation = Operation::new(
            id,
            replacing(&volume, &backup),
            cluster.site.host.clone(),
            Report::default(),
        );
        let outcome = within(operation.perform(&CancellationToken::new())).await;
        let Outcome::Completed(completed) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(completed.image_replaced);
        assert_eq!(cluster.digest(&volume), before);
        cluster.assert_clean();
    }
    // One that is there is written in place, and its snapshots stay.
    let (_, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    cluster.scribble(&volume, 9, 0, MIB);
    let completed = cluster.site.complete(replacing(&volume, &backup)).await;
    assert!(!completed.image_replaced);
    assert_eq!(cluster.digest(&volume), before);
    assert_eq!(cluster.snapshots(&image).len(), 1);
}
