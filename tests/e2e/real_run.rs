//! A volume's whole life with real bytes: what comes back is what was there, bit for bit.

use std::fs;

use serde_json::json;

use crate::harness::{Content, Engine, Machine, PlatformSize, Rules, disk};

#[tokio::test]
async fn a_volume_comes_back_bit_by_bit_on_sqlite() {
    what_comes_back_is_what_was_there(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_volume_comes_back_bit_by_bit_on_postgresql() {
    if let Some(engine) = Engine::postgres() {
        what_comes_back_is_what_was_there(engine).await;
    }
}

async fn what_comes_back_is_what_was_there(engine: Engine) {
    let mut machine = Machine::on(engine, Rules::default()).await;
    machine.restart(true).await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let image = machine.image(&volume);
    let (size, large_size) = (PlatformSize::PLAN, PlatformSize::LARGE_PLAN);

    let first = Content::file_system(machine.path("content/first"), size, "the first").await;
    first.write_to(&image).await;
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let second = Content::noise(machine.path("content/second"), size, size / 2, "second");
    second.write_to(&image).await;
    second.assert_in(&image).await;

    // Back to the snapshot, which is larger now by all that was overwritten.
    let from_snapshot = json!({ "snapshotId": snapshot.item });
    let restore = owner.restore_in_place(&volume, from_snapshot.clone()).await;
    owner.completed(&restore).await;
    first.assert_in(&image).await;
    disk::check_file_system(first.path()).await;

    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    second.write_to(&image).await;

    // The backup without Tidemark: one tool to unpack it, another to look at it.
    let object = machine.backup(&volume, &backup.item).join("disk.raw.zst");
    let unpacked = machine.path("content/unpacked");
    disk::unzstd(&object, &unpacked).await;
    assert!(first.is_in(&unpacked, "raw").await);
    let converted = machine.path("content/converted.qcow2");
    disk::convert(&unpacked, &converted).await;
    first.assert_in(&converted).await;

    // In place from the backup; and from the snapshot to a larger volume, the rest of which is zero.
    let from_backup = json!({ "backupId": backup.item });
    let restore = owner.restore_in_place(&volume, from_backup.clone()).await;
    owner.completed(&restore).await;
    first.assert_in(&image).await;
    let large = first.extended(machine.path("content/large"), large_size);
    let large_plan = &machine.platform.large_plan;
    let grown = owner.restore_to_new_volume(from_snapshot, large_plan).await;
    owner.completed(&grown).await;
    large.assert_in(&machine.image(&grown.item)).await;
    machine.assert_nothing_is_left_behind().await;

    // The file is gone; the backup is all there is.
    fs::remove_file(&image).unwrap();
    let plan = &machine.platform.plan;
    let again = owner.restore_to_new_volume(from_backup.clone(), plan).await;
    owner.completed(&again).await;
    first.assert_in(&machine.image(&again.item)).await;
    let also_grown = owner.restore_to_new_volume(from_backup, large_plan).await;
    owner.completed(&also_grown).await;
    large.assert_in(&machine.image(&also_grown.item)).await;

    // Everything can be deleted, the volume whose file is gone too, and then nothing is left.
    for (noun, id) in [
        ("Snapshot", &snapshot.item),
        ("Volume", &volume),
        ("Volume", &grown.item),
        ("Volume", &again.item),
        ("Volume", &also_grown.item),
        ("Backup", &backup.item),
    ] {
        let deletion = owner.delete(noun, id).await;
        owner.completed(&deletion).await;
    }
    assert!(machine.files().is_empty(), "{:?}", machine.files());
    machine.end().await;
}
