//! What storage refuses is refused: the volume and its snapshots are what they were, and that is said.

use tidemark_agent::{
    driver::Removed,
    operation::{RestoreSource, Work},
};

use super::{Cluster, POOL, in_place, snapshot_work};
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
    let read = cluster.content(&volume.id.to_string(), None);
    assert!(read[..1 << 20].iter().all(|byte| *byte == 8));
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
