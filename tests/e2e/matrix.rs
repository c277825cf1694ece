//! Every kind of volume against every kind of destination: each backup comes back bit by bit, in
//! place and as a new volume.

use std::path::Path;

use serde_json::json;
use testbed::Guest;

use crate::harness::{
    Content, Destinations, Machine, PlatformSize, Rules, SLOW, create_ceph_pool, create_plan, disk,
    rbd_image,
};

/// A backup, and the disk as it was when it was taken.
struct Taken {
    backup: String,
    content: Content,
}

/// A machine with an agent, and its three destinations.
async fn start() -> Option<(Machine, Destinations, [String; 3])> {
    let destinations = Destinations::start().await?;
    let machine = Machine::with_agent(Rules::default()).await;
    let storages = destinations.set_up(&machine).await;
    Some((machine, destinations, storages))
}

#[tokio::test]
async fn a_qcow2_volume_that_is_idle_comes_back_from_every_destination() {
    let Some((machine, destinations, storages)) = start().await else {
        return;
    };
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let image = machine.image(&volume);
    let mut taken = Vec::new();
    for storage in &storages {
        machine.back_up_to(storage).await;
        let path = machine.path("content").join(storage);
        let content = Content::file_system(path, PlatformSize::PLAN, storage).await;
        content.write_to(&image).await;
        let backup = owner.create_backup(&volume).await;
        owner.completed(&backup).await;
        let backup = backup.item;
        taken.push(Taken { backup, content });
    }
    for Taken { backup, content } in &taken {
        let source = json!({ "backupId": backup });
        let plan = &machine.platform.plan;
        let new = owner.restore_to_new_volume(source.clone(), plan).await;
        owner.completed(&new).await;
        content.assert_in(&machine.image(&new.item)).await;
        let restore = owner.restore_in_place(&volume, source).await;
        owner.completed(&restore).await;
        content.assert_in(&image).await;
        disk::assert_sound(&image).await;
    }
    nothing_stays(machine, &destinations, &taken).await;
}

#[tokio::test]
async fn a_qcow2_volume_that_a_guest_writes_to_comes_back_from_every_destination() {
    let Some((machine, destinations, storages)) = start().await else {
        return;
    };
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let image = machine.image(&volume);
    let Some(mut guest) = Guest::start(&image).await else {
        return;
    };
    let instance = machine.start_instance(&volume, guest.qmp_socket()).await;
    let mut taken = Vec::new();
    for storage in &storages {
        machine.back_up_to(storage).await;
        guest.writes(guest.written() + 20).await;
        // The guest's processor stands still while the snapshot is taken, so that there is something
        // to compare with; it goes on while the snapshot is exported.
        guest.execute("stop", &json!({}));
        let written = guest.written();
        let path = machine.path("content").join(storage);
        let content = Content::copy_of(&image, path).await;
        machine.pace(storage, Some(SLOW / 4)).await;
        let backup = owner.create_backup(&volume).await;
        owner.enters(&backup, "Exporting").await;
        guest.execute("cont", &json!({}));
        guest.writes(written + 2).await;
        let operation = owner.operation(&backup.operation).await;
        assert_eq!(operation["status"], "STARTED", "the guest was not in time");
        guest.writes(written + 20).await;
        owner.completed(&backup).await;
        machine.pace(storage, None).await;
        guest.writes_on().await;
        let backup = backup.item;
        taken.push((written, Taken { backup, content }));
    }
    guest.shut_down().await;
    machine.stop_instance(&instance).await;
    disk::assert_sound(&image).await;
    for (written, Taken { backup, content }) in &taken {
        let source = json!({ "backupId": backup });
        let plan = &machine.platform.plan;
        let new = owner.restore_to_new_volume(source.clone(), plan).await;
        owner.completed(&new).await;
        let new = machine.image(&new.item);
        content.assert_in(&new).await;
        let raw = Content::copy_of(&new, machine.path("content/new")).await;
        Guest::assert_file_system(raw.path(), *written);
        let restore = owner.restore_in_place(&volume, source).await;
        owner.completed(&restore).await;
        content.assert_in(&image).await;
    }
    // What was restored in place last, the guest mounts and writes to.
    let mut guest = Guest::start(&image).await.unwrap();
    guest.writes(20).await;
    guest.shut_down().await;
    let raw = Content::copy_of(&image, machine.path("content/again")).await;
    disk::check_file_system(raw.path()).await;
    let taken = taken
        .into_iter()
        .map(|(_, taken)| taken)
        .collect::<Vec<_>>();
    nothing_stays(machine, &destinations, &taken).await;
}

#[tokio::test]
async fn a_ceph_volume_comes_back_from_every_destination() {
    let Some((mut machine, destinations, storages)) = start().await else {
        return;
    };
    let ceph = &destinations.ceph;
    create_ceph_pool(&machine, ceph).await;
    machine.platform.plan = create_plan(&machine, PlatformSize::PLAN, "CEPH_RBD").await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let mut taken = Vec::new();
    for storage in &storages {
        machine.back_up_to(storage).await;
        let path = machine.path("content").join(storage);
        let content = Content::file_system(path, PlatformSize::PLAN, storage).await;
        content.write_to_rbd(&rbd_image(ceph, &volume)).await;
        let backup = owner.create_backup(&volume).await;
        owner.completed(&backup).await;
        let backup = backup.item;
        taken.push(Taken { backup, content });
    }
    for Taken { backup, content } in &taken {
        let source = json!({ "backupId": backup });
        let plan = &machine.platform.plan;
        let new = owner.restore_to_new_volume(source.clone(), plan).await;
        owner.completed(&new).await;
        assert!(
            content
                .is_in(Path::new(&rbd_image(ceph, &new.item)), "raw")
                .await
        );
        let restore = owner.restore_in_place(&volume, source).await;
        owner.completed(&restore).await;
        assert!(
            content
                .is_in(Path::new(&rbd_image(ceph, &volume)), "raw")
                .await
        );
    }
    let images = ceph.rbd(&["ls", ceph.pool()]);
    assert_eq!(images.lines().count(), 1 + storages.len(), "{images}");
    nothing_stays(machine, &destinations, &taken).await;
}

/// Deletes the backups: of each there were two objects, and nothing is left.
async fn nothing_stays(machine: Machine, destinations: &Destinations, taken: &[Taken]) {
    let owner = machine.request();
    let [bucket, export] = destinations.objects();
    for (objects, Taken { backup, .. }) in [&bucket, &export].into_iter().zip(taken) {
        let names = objects.iter().map(|name| name.rsplit_once('/').unwrap());
        let names = names.collect::<Vec<_>>();
        let ours = |directory: &str| directory.ends_with(backup);
        assert!(
            names.iter().all(|(directory, _)| ours(directory)),
            "{names:?}"
        );
        let names = names.iter().map(|(_, name)| *name).collect::<Vec<_>>();
        assert_eq!(names, ["disk.raw.zst", "manifest.json"]);
    }
    for Taken { backup, .. } in taken {
        let deletion = owner.delete("Backup", backup).await;
        owner.completed(&deletion).await;
    }
    assert_eq!(destinations.objects(), [Vec::<String>::new(), Vec::new()]);
    machine.end().await;
}
