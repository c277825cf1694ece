//! What is looked at before an image is changed: that its tables are right, and that it is they that are wrong where a
//! check fails.

use std::{fs, os::unix::fs::FileExt as _, path::Path, time::Duration};

use nix::{sys::stat::Mode, unistd::mkfifo};
use testbed::Machine;
use tidemark_agent::{
    driver::{Code, Removed},
    operation::{BackupItem, Instance, RestoreSource, SnapshotItem, Volume, Work},
};
use tokio::time::timeout;

use crate::{
    image::{field, overwrite},
    site::{MIB, Site, digest_of, run, text, within},
};

fn restore(volume: &Volume, source: RestoreSource) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    }
}

fn replacing(backup: &BackupItem) -> RestoreSource {
    RestoreSource::BackupReplacing(Box::new(backup.clone()))
}

fn create(volume: &Volume) -> Work {
    Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: SnapshotItem {
            id: uuid::Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        },
    }
}

fn delete(volume: &Volume, snapshot: &SnapshotItem) -> Work {
    Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_of_itself_replaces_no_image() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    site.take_snapshot(&volume).await;
    site.scribble(&volume, 7, 0, MIB);
    let real = site.host.tools.qemu_img.clone();
    let image = digest_of(&site.image(&volume));
    for failing in [
        "exit 1",
        "echo 'qemu-img: Check failed: Cannot allocate memory' >&2; exit 1",
        "echo \"qemu-img: Could not open '$*': Could not read L1 table: Permission denied\" >&2; exit 1",
        "exit 63",
        "exit 127",
        "kill -9 $$",
    ] {
        let body = format!("case \"$*\" in check*) {failing} ;; esac\nexec $real \"$@\"");
        site.host.tools.qemu_img = site.script(text(&real), &body);
        let (failure, touched) = site.fail(restore(&volume, replacing(&backup))).await;
        assert_eq!(failure.code, Code::StorageFailed, "{failing}: {failure}");
        assert!(!touched, "{failing}");
        assert_eq!(digest_of(&site.image(&volume)), image, "{failing}");
    }
    site.host.tools.qemu_img = real;
    let completed = site.complete(restore(&volume, replacing(&backup))).await;
    assert!(!completed.image_replaced);
    assert_eq!(site.digest(&volume), before);
    assert_eq!(site.snapshot_names(&volume).len(), 1);
    site.assert_clean();
}

/// Has the counts say less of what is referred to twice: of the first such cluster, or of all.
fn count_too_low(image: &Path, all: bool, said: u8) {
    let block = field(image, field(image, 48));
    let (mut lies, mut counts) = (0, vec![0; 64 << 10]);
    let file = fs::File::open(image).unwrap();
    file.read_exact_at(&mut counts, block).unwrap();
    for (cluster, count) in (0_u64..).zip(counts.chunks_exact(2)) {
        // The last that are shared are data, the first tables.
        let is_shared = count == [0, 2];
        if is_shared && (all || cluster > 8) {
            overwrite(image, block + 2 * cluster, &[0, said]);
            lies += 1;
            if !all {
                break;
            }
        }
    }
    assert!(lies > 0, "nothing is shared");
}

/// Two snapshots that have something in common which the disk has no more.
async fn with_shared(site: &Site) -> (Volume, [SnapshotItem; 2]) {
    let volume = site.volume(32 * MIB);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    site.scribble(&volume, 1, 0, 8 * MIB);
    let first = site.take_snapshot(&volume).await;
    let second = site.take_snapshot(&volume).await;
    site.scribble(&volume, 2, 0, 8 * MIB);
    (volume, [first, second])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_snapshots_have_is_not_freed_with_one_because_a_count_is_wrong() {
    for (all, running) in [(false, false), (true, false), (false, true)] {
        let site = Site::new();
        let (mut volume, [first, second]) = with_shared(&site).await;
        let backup = site.take_backup(&volume).await;
        let image = site.image(&volume);
        count_too_low(&image, all, 1);
        let mut machine = None;
        if running {
            machine = Machine::start(&image).await;
            let Some(machine) = &machine else { return };
            volume.instance = Some(Instance {
                running: true,
                qmp_socket: Some(machine.qmp_socket().to_owned()),
            });
        }
        for snapshot in [&first, &second] {
            let (removed, told) = site.removed(delete(&volume, snapshot), 1).await;
            assert_eq!(removed, Removed::Nothing, "{told}");
            assert!(
                told.contains("that others use passes for a snapshot's"),
                "{told}"
            );
        }
        assert_eq!(site.snapshot_names(&volume).len(), 2);
        if let Some(mut machine) = machine.take() {
            within(machine.quit()).await;
            volume.instance = None;
        }
        let before = digest_of(&image);
        let back = restore(&volume, RestoreSource::Snapshot(first.clone()));
        let (failure, touched) = site.fail(back).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
        assert!(!touched && digest_of(&image) == before, "{failure}");
        // There is a way out.
        let completed = site.complete(restore(&volume, replacing(&backup))).await;
        assert!(completed.image_replaced);
        site.check_image(&volume);
        site.complete(Work::DeleteVolume { volume }).await;
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_for_free_is_not_overwritten_by_a_snapshot_s_tables() {
    let site = Site::new();
    let (volume, _) = with_shared(&site).await;
    let image = site.image(&volume);
    let before = site.digest(&volume);
    let block = field(&image, field(&image, 48));
    overwrite(&image, block + 16, &[0; 1 << 10]);
    for work in [
        create(&volume),
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        },
    ] {
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
        assert!(failure.message.contains("passes for free"), "{failure}");
        assert_eq!(site.digest(&volume), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_snapshots_have_and_nobody_counts_is_not_overwritten_by_another_snapshot() {
    for running in [false, true] {
        let site = Site::new();
        let (mut volume, [_, second]) = with_shared(&site).await;
        let image = site.image(&volume);
        count_too_low(&image, false, 0);
        let before = digest_of(&image);
        let mut machine = None;
        if running {
            machine = Machine::start(&image).await;
            let Some(machine) = &machine else { return };
            volume.instance = Some(Instance {
                running: true,
                qmp_socket: Some(machine.qmp_socket().to_owned()),
            });
        }
        for work in [
            create(&volume),
            Work::CreateBackup {
                volume: volume.clone(),
                backup: site.backup_of(&volume),
            },
            delete(&volume, &second),
        ] {
            let (failure, _) = site.fail(work).await;
            assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
        }
        assert_eq!(site.snapshot_names(&volume).len(), 2);
        if let Some(mut machine) = machine.take() {
            within(machine.quit()).await;
        }
        assert_eq!(digest_of(&image), before);
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_shares_does_not_come_to_pass_for_its_own_by_a_backup_s_snapshot() {
    let site = Site::new();
    let volume = site.volume(32 * MIB);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    site.scribble(&volume, 1, 0, 8 * MIB);
    site.take_snapshot(&volume).await;
    let image = site.image(&volume);
    count_too_low(&image, true, 1);
    let before = digest_of(&image);
    let (failure, _) = site
        .fail(Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        })
        .await;
    assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
    assert_eq!(digest_of(&image), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_passes_for_reference_counts_is_not_counted_up() {
    const PLACE: u64 = 0x00ff_ffff_ffff_fe00;
    let site = Site::new();
    let (volume, [first, _]) = with_shared(&site).await;
    let image = site.image(&volume);
    let before = site.digest(&volume);
    let first_table = field(&image, field(&image, 40)) & PLACE;
    let data = field(&image, first_table) & PLACE;
    overwrite(&image, field(&image, 48), &data.to_be_bytes());
    for work in [
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        },
        delete(&volume, &first),
    ] {
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
        assert_eq!(site.digest(&volume), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_for_which_counts_are_too_small_is_refused_before_anything_is_touched() {
    let site = Site::new();
    let volume = site.volume(32 * MIB);
    let image = site.image(&volume);
    let create = ["create", "-q", "-f", "qcow2", "-o", "refcount_bits=2"];
    run("qemu-img", create.into_iter().chain([text(&image), "32M"]));
    site.scribble(&volume, 1, 0, 4 * MIB);
    let before = site.digest(&volume);
    let first = site.take_snapshot(&volume).await;
    let second = site.take_snapshot(&volume).await;
    let back = restore(&volume, RestoreSource::Snapshot(first));
    let sound = digest_of(&image);
    let (failure, touched) = site.fail(back.clone()).await;
    assert!(
        failure.message.contains("have 2 bits, and would overflow"),
        "{failure}"
    );
    assert!(!touched && digest_of(&image) == sound);
    site.scribble(&volume, 2, 0, MIB);
    site.complete(delete(&volume, &second)).await;
    site.complete(back).await;
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_where_an_image_should_be_keeps_nobody_waiting() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let image = site.image(&volume);
    let aside = site.path("scratch/aside");
    fs::rename(&image, &aside).unwrap();
    mkfifo(&image, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    for work in [
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        },
        delete(&volume, &snapshot),
        restore(&volume, RestoreSource::Snapshot(snapshot.clone())),
        restore(&volume, RestoreSource::Backup(Box::new(backup.clone()))),
        restore(&volume, replacing(&backup)),
        Work::DeleteVolume {
            volume: volume.clone(),
        },
    ] {
        let failing = timeout(Duration::from_secs(20), site.fail(work.clone()));
        let (failure, touched) = failing.await.unwrap_or_else(|_| panic!("{work:?} hangs"));
        assert!(!touched, "{failure}");
        assert!(
            failure
                .message
                .starts_with("The volume cannot be worked on: "),
            "{failure}"
        );
    }
    fs::remove_file(&image).unwrap();
    fs::rename(&aside, &image).unwrap();
    site.complete(delete(&volume, &snapshot)).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_dirty_bitmaps_keeps_its_snapshots_when_it_is_repaired() {
    for lazy in [false, true] {
        let site = Site::new();
        let volume = site.volume(32 * MIB);
        let image = site.image(&volume);
        let option = if lazy {
            "lazy_refcounts=on"
        } else {
            "lazy_refcounts=off"
        };
        let create = ["create", "-q", "-f", "qcow2", "-o", option];
        run("qemu-img", create.into_iter().chain([text(&image), "32M"]));
        site.scribble(&volume, 1, 0, 4 * MIB);
        let before = site.digest(&volume);
        let snapshot = site.take_snapshot(&volume).await;
        let backup = site.take_backup(&volume).await;
        run(
            "qemu-img",
            ["bitmap", "--add", "-f", "qcow2", text(&image), "b"],
        );
        site.scribble(&volume, 2, 0, MIB);
        site.leave_a_change_unfinished(&volume);
        if lazy {
            // As if it had not been closed.
            overwrite(&image, 72, &1_u64.to_be_bytes());
        }
        let plain = RestoreSource::Backup(Box::new(backup));
        site.complete(restore(&volume, plain)).await;
        assert_eq!(site.digest(&volume), before);
        assert_eq!(site.snapshot_names(&volume).len(), 1, "{option}");
        let target = site.volume(32 * MIB);
        let work = Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot,
            target: target.clone(),
        };
        site.complete(work).await;
        assert_eq!(site.digest(&target), before);
        site.check_image(&volume);
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_in_words_that_its_version_does_not_have_is_not_written() {
    let site = Site::new();
    let volume = site.volume(4 * MIB);
    let image = site.image(&volume);
    let create = ["create", "-q", "-f", "qcow2", "-o", "compat=0.10"];
    run("qemu-img", create.into_iter().chain([text(&image), "4M"]));
    site.scribble(&volume, 7, 0, MIB);
    let backup = site.take_backup(&volume).await;
    let before = site.digest(&volume);
    // Its first cluster reads as zeros, says its first table.
    let table = field(&image, field(&image, 40)) & 0x00ff_ffff_ffff_fe00;
    let entry = field(&image, table) | 1;
    overwrite(&image, table, &entry.to_be_bytes());
    let content = digest_of(&image);

    let plain = RestoreSource::Backup(Box::new(backup.clone()));
    let (failure, touched) = site.fail(restore(&volume, plain)).await;
    assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
    assert!(!touched);
    assert_eq!(digest_of(&image), content);
    let completed = site.complete(restore(&volume, replacing(&backup))).await;
    assert!(completed.image_replaced);
    assert_eq!(site.digest(&volume), before);
}
