//! What is wrong with a volume or a destination ends an operation with a code and a sentence for
//! the customer, the tool's own words for the administrator, and nothing changed.

use std::{ffi::OsStr, fs, path::Path, process::Stdio};

use nix::mount::{MntFlags, umount2};
use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::UnixStream, process::Command};

use crate::harness::{Accepted, Content, Machine, PlatformSize, Rules, disk, run, until};

/// A machine with an agent and a volume of noise.
async fn machine_with_volume() -> (Machine, String, Content) {
    let machine = Machine::with_agent(Rules::default()).await;
    let volume = machine.request().volume("web").await;
    let size = PlatformSize::PLAN;
    let content = Content::noise(machine.path("content/first"), size, size / 2, "first");
    content.write_to(&machine.image(&volume)).await;
    (machine, volume, content)
}

/// What the customer may not read: paths, hosts, tools' words. What the administrator has to.
async fn assert_told_apart(machine: &Machine, accepted: &Accepted, secret: &str) {
    let own = machine.request().log(accepted).await;
    let operation = machine.request().operation(&accepted.operation).await;
    for text in [
        own.as_str(),
        operation["error"]["message"].as_str().unwrap(),
    ] {
        assert!(!text.contains(secret), "{text}");
        assert!(!text.contains("/tmp"), "{text}");
        assert!(!text.contains("qemu-"), "{text}");
    }
    let whole = machine.request_as_admin().log(accepted).await;
    assert!(whole.contains(secret), "{whole}");
}

async fn data_state(machine: &Machine, volume: &str) -> String {
    let state = machine
        .request()
        .node(volume, "Volume", "dataState activeOperation { id }")
        .await;
    assert!(state["activeOperation"].is_null());
    state["dataState"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_image_that_is_missing_or_is_none_is_refused_and_left_alone() {
    let (machine, volume, content) = machine_with_volume().await;
    let owner = machine.request();
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let (image, aside) = (machine.image(&volume), machine.path("content/aside"));
    fs::copy(&image, &aside).unwrap();
    let spoil: [(&str, &dyn Fn()); _] = [
        ("missing", &|| fs::remove_file(&image).unwrap()),
        ("empty", &|| fs::write(&image, b"").unwrap()),
        ("cut off", &|| {
            let file = fs::File::options().write(true).open(&image).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("raw", &|| {
            fs::copy(content.path(), &image).unwrap();
        }),
        ("text", &|| {
            fs::write(&image, "this is no disk\n".repeat(9000)).unwrap();
        }),
    ];
    for (what, spoil) in spoil {
        fs::copy(&aside, &image).unwrap();
        spoil();
        let before = fs::read(&image).ok();
        let attempt = owner.create_snapshot(&volume).await;
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "IMAGE_DAMAGED", "{what}: {message}");
        assert!(
            message.starts_with("The volume cannot be worked on: "),
            "{what}: {message}"
        );
        let attempt = owner.create_backup(&volume).await;
        assert_eq!(owner.failed(&attempt).await.0, "IMAGE_DAMAGED", "{what}");
        let source = json!({ "snapshotId": snapshot.item });
        let attempt = owner.restore_in_place(&volume, source).await;
        assert_eq!(owner.failed(&attempt).await.0, "IMAGE_DAMAGED", "{what}");
        assert_eq!(data_state(&machine, &volume).await, "CONSISTENT", "{what}");
        assert_eq!(
            fs::read(&image).ok(),
            before,
            "{what}: the file was changed"
        );
    }
    fs::copy(&aside, &image).unwrap();
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn a_volume_that_another_process_holds_is_in_use() {
    let (machine, volume, content) = machine_with_volume().await;
    let owner = machine.request();
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let socket = machine.path("stranger.sock");
    let mut stranger = Command::new("qemu-nbd");
    stranger
        .arg("--persistent")
        .arg(format!("--socket={}", socket.display()));
    stranger
        .args(["--format", "qcow2"])
        .arg(machine.image(&volume));
    let stranger = stranger.stdin(Stdio::null()).kill_on_drop(true).spawn();
    let mut stranger = stranger.unwrap();
    // It listens before it opens the image, and greets after.
    until("the stranger holds the image", async || {
        let mut client = UnixStream::connect(&socket).await.ok()?;
        client.read_u64().await.ok()
    })
    .await;

    for place in 0..4 {
        let attempt = match place {
            0 => owner.create_snapshot(&volume).await,
            1 => owner.create_backup(&volume).await,
            2 => {
                let source = json!({ "snapshotId": snapshot.item });
                owner.restore_in_place(&volume, source).await
            }
            _ => {
                let source = json!({ "backupId": backup.item });
                owner.restore_in_place(&volume, source).await
            }
        };
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "STORAGE_FAILED");
        assert!(
            message.starts_with("The volume is in use on its hypervisor"),
            "{message}"
        );
        let holder = format!("qemu-nbd (pid {})", stranger.id().unwrap());
        assert_told_apart(&machine, &attempt, &holder).await;
        assert_eq!(data_state(&machine, &volume).await, "CONSISTENT");
    }
    // A refusal is no loss.
    let status = async || {
        let snapshot = owner.node(&snapshot.item, "Snapshot", "status failure");
        snapshot.await
    };
    let deletion = owner.delete("Snapshot", &snapshot.item).await;
    let (code, message) = owner.failed(&deletion).await;
    assert_eq!(code, "DELETE_REFUSED");
    assert!(message.ends_with("Nothing was deleted."), "{message}");
    assert_eq!(
        status().await,
        json!({ "status": "AVAILABLE", "failure": null })
    );
    stranger.kill().await.unwrap();
    content.assert_in(&machine.image(&volume)).await;
    let deletion = owner.delete("Snapshot", &snapshot.item).await;
    owner.completed(&deletion).await;
    assert_eq!(status().await, serde_json::Value::Null);
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn a_backup_that_is_not_what_was_written_costs_nobody_a_volume() {
    let (machine, volume, _) = machine_with_volume().await;
    let owner = machine.request();
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let directory = machine.backup(&volume, &backup.item);
    let (object, manifest) = (
        directory.join("disk.raw.zst"),
        directory.join("manifest.json"),
    );
    let whole = [fs::read(&object).unwrap(), fs::read(&manifest).unwrap()];
    let size = PlatformSize::PLAN;
    let second = Content::noise(machine.path("content/second"), size, size / 4, "second");
    second.write_to(&machine.image(&volume)).await;
    let cut = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    let spoil: [(&str, &dyn Fn()); _] = [
        ("a bit", &|| disk::flip_a_bit(&object)),
        ("half the object", &|| cut(&object)),
        ("the object", &|| fs::remove_file(&object).unwrap()),
        ("a bit of the manifest", &|| disk::flip_a_bit(&manifest)),
        ("half the manifest", &|| cut(&manifest)),
        ("the manifest", &|| fs::remove_file(&manifest).unwrap()),
        ("everything", &|| fs::remove_dir_all(&directory).unwrap()),
    ];
    let source = json!({ "backupId": backup.item });
    for (what, spoil) in spoil {
        spoil();
        let attempt = owner.restore_in_place(&volume, source.clone()).await;
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "BACKUP_CORRUPT", "{what}: {message}");
        assert!(
            message.to_lowercase().contains("backup"),
            "{what}: {message}"
        );
        assert!(!message.contains("/tmp"), "{what}: {message}");
        assert_eq!(data_state(&machine, &volume).await, "CONSISTENT", "{what}");
        second.assert_in(&machine.image(&volume)).await;

        let plan = &machine.platform.plan;
        let attempt = owner.restore_to_new_volume(source.clone(), plan).await;
        let (code, message) = owner.failed(&attempt).await;
        assert_eq!(code, "BACKUP_CORRUPT", "{what}: {message}");
        let deletion = owner.delete("Volume", &attempt.item).await;
        owner.completed(&deletion).await;
        let fields = "status verification { ok message }";
        let told = owner.node(&backup.item, "Backup", fields).await;
        let verified = json!({ "ok": false, "message": message });
        assert_eq!(
            told,
            json!({ "status": "AVAILABLE", "verification": verified })
        );

        fs::create_dir_all(&directory).unwrap();
        fs::write(&object, &whole[0]).unwrap();
        fs::write(&manifest, &whole[1]).unwrap();
    }
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn a_backup_storage_that_is_not_mounted_is_not_taken_for_an_empty_one() {
    let (machine, volume, content) = machine_with_volume().await;
    let owner = machine.request();
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let (here, away) = (machine.path("backups"), machine.path("away"));
    fs::rename(&here, &away).unwrap();
    let source = json!({ "backupId": backup.item });
    let attempts = [
        owner.create_backup(&volume).await,
        owner
            .restore_to_new_volume(source, &machine.platform.plan)
            .await,
    ];
    for attempt in &attempts {
        let (code, message) = owner.failed(attempt).await;
        assert_eq!(code, "BACKUP_STORAGE_UNREACHABLE");
        assert_eq!(message, "The backup storage cannot be reached.");
        assert_told_apart(&machine, attempt, "does not exist").await;
    }
    assert!(!here.exists(), "the agent made the directory");
    fs::rename(&away, &here).unwrap();
    content.assert_in(&machine.image(&volume)).await;
    for (noun, failed) in [("Backup", &attempts[0]), ("Volume", &attempts[1])] {
        let deletion = owner.delete(noun, &failed.item).await;
        owner.completed(&deletion).await;
    }
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn a_full_backup_storage_keeps_nothing_of_the_backup_that_filled_it() {
    let (machine, volume, content) = machine_with_volume().await;
    let backups = machine.path("backups");
    // More than is kept free for manifests, and less than the volume's noise takes.
    let Some(mount) = Mount::of_mib(24, &backups).await else {
        return;
    };
    let owner = machine.request();
    let attempt = owner.create_backup(&volume).await;
    let (code, message) = owner.failed(&attempt).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("BACKUP_STORAGE_FULL", "The backup storage is full.",)
    );
    assert_told_apart(&machine, &attempt, "no space left while writing").await;
    machine.assert_nothing_is_left_behind().await;
    content.assert_in(&machine.image(&volume)).await;
    let deletion = owner.delete("Backup", &attempt.item).await;
    owner.completed(&deletion).await;
    mount.end().await;
    machine.end().await;
}

#[tokio::test]
async fn a_full_pool_keeps_nothing_of_the_volume_that_filled_it() {
    let (machine, volume, _) = machine_with_volume().await;
    let owner = machine.request();
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let (pool, aside) = (machine.path("pool"), machine.path("aside"));
    fs::rename(&pool, &aside).unwrap();
    fs::create_dir(&pool).unwrap();
    let Some(mount) = Mount::of_mib(8, &pool).await else {
        return;
    };
    // The same pool, on a disk that is too small.
    let marker = ".tidemark/owner.json";
    fs::create_dir(pool.join(".tidemark")).unwrap();
    fs::copy(aside.join(marker), pool.join(marker)).unwrap();
    let source = json!({ "backupId": backup.item });
    let attempt = owner
        .restore_to_new_volume(source, &machine.platform.plan)
        .await;
    let (code, message) = owner.failed(&attempt).await;
    assert_eq!(code, "STORAGE_FAILED");
    assert_eq!(
        message,
        "The storage pool is full: no space left for the volume."
    );
    let images = fs::read_dir(&pool).unwrap();
    assert_eq!(images.count(), 1, "the marker's directory alone");
    let deletion = owner.delete("Volume", &attempt.item).await;
    owner.completed(&deletion).await;
    mount.end().await;
    fs::remove_dir(&pool).unwrap();
    fs::rename(&aside, &pool).unwrap();
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

/// A small file system in memory.
struct Mount(std::path::PathBuf);

impl Mount {
    /// Mounts one, if this test may.
    async fn of_mib(mebibytes: u32, place: &Path) -> Option<Self> {
        let size = format!("size={mebibytes}m");
        let arguments: [&OsStr; _] = [
            "-t".as_ref(),
            "tmpfs".as_ref(),
            "-o".as_ref(),
            size.as_ref(),
            "tidemark-test".as_ref(),
            place.as_ref(),
        ];
        let mounted = run("mount", &arguments).await;
        if mounted.status.success() {
            return Some(Self(place.to_owned()));
        }
        let reason = String::from_utf8_lossy(&mounted.stderr);
        testbed::skip(&format!("a full disk takes root: {reason}"));
        None
    }

    async fn end(self) {
        run("umount", &[self.0.as_ref()]).await;
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Detached, it goes with the last file that is open there, however the test ends.
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}
