//! Restores in place where the image is damaged or gone, and images of kinds that need care.

mod doubt;

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _, symlink},
    path::Path,
};

use testbed::Machine;
use tidemark_agent::{
    driver::{Code, Driver as _, SnapshotName, qcow2_file::Qcow2File},
    operation::{
        BackupItem, Instance, Operation, Outcome, Report, RestoreSource, SnapshotItem, Volume, Work,
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, run, text, within};

fn in_place(volume: &Volume, backup: &BackupItem) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Backup(Box::new(backup.clone())),
    }
}

fn replacing(volume: &Volume, backup: &BackupItem) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::BackupReplacing(Box::new(backup.clone())),
    }
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 10] = [
    ("missing", |image| fs::remove_file(image).unwrap()),
    ("empty", |image| fs::write(image, "").unwrap()),
    ("cut", |image| {
        let file = fs::File::options().write(true).open(image).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }),
    ("overwritten by garbage", |image| {
        fs::write(image, [0x7f; 300_000]).unwrap();
    }),
    ("marked corrupt", |image| {
        write(image, 72, &2_u64.to_be_bytes());
    }),
    ("raw", |image| fs::write(image, vec![0; 1 << 20]).unwrap()),
    ("of a kind that is not supported", |image| {
        fs::remove_file(image).unwrap();
        create(image, &["-o", "refcount_bits=1"], "32M");
    }),
    ("larger", |image| {
        fs::remove_file(image).unwrap();
        create(image, &[], "64M");
    }),
    ("with an L1 table of garbage", |image| {
        let l1 = number(image, 40);
        write(image, l1, &[0x5a; 32]);
    }),
    ("with counts of garbage", |image| {
        let block = number(image, number(image, 48));
        write(image, block, &[0xa5; 4096]);
    }),
];

fn create(image: &Path, options: &[&str], size: &str) {
    let mut command = vec!["create", "-q", "-f", "qcow2"];
    command.extend(options);
    command.extend([text(image), size]);
    run("qemu-img", command);
}

fn write(image: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(image).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

fn number(image: &Path, offset: u64) -> u64 {
    let mut bytes = [0; 8];
    let file = fs::File::open(image).unwrap();
    file.read_exact_at(&mut bytes, offset).unwrap();
    u64::from_be_bytes(bytes) & 0x00ff_ffff_ffff_fe00
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_has_become_of_an_image_a_new_one_can_take_its_place() {
    let site = Site::new();
    for (what, damage) in DAMAGES {
        let volume = site.filled_volume(32 * MIB).await;
        let image = site.image(&volume);
        let before = site.digest(&volume);
        let backup = site.take_backup(&volume).await;
        site.take_snapshot(&volume).await;
        site.scribble(&volume, 7, 0, MIB);
        damage(&image);
        let damaged = fs::read(&image).ok();

        let (failure, touched) = site.fail(in_place(&volume, &backup)).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{what}: {failure}");
        for way in ["replaceImage", "new volume"] {
            assert!(failure.message.contains(way), "{what}: {failure}");
        }
        assert!(!touched, "{what}");
        assert_eq!(
            fs::read(&image).ok(),
            damaged,
            "{what}: the file was changed"
        );

        let completed = site.complete(replacing(&volume, &backup)).await;
        assert!(completed.image_replaced, "{what}");
        assert_eq!(site.digest(&volume), before, "{what}");
        assert!(site.snapshot_names(&volume).is_empty(), "{what}");
        site.check_image(&volume);
        assert_eq!(fs::metadata(&image).unwrap().mode() & 0o777, 0o600);
        site.assert_clean();
        // It is an image like any other from now on.
        site.take_snapshot(&volume).await;
        let completed = site.complete(replacing(&volume, &backup)).await;
        assert!(!completed.image_replaced, "{what}: it was sound");
        assert_eq!(site.snapshot_names(&volume).len(), 1, "{what}");
        fs::remove_file(&image).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_or_is_in_use_is_not_replaced() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let image = site.image(&volume);
    let backup = site.take_backup(&volume).await;
    let elsewhere = site.path("scratch/elsewhere");
    fs::write(&elsewhere, "nothing of ours").unwrap();
    fs::remove_file(&image).unwrap();
    symlink(&elsewhere, &image).unwrap();
    let (failure, touched) = site.fail(replacing(&volume, &backup)).await;
    assert!(
        !touched && failure.message.contains("symbolic link"),
        "{failure}"
    );
    assert_eq!(fs::read(&elsewhere).unwrap(), b"nothing of ours");

    fs::remove_file(&image).unwrap();
    fs::create_dir(&image).unwrap();
    let (failure, _) = site.fail(replacing(&volume, &backup)).await;
    assert!(
        failure.message.contains("something else than a file"),
        "{failure}"
    );
    fs::remove_dir(&image).unwrap();

    create(&image, &[], "32M");
    let Some(mut machine) = Machine::start(&image).await else {
        return;
    };
    write(&image, 72, &2_u64.to_be_bytes());
    let (failure, touched) = site.fail(replacing(&volume, &backup)).await;
    assert!(!touched && failure.message.contains("in use"), "{failure}");
    machine.write(0, MIB, 1);
    within(machine.quit()).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_killed_after_it_replaced_the_image_still_says_so() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    fs::remove_file(site.image(&volume)).unwrap();
    let id = Uuid::now_v7();
    let attempt = || {
        Operation::new(
            id,
            replacing(&volume, &backup),
            site.host.clone(),
            Report::default(),
        )
    };
    for _ in 0..2 {
        let outcome = within(attempt().perform(&CancellationToken::new())).await;
        let Outcome::Completed(completed) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(completed.image_replaced);
        assert_eq!(site.digest(&volume), before);
    }
    // Another restore finds a sound image.
    let completed = site.complete(replacing(&volume, &backup)).await;
    assert!(!completed.image_replaced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_is_cut_off_leaves_what_was_there() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let image = site.image(&volume);
    fs::write(&image, "damaged").unwrap();
    let driver = Qcow2File::new(
        &site.path("pool"),
        volume.id,
        volume.size_bytes,
        site.surroundings(),
    );
    let driver = driver.unwrap();
    let new = driver.stage_replacement(Uuid::now_v7(), MIB).await.unwrap();
    drop(new);
    assert_eq!(fs::read(&image).unwrap(), b"damaged");
    // Whoever comes next begins anew.
    site.complete(replacing(&volume, &backup)).await;
    site.check_image(&volume);

    // A corrupt backup costs the image nothing.
    fs::write(&image, "damaged").unwrap();
    let disk = site.backup_directory(&backup).join("disk.raw.zst");
    let mut stored = fs::read(&disk).unwrap();
    let middle = stored.len() / 2;
    stored[middle] ^= 1;
    fs::write(&disk, stored).unwrap();
    let (failure, touched) = site.fail(replacing(&volume, &backup)).await;
    assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
    assert!(!touched);
    assert_eq!(fs::read(&image).unwrap(), b"damaged");
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_an_image_that_qemu_marked_corrupt_is_rescued_to_a_new_volume() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    site.scribble(&volume, 7, 0, MIB);
    write(&site.image(&volume), 72, &2_u64.to_be_bytes());
    let target = site.volume(32 * MIB);
    let work = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
        target: target.clone(),
    };
    site.complete(work).await;
    assert_eq!(site.digest(&target), before);
    let delete = Work::DeleteSnapshot { volume, snapshot };
    let (failure, _) = site.fail(delete).await;
    assert!(
        failure.message.contains("QEMU has marked it corrupt"),
        "{failure}"
    );
}

/// A volume whose image has something that not all that is written may go past.
async fn special(site: &Site, kind: &str) -> Volume {
    let volume = site.volume(32 * MIB);
    let image = site.image(&volume);
    match kind {
        "bitmap" => {
            create(&image, &[], "32M");
            run(
                "qemu-img",
                ["bitmap", "--add", "-f", "qcow2", text(&image), "b"],
            );
        }
        _ => create(&image, &["-o", kind], "32M"),
    }
    site.scribble(&volume, 1, 100_000, 5 * MIB);
    site.scribble(&volume, 2, 20 * MIB + 512, 3 * 512);
    volume
}

#[tokio::test(flavor = "multi_thread")]
async fn divided_clusters_and_dirty_bitmaps_are_worked_with_as_qemu_does() {
    let site = Site::new();
    for kind in [
        "bitmap",
        "extended_l2=on,cluster_size=128k",
        "extended_l2=on",
    ] {
        let volume = special(&site, kind).await;
        let before = site.digest(&volume);
        let snapshot = site.take_snapshot(&volume).await;
        let backup = site.take_backup(&volume).await;
        site.scribble(&volume, 3, 0, 30 * MIB);
        let later = site.take_snapshot(&volume).await;

        let target = site.volume(32 * MIB);
        let work = Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
            target: target.clone(),
        };
        site.complete(work).await;
        assert_eq!(site.digest(&target), before, "{kind}");

        site.complete(in_place(&volume, &backup)).await;
        assert_eq!(site.digest(&volume), before, "{kind}");
        site.check_image(&volume);

        site.scribble(&volume, 4, MIB, MIB);
        let roll_back = Work::RestoreInPlace {
            volume: volume.clone(),
            source: RestoreSource::Snapshot(snapshot.clone()),
        };
        if kind == "bitmap" {
            let changed = site.digest(&volume);
            let (failure, touched) = site.fail(roll_back).await;
            assert!(
                failure.message.contains("qemu-img bitmap --remove"),
                "{failure}"
            );
            assert!(!touched && site.digest(&volume) == changed);
        } else {
            site.complete(roll_back).await;
            assert_eq!(site.digest(&volume), before, "{kind}");
        }
        for snapshot in [snapshot, later] {
            let volume = volume.clone();
            site.complete(Work::DeleteSnapshot { volume, snapshot })
                .await;
        }
        site.check_image(&volume);
        site.complete(Work::DeleteVolume { volume }).await;
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_past_a_bitmap_is_in_it() {
    let site = Site::new();
    let volume = special(&site, "bitmap").await;
    let image = site.image(&volume);
    let backup = site.take_backup(&volume).await;
    run(
        "qemu-img",
        ["bitmap", "--clear", "-f", "qcow2", text(&image), "b"],
    );
    site.complete(in_place(&volume, &backup)).await;
    let dirty = std::process::Command::new("qemu-img")
        .args(["map", "--output=json", "--image-opts"])
        .arg(format!(
            "driver=nbd,export=disk,x-dirty-bitmap=qemu:dirty-bitmap:b,server.type=unix,server.path={}",
            text(&serve_with_bitmap(&site, &image).await)
        ))
        .output()
        .unwrap();
    let regions: serde_json::Value = serde_json::from_slice(&dirty.stdout).unwrap();
    let changed = |place: u64| {
        regions.as_array().unwrap().iter().any(|region| {
            let (start, length) = (
                region["start"].as_u64().unwrap(),
                region["length"].as_u64().unwrap(),
            );
            // What is dirty is told as what holds no data.
            (start..start + length).contains(&place) && region["data"] == false
        })
    };
    assert!(changed(MIB) && changed(3 * MIB), "{regions}");
}

/// Serves an image with its bitmap until the test ends.
async fn serve_with_bitmap(site: &Site, image: &Path) -> std::path::PathBuf {
    let socket = site.path("run/bitmap");
    let mut server = tokio::process::Command::new("qemu-nbd");
    server.args([
        "--read-only",
        "--bitmap=b",
        "--export-name=disk",
        "-f",
        "qcow2",
    ]);
    server.arg(format!("--socket={}", text(&socket))).arg(image);
    let mut server = server.kill_on_drop(true).spawn().unwrap();
    within(async {
        while !socket.exists() {
            assert!(server.try_wait().unwrap().is_none());
            tokio::task::yield_now().await;
        }
    })
    .await;
    tokio::spawn(async move { server.wait().await });
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn divided_clusters_and_dirty_bitmaps_are_backed_up_under_a_running_instance() {
    let site = Site::new();
    for kind in ["bitmap", "extended_l2=on"] {
        let mut volume = special(&site, kind).await;
        let image = site.image(&volume);
        let Some(mut machine) = Machine::start(&image).await else {
            return;
        };
        machine.write(0, MIB, 5);
        volume.instance = Some(Instance {
            running: true,
            qmp_socket: Some(machine.qmp_socket().to_owned()),
        });
        let snapshot = site.take_snapshot(&volume).await;
        let backup = site.take_backup(&volume).await;
        machine.write(0, MIB, 6);
        let delete = Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot,
        };
        site.complete(delete).await;
        machine.assert_holds(0, MIB, 6);
        within(machine.quit()).await;
        site.complete(in_place(&volume, &backup)).await;
        site.check_image(&volume);
        run(
            "qemu-io",
            ["-f", "qcow2", "-c", "read -P 5 0 1M", text(&image)],
        );
        run(
            "qemu-io",
            ["-f", "qcow2", "-c", "read -P 1 2M 1M", text(&image)],
        );
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn reference_counts_that_would_overflow_are_said_to_be_the_reason() {
    let site = Site::new();
    let volume = special(&site, "refcount_bits=2").await;
    for _ in 0..2 {
        site.take_snapshot(&volume).await;
    }
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    let (failure, _) = site.fail(work).await;
    assert!(
        failure.message.contains("have 2 bits, and would overflow"),
        "{failure}"
    );
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_in_place_takes_no_space_for_zeros_nor_time() {
    let site = Site::new();
    let volume = site.volume(4 << 40);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    site.scribble(&volume, 1, 1 << 40, MIB);
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 2, 3 << 40, MIB);
    let image = site.image(&volume);
    let before = fs::metadata(&image).unwrap().blocks();
    site.complete(in_place(&volume, &backup)).await;
    let after = fs::metadata(&image).unwrap().blocks();
    assert!(
        after <= before + 2048,
        "it has grown from {before} to {after} blocks"
    );
    run(
        "qemu-io",
        ["-f", "qcow2", "-c", "read -P 0 3T 1M", text(&image)],
    );
    run(
        "qemu-io",
        ["-f", "qcow2", "-c", "read -P 1 1T 1M", text(&image)],
    );
    site.check_image(&volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_replaces_another_says_by_which_operation() {
    let site = Site::new();
    let volume = site.volume(MIB);
    let driver = Qcow2File::new(&site.path("pool"), volume.id, MIB, site.surroundings()).unwrap();
    let by = Uuid::now_v7();
    let new = driver.stage_replacement(by, 0).await.unwrap();
    new.target().finish(MIB).await.unwrap();
    new.close().await.unwrap();
    assert!(!driver.is_replacement(by).await.unwrap());
    driver.replace().await.unwrap();
    assert!(driver.is_replacement(by).await.unwrap());
    // QEMU keeps the mark when it writes the header anew.
    driver
        .create_snapshot(SnapshotName::Kept(by))
        .await
        .unwrap();
    assert!(driver.is_replacement(by).await.unwrap());
    assert!(!driver.is_replacement(Uuid::now_v7()).await.unwrap());
}
