//! Renaming an image, cut off at any moment: it has one name in the end, and nothing is lost.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tidemark_agent::{
    driver::Driver,
    operation::{Outcome, Work},
};

use super::{Cluster, POOL, from_backup, in_place};
use crate::{
    conformance::{Disk, Storage as _},
    site::{MIB, text},
};

const SIZE: u64 = 16 * MIB;

/// Where a renaming has been cut off, between the first change and the last.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// The image can be opened by both names, and the pool's directory knows the old one.
    BeforeDirectory,
    /// The same, and it knows the new one.
    AfterDirectory,
}

const CUTS: [Cut; 2] = [Cut::BeforeDirectory, Cut::AfterDirectory];

impl Cluster {
    /// Leaves what a renaming leaves that was killed.
    pub(super) fn rename_half(&self, from: &str, to: &str, cut: Cut) {
        let id = self.site.path("scratch/id");
        let name = |image: &str| format!("rbd_id.{image}");
        let rados = |words: &[&str]| self.ceph.rados(&[&["--pool", POOL], words].concat());
        rados(&["get", &name(from), text(&id)]);
        match cut {
            Cut::BeforeDirectory => rados(&["put", &name(to), text(&id)]),
            Cut::AfterDirectory => {
                self.rbd(&["rename"], from, &["--dest-pool", POOL, "--dest", to]);
                rados(&["put", &name(from), text(&id)])
            }
        };
        let mut names = self.names();
        names.retain(|name| [from, to].contains(&name.as_str()));
        assert_eq!(names.len(), 2, "{names:?}");
    }
}

fn partial_of(disk: Disk) -> String {
    format!("tidemark-tmp-{}", disk.id)
}

/// A new volume that is written, and not yet published.
async fn staged(cluster: &Cluster) -> (Disk, Box<dyn Driver>) {
    let disk = Disk::new(SIZE);
    let driver = cluster.driver(disk);
    driver.stage().await.unwrap().close().await.unwrap();
    cluster.poke(&partial_of(disk), "write -P 7 4M 4M");
    (disk, driver)
}

fn assert_whole(cluster: &Cluster, disk: Disk) {
    assert_eq!(cluster.images(), [disk.id.to_string()]);
    let content = cluster.content(&disk.id.to_string(), None);
    let written = |byte: &u8| *byte == 7;
    assert_eq!(content.iter().filter(|byte| written(byte)).count(), 4 << 20);
    assert_eq!(cluster.names(), [disk.id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_publication_was_cut_off_is_published_whole() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    for cut in CUTS {
        let (disk, driver) = staged(&cluster).await;
        cluster.rename_half(&partial_of(disk), &disk.id.to_string(), cut);
        for _ in 1..=2 {
            driver.publish().await.unwrap();
            assert_whole(&cluster, disk);
        }
        driver.delete().await.unwrap();
        assert_eq!(cluster.names(), [""; 0], "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_up_leaves_a_half_published_volume_whole_or_not_at_all() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    for cut in CUTS {
        let (disk, driver) = staged(&cluster).await;
        cluster.rename_half(&partial_of(disk), &disk.id.to_string(), cut);
        for _ in 1..=2 {
            driver.clean_up().await.unwrap();
            match cut {
                Cut::BeforeDirectory => assert_eq!(cluster.names(), [""; 0]),
                Cut::AfterDirectory => assert_whole(&cluster, disk),
            }
        }
        driver.delete().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_never_published_over_another() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (disk, driver) = staged(&cluster).await;
    driver.publish().await.unwrap();
    let size = format!("{SIZE}B");
    cluster.rbd(&["create"], &partial_of(disk), &["--size", &size]);
    let failure = driver.publish().await.unwrap_err();
    assert!(failure.message.contains("exists already"), "{failure}");
    cluster.rbd(&["rm"], &partial_of(disk), &["--no-progress"]);
    assert_whole(&cluster, disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_end_what_renamings_began() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let source = cluster.filled_volume(SIZE).await;
    let before = cluster.digest(&source);
    let backup = cluster.take_backup(&source).await;
    let target = cluster.volume(SIZE);
    let restore = Work::RestoreBackup {
        backup: backup.clone(),
        target: target.clone(),
    };
    let delete = Work::DeleteVolume {
        volume: target.clone(),
    };
    let create = Work::CreateVolume {
        volume: target.clone(),
    };
    let image = target.id.to_string();
    let partial = format!("tidemark-tmp-{image}");
    for cut in CUTS {
        for (from, to) in [(&image, &partial), (&partial, &image)] {
            for work in [&restore, &create, &delete] {
                let size = format!("{SIZE}B");
                cluster.rbd(&["create"], from, &["--size", &size]);
                cluster.rename_half(from, to, cut);
                let outcome = cluster.site.perform(work.clone()).await;
                assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
                cluster.assert_clean();
                if work == &restore {
                    assert_eq!(cluster.digest(&target), before, "{cut:?}");
                }
                cluster.site.complete(delete.clone()).await;
                assert_eq!(cluster.names(), [source.id.to_string()]);
            }
        }
    }
    // What is whole and at work is not touched by any of that.
    cluster
        .site
        .complete(in_place(&source, from_backup(&backup)))
        .await;
    assert_eq!(cluster.digest(&source), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_renames_at_any_moment_an_operation_is_done_by_the_next_attempt() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let rbd = cluster.site.host.tools.rbd.clone();
    let killer = cluster.site.path("scratch/rbd");
    let volume = cluster.volume(SIZE);
    let create = Work::CreateVolume {
        volume: volume.clone(),
    };
    let delete = Work::DeleteVolume {
        volume: volume.clone(),
    };
    // A renaming takes some 60 ms on a machine that has nothing else to do.
    for milliseconds in (20..=90).step_by(10) {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *\" rename \"*) exec timeout -s KILL 0.{milliseconds:03} \
             {rbd} \"$@\";; esac\nexec {rbd} \"$@\"\n",
            rbd = rbd.display()
        );
        fs::write(&killer, script).unwrap();
        fs::set_permissions(&killer, fs::Permissions::from_mode(0o755)).unwrap();
        for (work, left) in [(&create, 1), (&delete, 0)] {
            cluster.site.host.tools.rbd.clone_from(&killer);
            cluster.site.perform(work.clone()).await;
            cluster.site.host.tools.rbd.clone_from(&rbd);
            let outcome = cluster.site.perform(work.clone()).await;
            assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
            assert_eq!(cluster.images().len(), left);
            cluster.assert_clean();
        }
    }
}
