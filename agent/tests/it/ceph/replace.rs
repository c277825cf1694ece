//! A new image in the place of one that is no longer what it was, and the deletion of such a one.

use std::fs;

use tidemark_agent::{
    driver::Code,
    operation::{BackupItem, Image, Outcome, RestoreSource, Volume, Work},
};

use super::{Cluster, POOL, delete::count, from_backup, in_place, snapshot_work};
use crate::site::{MIB, text};

const SIZE: u64 = 16 * MIB;

/// What becomes of an image behind our back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Larger,
    NoHeader,
    NoName,
    StrangeName,
    StrangeSize,
}

const DAMAGE: [Damage; 5] = [
    Damage::Larger,
    Damage::NoHeader,
    Damage::NoName,
    Damage::StrangeName,
    Damage::StrangeSize,
];

impl Cluster {
    fn id_of(&self, image: &str) -> String {
        let info = self.rbd(&["info"], image, &["--format", "json"]);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        info["id"].as_str().unwrap().to_owned()
    }

    fn damage(&self, image: &str, damage: Damage) {
        let header = format!("rbd_header.{}", self.id_of(image));
        let name = format!("rbd_id.{image}");
        let file = self.site.path("scratch/strange");
        fs::write(&file, [0xff; 8]).unwrap();
        let rados = |words: &[&str]| self.ceph.rados(&[&["--pool", POOL], words].concat());
        match damage {
            Damage::Larger => self.rbd(&["resize"], image, &["--size", "32M", "--no-progress"]),
            Damage::NoHeader => rados(&["rm", &header]),
            Damage::NoName => rados(&["rm", &name]),
            Damage::StrangeName => rados(&["put", &name, text(&file)]),
            Damage::StrangeSize => {
                fs::write(&file, "?").unwrap();
                rados(&["setomapval", &header, "size", "--input-file", text(&file)])
            }
        };
    }
}

fn replacing(volume: &Volume, backup: &BackupItem) -> Work {
    in_place(
        volume,
        RestoreSource::BackupReplacing(Box::new(backup.clone())),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_has_become_of_an_image_a_new_one_takes_its_place_where_that_may_be() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    for damage in DAMAGE {
        let volume = cluster.filled_volume(SIZE).await;
        let before = cluster.digest(&volume);
        let backup = cluster.take_backup(&volume).await;
        let (snapshot, take) = snapshot_work(&volume);
        cluster.site.complete(take).await;
        let image = volume.id.to_string();
        cluster.damage(&image, damage);
        let names = cluster.names();
        let work = in_place(&volume, from_backup(&backup));
        let (failure, touched) = cluster.site.fail(work).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{damage:?}: {failure}");
        assert!(!touched, "{damage:?}");
        assert!(
            failure.message.contains("replaceImage"),
            "{damage:?}: {failure}"
        );
        assert_eq!(cluster.names(), names, "{damage:?}");
        if damage == Damage::Larger {
            assert_eq!(
                cluster.snapshots(&image),
                [format!("tidemark-{}", snapshot.id)]
            );
        }
        let completed = cluster.site.complete(replacing(&volume, &backup)).await;
        assert!(completed.image_replaced, "{damage:?}");
        assert_eq!(cluster.digest(&volume), before, "{damage:?}");
        assert_eq!(cluster.snapshots(&image), [""; 0], "{damage:?}");
        assert_eq!(cluster.images(), [image.as_str()], "{damage:?}");
        cluster.assert_clean();
        // It is a sound one now.
        let completed = cluster.site.complete(replacing(&volume, &backup)).await;
        assert!(!completed.image_replaced, "{damage:?}");
        // And it goes whatever becomes of it.
        cluster.damage(&image, damage);
        let delete = Work::DeleteVolume { volume };
        cluster.site.complete(delete.clone()).await;
        cluster.site.complete(delete).await;
        assert_eq!(cluster.images(), [""; 0], "{damage:?}");
        assert_eq!(cluster.names(), [""; 0], "{damage:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_a_client_has_open_is_not_replaced() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(SIZE).await;
    let backup = cluster.take_backup(&volume).await;
    let image = volume.id.to_string();
    cluster.damage(&image, Damage::Larger);
    let mut holder = cluster.hold(&volume).await;
    let (failure, touched) = cluster.site.fail(replacing(&volume, &backup)).await;
    assert!(failure.message.contains("in use"), "{failure}");
    assert!(!touched);
    holder.write(8).await;
    holder.close().await;
    assert_eq!(cluster.images(), [image.as_str()]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_fails_at_any_odd_command_leaves_the_old_image_or_the_new_one() {
    fails_at_every_other_command_from(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_fails_at_any_even_command_leaves_the_old_image_or_the_new_one() {
    fails_at_every_other_command_from(2).await;
}

/// In halves, which run beside each other.
async fn fails_at_every_other_command_from(first: u32) {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let real = cluster.site.host.tools.clone();
    let mut outcomes = (0, 0);
    let volume = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    let image = volume.id.to_string();
    for fail_at in (first..).step_by(2) {
        cluster.damage(&image, Damage::Larger);
        let old = cluster.id_of(&image);
        let runs = cluster.break_at(fail_at, "rbd: (1) Operation not permitted", 1);
        let outcome = cluster.site.perform(replacing(&volume, &backup)).await;
        cluster.site.host.tools = real.clone();
        match outcome {
            Outcome::Completed(completed) => {
                assert!(completed.image_replaced, "{fail_at}");
                outcomes.0 += 1;
            }
            Outcome::Failed {
                volume_touched,
                image: become_of,
                failure,
            } => {
                outcomes.1 += 1;
                let is_kept = become_of == Image::Kept;
                assert!(!is_kept || !volume_touched, "{fail_at}: {failure}");
                if is_kept {
                    // Its name is back, or comes back with the next.
                    let [name] = &cluster.images()[..] else {
                        panic!("{fail_at}: {:?}", cluster.images())
                    };
                    assert_eq!(cluster.id_of(name), old, "{fail_at}: {failure}");
                }
            }
            other @ Outcome::Stopped { .. } => panic!("{other:?}"),
        }
        cluster.site.complete(replacing(&volume, &backup)).await;
        assert_eq!(cluster.digest(&volume), before, "{fail_at}");
        cluster.assert_clean();
        assert_eq!(cluster.images(), [image.as_str()], "{fail_at}");
        if count(&runs) < fail_at {
            break;
        }
    }
    assert!(outcomes.0 > 0 && outcomes.1 > 5, "{outcomes:?}");
}
