//! Backups: there and back, with our code and without.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, sync::Arc};

use storage::{
    Local, Store,
    fault::{Fault, Faulty},
    format::{Digest, Manifest},
};
use tidemark_agent::{
    driver::Code,
    operation::{BackupItem, Outcome, RestoreSource, Volume, Work},
};

use crate::site::{MIB, Site, digest_of, has_no_files, run, text};

fn in_place(volume: &Volume, backup: &BackupItem) -> Work {
    let source = RestoreSource::Backup(Box::new(backup.clone()));
    Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_the_volume_back_bit_for_bit() {
    let site = Site::new();
    // No whole number of blocks.
    let volume = site.filled_volume(96 * MIB + 512 * 3).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 0xaa, 0, 96 * MIB + 512 * 3);

    for _ in 1..=2 {
        let outcome = site.perform(in_place(&volume, &backup)).await;
        let Outcome::Completed(completed) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(completed.retained.unwrap().len(), 1);
        assert_eq!(site.digest(&volume), before);
    }
    assert_eq!(
        site.snapshot_names(&volume),
        [format!("tidemark-{}", snapshot.id)]
    );
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_twice_is_one_backup() {
    let site = Site::new();
    let volume = site.filled_volume(48 * MIB).await;
    let backup = site.backup_of(&volume);
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    let mut checksums = Vec::new();
    for _ in 1..=2 {
        let outcome = site.perform(work.clone()).await;
        let Outcome::Completed(completed) = outcome else {
            panic!("{outcome:?}")
        };
        let object = site.backup_directory(&backup).join("disk.raw.zst");
        assert_eq!(
            completed.stored_bytes.unwrap(),
            object.metadata().unwrap().len()
        );
        assert_eq!(
            completed.checksum.as_ref().unwrap(),
            &format!("blake3:{}", digest_of(&object))
        );
        checksums.push(completed.checksum);
        assert_eq!(
            fs::read_dir(site.backup_directory(&backup))
                .unwrap()
                .count(),
            2
        );
    }
    assert_eq!(checksums[0], checksums[1]);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_readable_with_the_zstd_tool_alone() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let object = site.backup_directory(&backup).join("disk.raw.zst");
    let raw = site.path("scratch/by-zstd");
    run(
        "zstd",
        ["-d", "-q", "--sparse", text(&object), "-o", text(&raw)],
    );
    assert_eq!(raw.metadata().unwrap().len(), volume.size_bytes);
    assert_eq!(digest_of(&raw), site.digest(&volume));
    let check = Command::new("/usr/sbin/e2fsck")
        .args(["-fn", text(&raw)])
        .output()
        .unwrap();
    assert!(check.status.success(), "the file system in it is whole");

    let manifest = fs::read(site.backup_directory(&backup).join("manifest.json")).unwrap();
    let manifest = Manifest::parse(&manifest).unwrap();
    assert_eq!(manifest.volume_id, volume.id);
    assert_eq!(manifest.object_blake3, digest_of(&object).into());
    // Where it comes from, so that a catalogue can be made of manifests alone.
    let (origin, owner) = (manifest.origin.unwrap(), &backup.owner);
    assert_eq!(origin.installation_id, owner.installation_id);
    assert_eq!(
        (origin.account_id, origin.account_name.as_str()),
        (owner.account.id, "account")
    );
    let (pool, group) = (&volume.belongs.pool, &volume.belongs.group);
    assert_eq!(
        (origin.pool_id, origin.pool_name.as_str()),
        (pool.id, "pool")
    );
    assert_eq!(
        (origin.group_id, origin.group_name.as_str()),
        (group.id, "group")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_becomes_a_new_and_larger_volume() {
    let site = Site::new();
    let volume = site.filled_volume(64 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    site.complete(Work::DeleteVolume {
        volume: volume.clone(),
    })
    .await;

    let target = site.volume(129 * MIB);
    let work = Work::RestoreBackup {
        backup,
        target: target.clone(),
    };
    for _ in 1..=2 {
        let outcome = site.perform(work.clone()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(site.digest_of_beginning(&target, 64 * MIB), before);
    }
    let allocated = site.image(&target).metadata().unwrap().len();
    assert!(allocated < 40 * MIB, "holes take space: {allocated}");
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_volume_makes_a_tiny_backup() {
    let site = Site::new();
    let volume = site.volume(100 << 30);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    let backup = site.backup_of(&volume);
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    let completed = site.complete(work).await;
    assert!(completed.stored_bytes.unwrap() < 4 << 20);
    site.complete(in_place(&volume, &backup)).await;
    let target = site.volume(101 << 30);
    site.complete(Work::RestoreBackup { backup, target }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_deleted_even_if_it_is_gone_already() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let kept = site.take_backup(&volume).await;
    let backup = site.take_backup(&volume).await;
    for _ in 1..=2 {
        let work = Work::DeleteBackup {
            backup: backup.clone(),
        };
        assert!(matches!(site.perform(work).await, Outcome::Completed(_)));
        assert!(!site.backup_directory(&backup).exists());
    }
    assert!(site.backup_directory(&kept).join("manifest.json").is_file());
    site.complete(Work::DeleteBackup { backup: kept }).await;
    assert!(has_no_files(&site.path("backups")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_before_the_volume_is_touched() {
    let site = Site::new();
    let volume = site.filled_volume(48 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let object = site.backup_directory(&backup).join("disk.raw.zst");
    let whole = fs::read(&object).unwrap();
    let before = site.digest(&volume);
    // In a frame of data, in the seek table's entries, and in its last byte.
    for position in [100_000, whole.len() - 30, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[position] ^= 0x10;
        fs::write(&object, flipped).unwrap();
        let (failure, volume_touched) = site.fail(in_place(&volume, &backup)).await;
        assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
        let place = if position == 100_000 {
            "in frame "
        } else {
            "the seek table"
        };
        assert!(failure.message.contains(place), "{failure}");
        assert!(!volume_touched);
        assert_eq!(site.digest(&volume), before);

        let target = site.volume(48 * MIB);
        let work = Work::RestoreBackup {
            backup: backup.clone(),
            target: target.clone(),
        };
        let (failure, _) = site.fail(work).await;
        assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
        assert!(
            !site.image(&target).exists(),
            "half a volume must not appear"
        );
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_dies_at_any_request_of_a_restore_costs_nothing_that_is_not_told() {
    let mut site = Site::new();
    let volume = site.filled_volume(48 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    let local: Arc<dyn Store> = Arc::new(Local::new(site.path("backups")));
    let (mut told, mut requests) = ([0, 0], 0);
    loop {
        let fault = Fault::DiesAfterRequests(requests);
        site.use_store(Arc::new(Faulty::new(Arc::clone(&local), fault)));
        site.scribble(&volume, 7, 0, volume.size_bytes);
        let scribbled = site.digest(&volume);
        match site.perform(in_place(&volume, &backup)).await {
            Outcome::Completed(_) => break,
            Outcome::Failed {
                failure,
                volume_touched,
                ..
            } => {
                assert_eq!(failure.code, Code::BackupStorageUnreachable, "{failure}");
                assert!(volume_touched || site.digest(&volume) == scribbled);
                told[usize::from(volume_touched)] += 1;
            }
            stopped @ Outcome::Stopped { .. } => panic!("{stopped:?}"),
        }
        requests += 1;
    }
    assert!(told.iter().all(|times| *times >= 2), "{told:?}");
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_damaged_before_it_was_hashed_is_found_before_the_volume_is_touched() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let before = site.digest(&volume);
    let object = site.backup_directory(&backup).join("disk.raw.zst");
    let manifest = site.backup_directory(&backup).join("manifest.json");
    let mut bytes = fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut words = Manifest::parse(&fs::read(&manifest).unwrap()).unwrap();
    words.object_blake3 = Digest::from(blake3::hash(&bytes));
    fs::write(&object, &bytes).unwrap();
    fs::write(&manifest, words.encode().unwrap()).unwrap();

    let (failure, volume_touched) = site.fail(in_place(&volume, &backup)).await;
    assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
    assert!(failure.message.contains("in frame "), "{failure}");
    assert!(!volume_touched);
    assert_eq!(site.digest(&volume), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_whole_is_corrupt() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let object = site.backup_directory(&backup).join("disk.raw.zst");
    let manifest = site.backup_directory(&backup).join("manifest.json");
    let (whole, words) = (fs::read(&object).unwrap(), fs::read(&manifest).unwrap());

    fs::write(&object, &whole[..whole.len() - 1000]).unwrap();
    let (failure, _) = site.fail(in_place(&volume, &backup)).await;
    assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
    fs::write(&object, &whole).unwrap();

    fs::write(&manifest, &words[..words.len() - 10]).unwrap();
    let (failure, _) = site.fail(in_place(&volume, &backup)).await;
    assert!(failure.message.contains("the manifest"), "{failure}");

    for missing in [&object, &manifest] {
        fs::write(&object, &whole).unwrap();
        fs::write(&manifest, &words).unwrap();
        fs::remove_file(missing).unwrap();
        let (failure, volume_touched) = site.fail(in_place(&volume, &backup)).await;
        assert_eq!(failure.code, Code::BackupCorrupt, "{failure}");
        assert!(failure.message.contains("is missing"), "{failure}");
        assert!(!volume_touched);
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_itself_says_where_a_backup_may_be_restored() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let small = site.volume(16 * MIB);
    let work = Work::RestoreBackup {
        backup: backup.clone(),
        target: small,
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::TargetTooSmall);

    let path = site.backup_directory(&backup).join("manifest.json");
    let mut manifest = Manifest::parse(&fs::read(&path).unwrap()).unwrap();
    manifest.storage_type = storage::format::manifest::StorageType::CephRbd;
    fs::write(&path, manifest.encode().unwrap()).unwrap();
    let (failure, _) = site.fail(in_place(&volume, &backup)).await;
    assert_eq!(failure.code, Code::StorageTypeMismatch);
    assert!(
        failure.message.starts_with("Backup created on Ceph"),
        "{failure}"
    );

    manifest.format_version = 3;
    fs::write(&path, manifest.encode().unwrap()).unwrap();
    let (failure, _) = site.fail(in_place(&volume, &backup)).await;
    assert_eq!(failure.code, Code::AgentOutdated, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_backup_left_is_removed_by_the_next_work_on_the_volume() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let image = site.image(&volume);
    let temporary = format!("tidemark-tmp-{}", uuid::Uuid::now_v7());
    run("qemu-img", ["snapshot", "-c", &temporary, text(&image)]);
    let partial = format!(".{}.partial", volume.id);
    fs::write(site.path("pool").join(partial), "half").unwrap();
    let backup = site.backup_of(&volume);
    let half = site.backup_directory(&backup);
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join(".disk.raw.zst.0123"), "half").unwrap();

    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    };
    let outcome = site.perform(work).await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    site.assert_clean();
    site.complete(in_place(&volume, &backup)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_without_direct_access_is_used_through_the_page_cache() {
    let mut site = Site::new();
    // It says what qemu-nbd says on such a file system, and serves otherwise.
    let picky = site.path("scratch/qemu-nbd");
    let real = site.host.tools.qemu_nbd.clone();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--cache=none*)\n\
         echo 'filesystem does not support O_DIRECT' >&2; exit 1;; esac\nexec {} \"$@\"\n",
        text(&real)
    );
    fs::write(&picky, script).unwrap();
    fs::set_permissions(&picky, fs::Permissions::from_mode(0o755)).unwrap();
    site.host.tools.qemu_nbd = picky;
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 0xaa, 0, 32 * MIB);
    site.complete(in_place(&volume, &backup)).await;
    assert_eq!(site.digest(&volume), before);
    site.assert_clean();
}
