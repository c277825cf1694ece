//! What storage refuses is refused: the volume and its snapshots are what they were, and that is said.

use tidemark_agent::{
    driver::{Code, Removed},
    operation::{CephPool, Pool, RestoreSource, Volume, Work},
};

use super::{Cluster, POOL, from_backup, in_place, snapshot_work};
use crate::{
    conformance::{Disk, Storage as _},
    site::{MIB, text, within},
};

const SIZE: u64 = 16 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_that_a_full_cluster_refuses_leaves_the_volume_what_it_was() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let (snapshot, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    cluster.scribble(&volume, 7, 0, MIB);
    let before = cluster.digest(&volume);
    let work = in_place(&volume, RestoreSource::Snapshot(snapshot));
    cluster.fill().await;
    let (failure, touched) = cluster.site.fail(work.clone()).await;
    assert!(failure.message.contains("full"), "{failure}");
    assert!(!touched, "{failure}");
    assert_eq!(cluster.images(), [volume.id.to_string()]);
    assert_eq!(cluster.digest(&volume), before);
    cluster.empty().await;
    cluster.site.complete(work).await;
    assert_ne!(cluster.digest(&volume), before);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_before_a_roll_back_has_the_volume_as_it_was() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let (snapshot, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    let (asked, come) = (
        cluster.site.path("scratch/asked"),
        cluster.site.path("scratch/come"),
    );
    let real = cluster.site.host.tools.rbd.clone();
    // Nobody had it open when that was looked for last.
    let body = format!(
        "case \"$*\" in *' rename '*'tidemark-held'*)\n\
         touch {asked}; while [ ! -e {come} ]; do sleep 0.05; done;;\nesac\nexec $real \"$@\"",
        asked = text(&asked),
        come = text(&come),
    );
    cluster.site.host.tools.rbd = cluster.site.script(text(&real), &body);
    let work = in_place(&volume, RestoreSource::Snapshot(snapshot));
    let client = async {
        testbed::until("the image is about to be renamed", async || {
            asked.exists().then_some(())
        })
        .await;
        let holder = cluster.hold(&volume).await;
        std::fs::write(&come, "").unwrap();
        holder
    };
    let ((failure, touched), mut holder) =
        within(async { tokio::join!(cluster.site.fail(work), client) }).await;
    assert!(failure.message.contains("in use"), "{failure}");
    assert!(!touched, "{failure}");
    assert_eq!(cluster.images(), [volume.id.to_string()]);
    holder.write(8).await;
    holder.close().await;
    let content = cluster.content(&volume.id.to_string(), None);
    assert!(content[..1 << 20].iter().all(|byte| *byte == 8));
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_a_volume_that_is_out_of_reach_is_not_taken_for_gone() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let (snapshot, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    let (image, held) = (
        volume.id.to_string(),
        format!("tidemark-held-{}", volume.id),
    );
    cluster.rbd(&["rename"], &image, &["--dest-pool", POOL, "--dest", &held]);
    let driver = cluster.driver(Disk {
        id: volume.id,
        size_bytes: SIZE,
    });
    let name = tidemark_agent::driver::SnapshotName::Kept(snapshot.id);
    assert!(driver.has_snapshot(name).await.unwrap());
    driver.delete_snapshot(name).await.unwrap_err();
    drop(driver);
    // Its name cannot be given back, and others may have begun before.
    let real = cluster.site.host.tools.rbd.clone();
    let body = "case \"$*\" in *' rename '*) echo 'rbd: rename error: (1) Operation not permitted' >&2; \
                exit 1;; esac\nexec $real \"$@\"";
    cluster.site.host.tools.rbd = cluster.site.script(text(&real), body);
    let delete = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    for epoch in [1, 2] {
        let (removed, told) = cluster.site.removed(delete.clone(), epoch).await;
        assert_eq!(removed, Removed::Nothing, "{told}");
    }
    assert_eq!(cluster.snapshots(&held), [name.to_string()]);
    cluster.site.host.tools.rbd = real;
    cluster.site.complete(delete).await;
    assert_eq!(cluster.snapshots(&image), [""; 0]);
    cluster.assert_clean();
}

fn delete(volume: &Volume) -> Work {
    Work::DeleteVolume {
        volume: volume.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_a_full_cluster_can_be_deleted_whatever_its_name() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let mut volumes = Vec::new();
    for _ in 0..2 {
        let volume = cluster.filled_volume(SIZE).await;
        let (snapshot, take) = snapshot_work(&volume);
        cluster.site.complete(take).await;
        // One that is not ours goes with the volume.
        cluster.rbd(
            &["snap", "create"],
            &volume.id.to_string(),
            &["--snap", "other", "--no-progress"],
        );
        volumes.push((volume, snapshot));
    }
    let [(volume, snapshot), (held, _)] = &volumes[..] else {
        unreachable!()
    };
    // Something was removed there before, or the pool was marked.
    cluster.rbd(&["create"], "other", &["--size", "1M"]);
    cluster.rbd(&["rm"], "other", &["--no-progress"]);
    // A restore in place has filled the pool, and could not give this one its name back.
    let held_name = format!("tidemark-held-{}", held.id);
    let rename = ["--dest-pool", POOL, "--dest", &held_name];
    cluster.rbd(&["rename"], &held.id.to_string(), &rename);
    cluster.fill().await;
    let delete_snapshot = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    };
    cluster.site.complete(delete_snapshot).await;
    assert_eq!(cluster.snapshots(&volume.id.to_string()), ["other"]);
    for volume in [volume, held] {
        cluster.site.complete(delete(volume)).await;
        cluster.site.complete(delete(volume)).await;
    }
    assert_eq!(cluster.names(), [""; 0]);
    let objects = cluster.ceph.rados(&["--pool", POOL, "ls"]);
    assert!(!objects.contains("rbd_data"), "{objects}");
    cluster.empty().await;
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_cluster_keeps_although_it_says_that_it_is_gone_is_not_taken_for_gone() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    // Nothing was ever removed there: `rbd` cannot make what it needs for that.
    let volume = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&volume);
    cluster.fill().await;
    let (removed, told) = cluster.site.removed(delete(&volume), 1).await;
    assert_eq!(removed, Removed::Unknown);
    assert!(told.contains("may be full"), "{told}");
    assert_eq!(cluster.digest(&volume), before);
    cluster.empty().await;
    cluster.site.complete(delete(&volume)).await;
    assert_eq!(cluster.names(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_in_a_group_of_images_is_worked_on_and_not_deleted() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let image = volume.id.to_string();
    let backup = cluster.take_backup(&volume).await;
    let before = cluster.digest(&volume);
    let group = format!("{POOL}/club");
    let member = format!("{POOL}/{image}");
    cluster.ceph.rbd(&["group", "create", &group]);
    cluster
        .ceph
        .rbd(&["group", "image", "add", &group, &member]);
    let (snapshot, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    for source in [RestoreSource::Snapshot(snapshot), from_backup(&backup)] {
        cluster.scribble(&volume, 7, 0, MIB);
        cluster.site.complete(in_place(&volume, source)).await;
        assert_eq!(cluster.digest(&volume), before);
    }
    cluster.rbd(
        &["snap", "create"],
        &image,
        &["--snap", "other", "--no-progress"],
    );
    let snapshots = cluster.snapshots(&image);
    let refused = async || {
        let (removed, told) = cluster.site.removed(delete(&volume), 1).await;
        assert!(told.contains("a group of images"), "{told}");
        assert!(!told.contains("club"), "{told}");
        assert_eq!(removed, Removed::Nothing);
        assert_eq!(cluster.images(), [image.as_str()]);
        assert_eq!(cluster.snapshots(&image), snapshots);
        assert_eq!(cluster.digest(&volume), before);
    };
    refused().await;
    let of_group = format!("{group}@then");
    cluster.ceph.rbd(&["group", "snap", "create", &of_group]);
    cluster
        .ceph
        .rbd(&["group", "image", "remove", &group, &member]);
    // Its snapshot is of the group still.
    refused().await;
    cluster.ceph.rbd(&["group", "snap", "remove", &of_group]);
    cluster.site.complete(delete(&volume)).await;
    assert_eq!(cluster.images(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_notes_of_its_objects_a_volume_is_worked_on_as_before() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    let image = volume.id.to_string();
    let (snapshot, take) = snapshot_work(&volume);
    let (second, take_second) = snapshot_work(&volume);
    for work in [take, take_second] {
        cluster.site.complete(work).await;
    }
    let lose = || {
        let objects = cluster.ceph.rados(&["--pool", POOL, "ls"]);
        let maps = objects
            .lines()
            .filter(|name| name.starts_with("rbd_object_map."));
        for map in maps {
            cluster.ceph.rados(&["--pool", POOL, "rm", map]);
        }
    };
    let delete_snapshot =
        |snapshot: &tidemark_agent::operation::SnapshotItem| Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        };
    cluster.scribble(&volume, 7, 0, MIB);
    for work in [
        in_place(&volume, RestoreSource::Snapshot(snapshot.clone())),
        in_place(&volume, from_backup(&backup)),
        delete_snapshot(&snapshot),
    ] {
        lose();
        cluster.site.complete(work).await;
        assert_eq!(cluster.digest(&volume), before);
    }
    // Of a snapshot that was taken without one nothing can be read.
    lose();
    let again = super::backup_work(&volume, &cluster.backup_of(&volume));
    let (failure, _) = cluster.site.fail(again.clone()).await;
    assert!(failure.message.contains("object map"), "{failure}");
    assert_eq!(failure.code, Code::StorageFailed);
    cluster.rbd(&["object-map", "rebuild"], &image, &["--no-progress"]);
    cluster.site.complete(again).await;
    assert_eq!(
        cluster.snapshots(&image),
        [format!("tidemark-{}", second.id)]
    );
    lose();
    cluster.site.complete(delete_snapshot(&second)).await;
    lose();
    cluster.site.complete(delete(&volume)).await;
    assert_eq!(cluster.names(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_shut_out_or_finds_no_pool_is_told_so_and_has_removed_nothing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    let (snapshot, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    let works = |volume: &Volume| {
        let delete_snapshot = Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
        };
        [delete(volume), delete_snapshot]
    };
    let nowhere = Volume {
        pool: Pool::CephRbd(CephPool {
            pool: "nowhere".into(),
            ..cluster.pool.clone()
        }),
        ..volume.clone()
    };
    let refused = async |volume: &Volume, words: &str| {
        for work in works(volume) {
            let (removed, told) = cluster.site.removed(work, 1).await;
            assert!(told.contains(words), "{told}");
            assert_eq!(removed, Removed::Nothing);
        }
        let replacing = RestoreSource::BackupReplacing(Box::new(backup.clone()));
        let (failure, touched) = cluster.site.fail(in_place(volume, replacing)).await;
        assert!(failure.message.contains(words), "{failure}");
        assert!(!touched);
    };
    refused(&nowhere, "pool of the volume is not there").await;
    let here = "127.0.0.1";
    cluster.ceph.ceph(&["osd", "blocklist", "add", here]);
    refused(&volume, "shut this hypervisor out").await;
    cluster.ceph.ceph(&["osd", "blocklist", "rm", here]);
    assert_eq!(cluster.digest(&volume), before);
    assert_eq!(cluster.snapshots(&volume.id.to_string()).len(), 1);
    for work in works(&volume).into_iter().rev() {
        cluster.site.complete(work).await;
    }
    cluster.assert_clean();
}
