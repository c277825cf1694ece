//! Deletions that are refused, or break off: what was removed is said, and is so.

mod store;

use std::{
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::PathBuf,
    process::Stdio,
};

use tidemark_agent::{
    driver::{Code, Failure, Removed},
    operation::{Operation, Outcome, Report, SnapshotItem, Volume, Work},
};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, text, within};

impl Site {
    /// Puts a program in the place of another: `$real` is what it stands for.
    pub fn script(&self, real: &str, body: &str) -> PathBuf {
        let path = self.path(&format!("scratch/{}", Uuid::now_v7()));
        fs::write(&path, format!("#!/bin/sh\nreal={real}\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Why a work fails. It may be a later claim.
    async fn failed_as(&self, work: Work, epoch: i32) -> Failure {
        let host = self.host.clone();
        let operation = Operation::new(Uuid::now_v7(), work, host, Report::default());
        let operation = operation.claimed_as(epoch);
        match within(operation.perform(&CancellationToken::new())).await {
            Outcome::Failed { failure, .. } => failure,
            other => panic!("{other:?}"),
        }
    }

    /// What a work that fails has removed, and what it says. It may be a later claim.
    pub async fn removed(&self, work: Work, epoch: i32) -> (Removed, String) {
        let failure = self.failed_as(work, epoch).await;
        (failure.removed.unwrap(), failure.message)
    }
}

fn delete_volume(volume: &Volume) -> Work {
    Work::DeleteVolume {
        volume: volume.clone(),
    }
}

fn delete_snapshot(volume: &Volume, snapshot: &SnapshotItem) -> Work {
    Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    }
}

/// Another process that has a volume's image open to write, until it is killed.
async fn hold(site: &Site, volume: &Volume) -> Child {
    let socket = site.path("scratch/stranger.sock");
    let mut stranger = Command::new("qemu-nbd");
    stranger
        .args(["--persistent", "--format", "qcow2", "--socket"])
        .args([&socket, &site.image(volume)])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let stranger = stranger.spawn().unwrap();
    testbed::until("the stranger holds the image", async || {
        let mut client = tokio::net::UnixStream::connect(&socket).await.ok()?;
        // It greets once it has opened the image.
        tokio::io::AsyncReadExt::read_u64(&mut client).await.ok()
    })
    .await;
    stranger
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_holds_is_refused_whole() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let before = site.digest(&volume);
    let mut stranger = hold(&site, &volume).await;
    let works = [delete_snapshot(&volume, &snapshot), delete_volume(&volume)];
    for work in &works {
        // A later attempt sees that it is there, too.
        for epoch in 1..=2 {
            let (removed, told) = site.removed(work.clone(), epoch).await;
            assert!(told.contains("in use"), "{told}");
            assert_eq!(removed, Removed::Nothing, "{work:?}");
        }
    }
    within(stranger.kill()).await.unwrap();
    assert_eq!(site.digest(&volume), before);
    assert_eq!(site.snapshot_names(&volume).len(), 1);
    for work in works {
        site.complete(work).await;
    }
    assert!(!site.image(&volume).exists());
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_not_removed_unless_an_earlier_attempt_may_have() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let (pool, away) = (site.path("pool"), site.path("away"));
    fs::rename(&pool, &away).unwrap();
    for work in [delete_snapshot(&volume, &snapshot), delete_volume(&volume)] {
        for (epoch, expected) in [(1, Removed::Nothing), (2, Removed::Unknown)] {
            let (removed, told) = site.removed(work.clone(), epoch).await;
            assert!(told.contains("storage pool"), "{told}");
            assert_eq!(removed, expected, "{work:?}");
        }
    }
    fs::rename(&away, &pool).unwrap();
    site.complete(delete_snapshot(&volume, &snapshot)).await;
    site.complete(delete_volume(&volume)).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_s_deletion_that_fails_at_any_moment_says_whether_the_snapshot_is_there() {
    let mut site = Site::new();
    let real = site.host.tools.qemu_img.clone();
    for (body, expected) in [
        ("exit 1", Removed::Nothing),
        ("kill -9 $$", Removed::Nothing),
        ("$real \"$@\"; exit 1", Removed::Some),
        ("$real \"$@\"; kill -9 $$", Removed::Some),
        // The table itself is gone.
        (
            "printf XXXX | dd of=\"$image\" conv=notrunc status=none; exit 1",
            Removed::Unknown,
        ),
    ] {
        let volume = site.filled_volume(32 * MIB).await;
        let snapshot = site.take_snapshot(&volume).await;
        let image = site.image(&volume);
        let body = format!(
            "image={}\ncase \"$*\" in *snapshot*) {body} ;; esac\nexec $real \"$@\"",
            text(&image)
        );
        let work = delete_snapshot(&volume, &snapshot);
        site.host.tools.qemu_img = site.script(text(&real), &body);
        let (removed, told) = site.removed(work.clone(), 1).await;
        assert_eq!(removed, expected, "{body}: {told}");
        site.host.tools.qemu_img = real.clone();
        let image = fs::File::options().write(true).open(&image).unwrap();
        image.write_all_at(b"QFI\xfb", 0).unwrap();
        let is_there = !site.snapshot_names(&volume).is_empty();
        if expected != Removed::Unknown {
            assert_eq!(is_there, expected == Removed::Nothing, "{body}");
        }
        site.complete(work).await;
        assert!(site.snapshot_names(&volume).is_empty());
        site.complete(delete_volume(&volume)).await;
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_directory_cannot_be_changed_stays() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    // Something that is no file cannot be removed as one, by root neither.
    let image = site.image(&volume);
    let aside = site.path("scratch/aside");
    fs::rename(&image, &aside).unwrap();
    fs::create_dir(&image).unwrap();
    let (removed, _) = site.removed(delete_volume(&volume), 1).await;
    assert_eq!(removed, Removed::Nothing);
    fs::remove_dir(&image).unwrap();
    fs::rename(&aside, &image).unwrap();
    site.complete(delete_volume(&volume)).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_begun_is_said_not_to_be() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: SnapshotItem {
            id: Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        },
    };
    let backup = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let begun = async |work: &Work, epoch| site.failed_as(work.clone(), epoch).await.begun;
    let image = fs::File::options()
        .write(true)
        .open(site.image(&volume))
        .unwrap();
    image.write_all_at(b"XFI", 0).unwrap();
    for work in [&snapshot, &backup] {
        assert!(!begun(work, 1).await, "{work:?}");
        assert!(begun(work, 2).await, "{work:?}");
    }
    image.write_all_at(b"QFI", 0).unwrap();
    fs::remove_dir_all(site.path("backups")).unwrap();
    assert!(!begun(&backup, 1).await);
    fs::create_dir(site.path("backups")).unwrap();
    site.complete(snapshot).await;
    site.complete(backup).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_volume_of_which_nothing_is_made_yet_is_said_not_to_be_begun() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let target = site.volume(32 * MIB);
    let create = Work::CreateVolume {
        volume: target.clone(),
    };
    let of_snapshot = |target: &Volume| Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
        target: target.clone(),
    };
    let of_backup = Work::RestoreBackup {
        backup: backup.clone(),
        target: target.clone(),
    };
    let assert_not_begun = async |site: &Site, work: &Work| {
        for epoch in 1..=2 {
            let failure = site.failed_as(work.clone(), epoch).await;
            // Another attempt may have begun before the second.
            assert_eq!(failure.begun, epoch > 1, "{work:?}: {failure}");
        }
    };
    let (pool, away) = (site.path("pool"), site.path("away"));
    fs::rename(&pool, &away).unwrap();
    for work in [&create, &of_snapshot(&target), &of_backup] {
        assert_not_begun(&site, work).await;
    }
    fs::rename(&away, &pool).unwrap();
    assert_not_begun(&site, &of_snapshot(&site.volume(16 * MIB))).await;
    let (kept, aside) = (site.backup_directory(&backup), site.path("scratch/aside"));
    fs::rename(&kept, &aside).unwrap();
    assert_not_begun(&site, &of_backup).await;
    fs::rename(&aside, &kept).unwrap();

    // What breaks off while it is made may leave something behind.
    let real = site.host.tools.qemu_img.clone();
    let body = "case \"$*\" in *create*) exit 1 ;; esac\nexec $real \"$@\"";
    site.host.tools.qemu_img = site.script(text(&real), body);
    assert!(site.failed_as(create.clone(), 1).await.begun);
    site.host.tools.qemu_img = real;
    site.complete(create).await;
    site.complete(delete_volume(&target)).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_lacks_its_tools_removes_nothing() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let tools = site.host.tools.clone();
    site.host.tools.qemu_img = "/nowhere/qemu-img".into();
    site.host.tools.qemu_nbd = "/nowhere/qemu-nbd".into();
    for work in [delete_snapshot(&volume, &snapshot), delete_volume(&volume)] {
        let (removed, told) = site.removed(work, 1).await;
        assert_eq!(removed, Removed::Nothing, "{told}");
    }
    site.host.tools = tools;
    let (failure, _) = site
        .fail(Work::DeleteVolume {
            volume: Volume {
                size_bytes: 7,
                ..volume.clone()
            },
        })
        .await;
    assert_eq!(failure.code, Code::StorageFailed);
    assert_eq!(failure.removed, Some(Removed::Nothing));
    site.complete(delete_volume(&volume)).await;
}
