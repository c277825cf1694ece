//! Images that cannot be worked on, and items that do not fit: idle, and under a running instance.

use std::{fs, os::unix::fs::FileExt as _, path::Path};

use testbed::Machine;
use tidemark_agent::{
    driver::Code,
    operation::{Instance, Outcome, RestoreSource, SnapshotItem, Volume, Work},
    qcow2::Image,
};
use uuid::Uuid;

use crate::site::{MIB, Site, digest_of, run, text, within};

/// Writes over bytes of an image.
pub fn overwrite(image: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(image).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

/// A number in an image.
pub fn field(image: &Path, offset: u64) -> u64 {
    let mut bytes = [0; 8];
    fs::File::open(image)
        .unwrap()
        .read_exact_at(&mut bytes, offset)
        .unwrap();
    u64::from_be_bytes(bytes)
}

/// What happens to an image that was in order.
type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 7] = [
    ("marked corrupt", |image| {
        overwrite(image, 72, &2_u64.to_be_bytes());
    }),
    ("an L2 table beyond the end", |image| {
        let beyond = (1 << 63) | (1_u64 << 40);
        overwrite(image, field(image, 40), &beyond.to_be_bytes());
    }),
    ("a cluster beyond the end", |image| {
        let l2 = field(image, field(image, 40)) & 0x00ff_ffff_ffff_fe00;
        let beyond = (1 << 63) | (1_u64 << 40);
        overwrite(image, l2, &beyond.to_be_bytes());
    }),
    ("an L1 table beyond the end", |image| {
        overwrite(image, 40, &(1_u64 << 40).to_be_bytes());
    }),
    ("a cluster size that cannot be", |image| {
        overwrite(image, 20, &40_u32.to_be_bytes());
    }),
    ("another file's beginning", |image| {
        overwrite(image, 0, &[0x7f; 512]);
    }),
    ("an unknown feature", |image| {
        overwrite(image, 72, &(1_u64 << 20).to_be_bytes());
    }),
];

/// All that reads or writes what a volume holds.
fn works(site: &Site, volume: &Volume, snapshot: &SnapshotItem) -> Vec<Work> {
    vec![
        snapshot_of(volume),
        Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(volume),
        },
    ]
    .into_iter()
    .chain([Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Snapshot(snapshot.clone()),
    }])
    .collect()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_image_is_refused_and_made_no_worse() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let image = site.image(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let before = site.digest(&volume);
    let sound = fs::read(&image).unwrap();
    for (what, damage) in DAMAGES {
        damage(&image);
        let damaged = digest_of(&image);
        for work in works(&site, &volume, &snapshot) {
            // The snapshot is as sound as ever where only the disk's own tables are not.
            let reads_disk = !matches!(work, Work::RestoreInPlace { .. });
            if !reads_disk && what.contains("beyond") {
                continue;
            }
            let (failure, volume_touched) = site.fail(work.clone()).await;
            let expected = if what.contains("unknown") {
                Code::StorageFailed
            } else {
                Code::ImageDamaged
            };
            assert_eq!(failure.code, expected, "{what}: {failure}");
            assert!(
                failure.message.contains("cannot be worked on"),
                "{what}: {failure}"
            );
            assert!(!failure.message.contains('/'), "{failure}");
            assert!(!volume_touched, "{what}");
            assert_eq!(digest_of(&image), damaged, "{what}: {work:?}");
        }
        site.assert_clean();
        fs::write(&image, &sound).unwrap();
    }
    for source in [
        RestoreSource::Snapshot(snapshot),
        RestoreSource::Backup(Box::new(backup)),
    ] {
        let volume = volume.clone();
        site.complete(Work::RestoreInPlace { volume, source }).await;
    }
    assert_eq!(site.digest(&volume), before);
    DAMAGES[5].1(&image);
    site.complete(Work::DeleteVolume { volume }).await;
    assert!(!image.exists(), "what is no image any more can be deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_outlives_damage_to_the_disk_s_own_tables() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    DAMAGES[1].1(&site.image(&volume));
    let target = site.volume(32 * MIB);
    let work = Work::RestoreSnapshot {
        volume,
        snapshot,
        target: target.clone(),
    };
    site.complete(work).await;
    assert_eq!(site.digest(&target), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_larger_than_its_target_is_refused_and_nothing_is_made() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    let target = site.volume(32 * MIB);
    let shrunk = Volume {
        size_bytes: 32 * MIB,
        ..volume.clone()
    };
    let before = site.digest(&volume);
    let in_place = |source| Work::RestoreInPlace {
        volume: shrunk.clone(),
        source,
    };
    for work in [
        Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
            target: target.clone(),
        },
        Work::RestoreBackup {
            backup: backup.clone(),
            target: target.clone(),
        },
        in_place(RestoreSource::Snapshot(snapshot)),
        in_place(RestoreSource::Backup(Box::new(backup))),
    ] {
        let (failure, volume_touched) = site.fail(work).await;
        assert_eq!(failure.code, Code::TargetTooSmall, "{failure}");
        assert!(!volume_touched);
    }
    assert!(!site.image(&target).exists());
    assert_eq!(site.digest(&volume), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_is_not_asked_about_an_image_that_is_not_supported() {
    let site = Site::new();
    let base = site.path("scratch/base");
    let create = |arguments: &[&str], image: &Path| {
        let mut command = vec!["create", "-q", "-f", "qcow2"];
        command.extend(arguments);
        command.extend([text(image), "32M"]);
        run("qemu-img", command);
    };
    create(&[], &base);
    let data = format!("data_file={}", text(&site.path("scratch/data")));
    let kinds: [(&[&str], &str); 3] = [
        (&["-F", "qcow2", "-b", text(&base)], "has a backing file"),
        (&["-o", &data], "keeps its data in a second file"),
        (
            &["-o", "refcount_bits=1"],
            "has reference counts of one bit",
        ),
    ];
    for (arguments, words) in kinds {
        let mut volume = site.volume(32 * MIB);
        let image = site.image(&volume);
        create(arguments, &image);
        let Some(mut machine) = Machine::start(&image).await else {
            return;
        };
        machine.write(0, MIB, 1);
        volume.instance = Some(Instance {
            running: true,
            qmp_socket: Some(machine.qmp_socket().to_owned()),
        });
        let backup = Work::CreateBackup {
            volume: volume.clone(),
            backup: site.backup_of(&volume),
        };
        for work in [snapshot_of(&volume), backup] {
            let outcome = site.perform(work).await;
            let Outcome::Failed { failure, .. } = outcome else {
                panic!("{words}: {outcome:?}");
            };
            assert_eq!(failure.code, Code::StorageFailed);
            assert!(failure.message.contains(words), "{failure}");
        }
        machine.write(MIB, MIB, 2);
        machine.assert_holds(0, MIB, 1);
        within(machine.quit()).await;
        site.assert_clean();
    }
}

#[test]
fn an_image_of_which_an_extension_does_not_end_in_its_cluster_is_opened_by_neither() {
    const FIRST_EXTENSION: u64 = 112;
    for (kind, bytes, is_right) in [
        (0_u32, 0_u32, true),
        (0, (64 << 10) - 120, true),
        (0, (64 << 10) - 119, false),
        (0, 0x0021_0000, false),
        (0x6803_f857, 0x0021_0000, false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("image");
        run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2", text(&image), "64M"],
        );
        let extension = u64::from(kind) << 32 | u64::from(bytes);
        overwrite(&image, FIRST_EXTENSION, &extension.to_be_bytes());
        let info = std::process::Command::new("qemu-img")
            .args(["info", "-f", "qcow2", text(&image)])
            .output()
            .unwrap();
        let case = format!("{kind:#x} of {bytes} bytes");
        assert_eq!(info.status.success(), is_right, "{case}");
        assert_eq!(Image::open(&image).is_ok(), is_right, "{case}");
    }
}
