//! Deleting a volume that a client has open, whatever lies beside it.

use tidemark_agent::operation::{Volume, Work};

use super::{Cluster, rename::Cut};
use crate::site::MIB;

/// Deletes a volume that is open, in vain, and once more when it is not.
async fn delete_while_open(cluster: &Cluster, volume: &Volume, images: &[String]) {
    let mut holder = cluster.hold(volume).await;
    let before = cluster.digest(volume);
    let work = Work::DeleteVolume {
        volume: volume.clone(),
    };
    let (failure, _) = cluster.site.fail(work.clone()).await;
    assert!(failure.message.contains("in use"), "{failure}");
    assert_eq!(cluster.images(), images);
    assert_eq!(cluster.digest(volume), before);
    // It has not been shut out either.
    holder.write(8).await;
    holder.close().await;
    cluster.site.complete(work).await;
    assert_eq!(cluster.images(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_volume_is_deleted_while_a_client_has_it_open() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let partial = format!("tidemark-tmp-{}", volume.id);
    cluster.rbd(&["create"], &partial, &["--size", "16M"]);
    let mut images = [volume.id.to_string(), partial];
    images.sort();
    delete_while_open(&cluster, &volume, &images).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_with_two_names_is_not_deleted_by_either_while_a_client_has_it_open() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let image = volume.id.to_string();
    let partial = format!("tidemark-tmp-{image}");
    cluster.rename_half(&image, &partial, Cut::BeforeDirectory);
    delete_while_open(&cluster, &volume, &[image]).await;
}
