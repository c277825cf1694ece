//! What is done under a running instance, and what is not.

use testbed::Machine;
use tidemark_agent::{
    driver::Code,
    operation::{RestoreSource, Work},
};

use super::running::{
    BLOCK, Guest, Running, WRITTEN, assert_one_instant, attach, in_place, snapshot_of,
    snapshots_in_qemu,
};
use crate::site::{MIB, Site, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_writing_guest_is_of_one_instant() {
    let site = Site::new();
    let Some((guest, volume)) = Guest::start(&site).await else {
        return;
    };
    for _ in 0..5 {
        let before = guest.written();
        let backup = site.take_backup(&volume).await;
        let after = guest.written();
        guest.go_on(1).await;
        let target = site.volume(volume.size_bytes);
        let work = Work::RestoreBackup {
            backup,
            target: target.clone(),
        };
        site.complete(work).await;
        assert_one_instant(&site, &target, before..after);
    }
    let mut machine = guest.end();
    assert_eq!(snapshots_in_qemu(&mut machine), [""; 0]);
    within(machine.quit()).await;
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn how_qemu_has_the_image_open_does_not_matter() {
    for (cache, lazy) in [(true, false), (false, true)] {
        let site = Site::new();
        let Some((guest, volume)) = Guest::start_with(&site, cache, lazy).await else {
            return;
        };
        let before = guest.written();
        let snapshot = site.take_snapshot(&volume).await;
        let taken = guest.written();
        let (_, work) = snapshot_of(&volume);
        guest.go_on(400).await;
        let earlier = guest.written();
        let kept = site.complete(work).await.retained.unwrap();
        let since = (guest.written() + 1 - earlier) * BLOCK;
        assert_eq!(
            kept[0].retained_bytes, WRITTEN,
            "all of it was written anew"
        );
        assert!(kept[1].retained_bytes <= since, "{kept:?}, {since}");
        let backup = site.take_backup(&volume).await;
        let backed_up = guest.written();
        let [copy, restored] = [0, 1].map(|_| site.volume(volume.size_bytes));
        site.complete(Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot,
            target: copy.clone(),
        })
        .await;
        site.complete(Work::RestoreBackup {
            backup,
            target: restored.clone(),
        })
        .await;
        assert_one_instant(&site, &copy, before..taken);
        assert_one_instant(&site, &restored, taken + 400..backed_up);
        within(guest.end().quit()).await;
        site.check_image(&volume);
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_s_volume_is_neither_overwritten_nor_deleted() {
    let Some(mut running) = Running::start(64 * MIB).await else {
        return;
    };
    let (site, volume) = (&running.site, &running.volume);
    let snapshot = site.take_snapshot(volume).await;
    let backup = site.take_backup(volume).await;
    running.machine.write(0, 8 * MIB, 0x77);
    let restores = [
        in_place(volume, RestoreSource::Snapshot(snapshot.clone())),
        in_place(volume, RestoreSource::Backup(Box::new(backup.clone()))),
    ];
    for work in restores {
        let (failure, volume_touched) = site.fail(work).await;
        assert_eq!(failure.code, Code::VolumeAttached);
        assert_eq!(
            failure.message,
            "Cannot restore in-place while attached to a running instance. Stop the instance or \
             detach the volume first."
        );
        assert!(!volume_touched);
    }
    let work = Work::DeleteVolume {
        volume: volume.clone(),
    };
    let (failure, _) = site.fail(work).await;
    assert_eq!(failure.code, Code::VolumeAttached);
    running.machine.assert_holds(0, 8 * MIB, 0x77);

    // Once it is shut down, its socket is dead and all of it can be done.
    let (site, volume) = running.end().await;
    let after = site.digest(&volume);
    let latest = site.take_snapshot(&volume).await;
    for source in [
        RestoreSource::Snapshot(snapshot),
        RestoreSource::Backup(Box::new(backup)),
    ] {
        site.complete(in_place(&volume, source)).await;
        assert_ne!(site.digest(&volume), after);
    }
    let source = RestoreSource::Snapshot(latest);
    site.complete(in_place(&volume, source)).await;
    assert_eq!(site.digest(&volume), after);
    site.complete(Work::DeleteVolume { volume }).await;
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_the_running_instance_does_not_have_is_worked_on_by_itself() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let site = &running.site;
    let mut other = site.filled_volume(32 * MIB).await;
    attach(&mut other, running.machine.qmp_socket().to_owned());
    let before = site.digest(&other);
    let snapshot = site.take_snapshot(&other).await;
    site.scribble(&other, 0x55, 0, 20 * MIB);
    let source = RestoreSource::Snapshot(snapshot);
    site.complete(in_place(&other, source)).await;
    assert_eq!(site.digest(&other), before);
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_without_a_socket_keeps_its_volume_to_itself() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    running.volume.instance.as_mut().unwrap().qmp_socket = None;
    let (_, work) = running.snapshot();
    let (failure, _) = running.site.fail(work).await;
    assert_eq!(failure.code, Code::StorageFailed);
    assert!(failure.message.contains("in use"), "{failure}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_one_instance_take_turns_at_its_socket() {
    let Some(running) = Running::start(32 * MIB).await else {
        return;
    };
    let site = &running.site;
    let mut volumes = vec![running.volume.clone()];
    for _ in 0..5 {
        let mut volume = site.volume(32 * MIB);
        site.complete(Work::CreateVolume {
            volume: volume.clone(),
        })
        .await;
        attach(&mut volume, running.machine.qmp_socket().to_owned());
        volumes.push(volume);
    }
    let snapshots = volumes.iter().map(|volume| site.take_snapshot(volume));
    futures_util::future::join_all(snapshots).await;
    for volume in &volumes {
        assert_eq!(site.snapshot_names(volume).len(), 1);
    }
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_disk_s_snapshots_are_those_of_its_image() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    put_on_top(
        &mut running.machine,
        &serde_json::json!({ "driver": "throttle", "throttle-group": "group", "file": "volume" }),
    );
    let snapshot = running.site.take_snapshot(&running.volume).await;
    assert_eq!(running.site.snapshot_names(&running.volume).len(), 1);
    let work = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot,
    };
    running.site.complete(work).await;
    running.site.take_backup(&running.volume).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_qemu_refuses_is_a_failure_and_nothing_else() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    // A backup that another tool has under way keeps internal snapshots from being taken.
    let target =
        serde_json::json!({ "driver": "null-co", "node-name": "target", "size": 32 * MIB });
    running.machine.execute("blockdev-add", &target);
    put_on_top(
        &mut running.machine,
        &serde_json::json!({ "driver": "copy-before-write", "file": "volume", "target": "target" }),
    );
    for work in [running.snapshot().1, running.backup()] {
        let (failure, _) = running.site.fail(work).await;
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("refuses"), "{failure}");
        assert!(failure.detail.unwrap().contains("snapshot"));
    }
    assert_eq!(running.site.snapshot_names(&running.volume), [""; 0]);
    running.end().await;
}

/// Puts a filter over the disk's node, as an operator would.
fn put_on_top(machine: &mut Machine, filter: &serde_json::Value) {
    let group = serde_json::json!({ "qom-type": "throttle-group", "id": "group" });
    machine.execute("object-add", &group);
    let mut filter = filter.clone();
    filter["node-name"] = "filter".into();
    machine.execute("blockdev-add", &filter);
    let drive = serde_json::json!({
        "path": "/machine/peripheral/volume-device", "property": "drive", "value": "filter",
    });
    machine.execute("qom-set", &drive);
}
