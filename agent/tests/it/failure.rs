//! What goes wrong, and what the customer is told about it.

use std::{fs, path::Path, process::Stdio, sync::Arc};

use storage::{
    Local,
    fault::{Fault, Faulty},
};
use tidemark_agent::{
    driver::{Code, Removed},
    operation::{Pool, RestoreSource, SnapshotItem, Volume, Work},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

use crate::site::{MIB, Site, has_no_files, local_storage, run, text, within};

const SECRET: &str = "secret,id=s,data=secret";
/// What makes an encrypted image.
const ENCRYPTED: [&str; 6] = [
    "--object",
    SECRET,
    "-f",
    "qcow2",
    "-o",
    "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
];

fn snapshot_of(volume: &Volume) -> Work {
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot,
    }
}

/// A volume whose image is what `arguments` make of it.
fn image_of_kind(site: &Site, arguments: &[&str]) -> Volume {
    let volume = site.volume(32 * MIB);
    let image = site.image(&volume);
    let mut command = vec!["create", "-q"];
    command.extend(arguments);
    command.extend([text(&image), "32M"]);
    run("qemu-img", command);
    volume
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_worked_on_is_said_to_be_so() {
    let site = Site::new();
    let base = site.path("scratch/base");
    run(
        "qemu-img",
        ["create", "-q", "-f", "raw", text(&base), "32M"],
    );
    let data = format!(
        "data_file={},data_file_raw=on",
        text(&site.path("scratch/data"))
    );
    let cases: [(&[&str], &str); 6] = [
        (&["-f", "raw"], "is not a qcow2 image"),
        (
            &["-f", "qcow2", "-F", "raw", "-b", text(&base)],
            "has a backing file",
        ),
        (
            &["-f", "qcow2", "-o", &data],
            "keeps its data in a second file",
        ),
        (
            &["-f", "qcow2", "-o", "refcount_bits=1"],
            "has reference counts of one bit",
        ),
        (&ENCRYPTED, "is encrypted"),
        (&["-f", "qcow2"], ""),
    ];
    for (arguments, words) in cases {
        let volume = image_of_kind(&site, arguments);
        if words.is_empty() {
            site.complete(snapshot_of(&volume)).await;
            continue;
        }
        for work in [
            snapshot_of(&volume),
            Work::CreateBackup {
                volume: volume.clone(),
                backup: site.backup_of(&volume),
            },
        ] {
            let (failure, _) = site.fail(work).await;
            let expected = if words.contains("not a qcow2") {
                Code::ImageDamaged
            } else {
                Code::StorageFailed
            };
            assert_eq!(failure.code, expected);
            assert!(failure.message.contains(words), "{arguments:?}: {failure}");
        }
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_missing_or_cut_is_not_taken_for_an_empty_one() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let image = site.image(&volume);
    let whole = fs::read(&image).unwrap();
    for length in [0, 3, 50, 70_000, whole.len() / 2, whole.len() - (4 << 20)] {
        fs::write(&image, &whole[..length]).unwrap();
        let backup = site.backup_of(&volume);
        let work = Work::CreateBackup {
            volume: volume.clone(),
            backup: backup.clone(),
        };
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::ImageDamaged);
        let words = if length < 4 {
            "is not a qcow2 image"
        } else {
            "is truncated"
        };
        assert!(failure.message.contains(words), "{length}: {failure}");
        assert!(!site.backup_directory(&backup).exists());
    }
    fs::remove_file(&image).unwrap();
    let (failure, _) = site.fail(snapshot_of(&volume)).await;
    assert!(failure.message.contains("is missing"), "{failure}");
    assert!(
        !failure.message.contains(text(&site.path("pool"))),
        "a customer sees no paths"
    );

    fs::remove_dir_all(site.path("pool")).unwrap();
    let (failure, _) = site.fail(snapshot_of(&volume)).await;
    assert!(failure.message.contains("storage pool"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_another_size_is_refused() {
    let site = Site::new();
    let mut volume = site.filled_volume(32 * MIB).await;
    volume.size_bytes = 64 * MIB;
    let (failure, _) = site.fail(snapshot_of(&volume)).await;
    assert!(failure.message.contains("instead of 67108864"), "{failure}");
    volume.size_bytes = 1000;
    let (failure, _) = site.fail(snapshot_of(&volume)).await;
    assert!(failure.message.contains("sectors"), "{failure}");
}

/// Another program that has the image open to write, until it is dropped.
async fn hold(image: &Path) -> Child {
    hold_with(&["-f", "qcow2", text(image)]).await
}

async fn hold_with(arguments: &[&str]) -> Child {
    let mut holder = Command::new("qemu-io");
    holder
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut holder = holder.kill_on_drop(true).spawn().unwrap();
    holder
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"length\n")
        .await
        .unwrap();
    let mut answer = BufReader::new(holder.stdout.as_mut().unwrap());
    within(answer.read_line(&mut String::new())).await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_in_use_is_left_alone() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let before = site.digest(&volume);
    let mut holder = hold(&site.image(&volume)).await;
    let sources = [
        RestoreSource::Snapshot(snapshot),
        RestoreSource::Backup(Box::new(backup)),
    ];
    let restores = sources.map(|source| Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    });
    for work in restores.into_iter().chain([snapshot_of(&volume)]) {
        let (failure, volume_touched) = site.fail(work).await;
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("in use"), "{failure}");
        assert!(!volume_touched);
    }
    within(holder.kill()).await.unwrap();
    assert_eq!(site.digest(&volume), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_somebody_holds_is_not_deleted_however_little_it_can_be_worked_on() {
    let site = Site::new();
    let (with_bitmap, encrypted) = (
        image_of_kind(&site, &["-f", "qcow2"]),
        image_of_kind(&site, &ENCRYPTED),
    );
    let base = site.path("scratch/base");
    run(
        "qemu-img",
        ["create", "-q", "-f", "raw", text(&base), "32M"],
    );
    let overlay = image_of_kind(&site, &["-f", "qcow2", "-F", "raw", "-b", text(&base)]);
    let bitmapped = site.image(&with_bitmap);
    run(
        "qemu-img",
        ["bitmap", "--add", "-f", "qcow2", text(&bitmapped), "b"],
    );
    let qcow2 = |volume| format!("driver=qcow2,file.filename={}", text(&site.image(volume)));
    let keyed = format!("{},encrypt.key-secret=s", qcow2(&encrypted));
    for (volume, options) in [
        (&with_bitmap, qcow2(&with_bitmap)),
        (&overlay, qcow2(&overlay)),
        (&encrypted, keyed),
    ] {
        let arguments = ["--object", SECRET, "--image-opts", &options];
        let mut holder = hold_with(&arguments).await;
        let delete = Work::DeleteVolume {
            volume: volume.clone(),
        };
        let (failure, _) = site.fail(delete.clone()).await;
        assert!(failure.message.contains("in use"), "{failure}");
        assert_eq!(failure.removed, Some(Removed::Nothing));
        assert!(site.image(volume).exists());
        within(holder.kill()).await.unwrap();
        site.complete(delete.clone()).await;
        assert!(!site.image(volume).exists());
        // It may be asked for again.
        site.complete(delete).await;
    }
    assert!(base.exists());
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_image_at_all_can_be_deleted() {
    let site = Site::new();
    for content in [&b""[..], b"QFI", &[0x7f; 7_001]] {
        let volume = site.volume(32 * MIB);
        fs::write(site.image(&volume), content).unwrap();
        site.complete(Work::DeleteVolume {
            volume: volume.clone(),
        })
        .await;
        assert!(!site.image(&volume).exists());
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_fills_up_costs_nothing_but_the_backup() {
    let mut site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let local = Arc::new(Local::new(site.path("backups")));
    site.use_store(Arc::new(Faulty::new(local, Fault::FullAfter(3 << 20))));
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::BackupStorageFull, "{failure}");
    assert!(has_no_files(&site.path("backups")));
    assert!(site.snapshot_names(&volume).is_empty());
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_cannot_be_committed_is_no_backup() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let local = Arc::new(Local::new(site.path("backups")));
    site.use_store(Arc::new(Faulty::new(local, Fault::CommitFails)));
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::BackupStorageUnreachable, "{failure}");
    assert!(has_no_files(&site.path("backups")));
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_not_there_is_not_created() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let mut backup = site.backup_of(&volume);
    let path = site.path("not-mounted");
    backup.storage = local_storage(path.clone());
    for work in [
        Work::CreateBackup {
            volume: volume.clone(),
            backup: backup.clone(),
        },
        Work::DeleteBackup {
            backup: backup.clone(),
        },
        Work::RestoreBackup {
            backup,
            target: site.volume(64 * MIB),
        },
    ] {
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::BackupStorageUnreachable);
        assert!(
            failure
                .detail
                .unwrap()
                .contains("not-mounted does not exist")
        );
    }
    assert!(!path.exists());
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_is_named() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    site.host.tools.qemu_nbd = "/nowhere/qemu-nbd".into();
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Backup(Box::new(backup)),
    };
    let (failure, _) = site.fail(work).await;
    assert!(
        failure
            .message
            .contains("lacks a program that is needed: qemu-nbd"),
        "{failure}"
    );
    site.host.tools.qemu_img = "/nowhere/qemu-img".into();
    let (failure, _) = site.fail(snapshot_of(&volume)).await;
    assert!(failure.message.contains("qemu-img"), "{failure}");
}

/// A small file system of its own, which takes the rights of root.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Option<Self> {
        Self::mount_with(path, &format!("size={size}"))
    }

    /// With options of tmpfs.
    fn mount_with(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs", text(path)])
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            testbed::skip("a small file system cannot be mounted here");
        }
        mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", ["-l", text(&self.0)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_disk_that_fills_up_is_noticed_on_either_side() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let Some(full) = SmallDisk::mount(&site.path("full"), "4m") else {
        return;
    };
    let mut backup = site.backup_of(&volume);
    backup.storage = local_storage(full.0.clone());
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup,
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::BackupStorageFull, "{failure}");
    assert!(has_no_files(&full.0), "the space is free again");

    let backup = site.take_backup(&volume).await;
    let snapshot = site.take_snapshot(&volume).await;
    let mut target = site.volume(64 * MIB);
    target.pool = Pool::Qcow2File {
        directory: full.0.clone(),
    };
    for work in [
        Work::RestoreBackup {
            backup,
            target: target.clone(),
        },
        Work::RestoreSnapshot {
            volume,
            snapshot,
            target: target.clone(),
        },
    ] {
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(
            failure.message.contains("storage pool is full"),
            "{failure}"
        );
        assert_eq!(
            fs::read_dir(&full.0).unwrap().count(),
            0,
            "the space is free again"
        );
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_that_cannot_be_noted_leaves_the_volume_what_it_was() {
    let site = Site::new();
    // Room for the pool's directory, an image, and three files more.
    let Some(pool) = SmallDisk::mount_with(&site.path("pool"), "size=64m,nr_inodes=5") else {
        return;
    };
    let volume = site.volume(32 * MIB);
    let create = Work::CreateVolume {
        volume: volume.clone(),
    };
    site.complete(create).await;
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 7, 0, MIB);
    let before = site.digest(&volume);
    let taken = (0..9).map(|number| pool.0.join(number.to_string()));
    let taken: Vec<_> = taken.filter(|file| fs::write(file, "").is_ok()).collect();
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Snapshot(snapshot),
    };
    let (failure, touched) = site.fail(work.clone()).await;
    assert!(failure.message.contains("full"), "{failure}");
    assert!(!touched, "{failure}");
    assert_eq!(site.digest(&volume), before);
    for file in taken {
        fs::remove_file(file).unwrap();
    }
    site.complete(work).await;
    assert_ne!(site.digest(&volume), before);
}
