//! Promises about making volumes, overwriting them and going back.

use tidemark_agent::driver::Code;

use super::{
    Disk, SIZE, Storage, UNIT, code, created, index, kept, read_whole, roll_back, snapshots_among,
    unit_of,
};
use crate::site::MIB;

/// All of them.
pub async fn volumes(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_is_created_and_deleted_any_number_of_times,
        rolling_back_keeps_all_snapshots,
        a_volume_that_has_grown_keeps_its_size_when_it_is_rolled_back,
        a_volume_that_is_overwritten_with_less_holds_zeros_beyond_it,
        a_snapshot_larger_than_its_volume_is_refused,
        a_staged_volume_does_not_exist_until_it_is_published,
        what_was_staged_in_vain_is_cleaned_up,
    );
}

async fn a_volume_is_created_and_deleted_any_number_of_times(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, UNIT);
    driver.create().await.unwrap();
    assert_eq!(storage.read(disk, None)[0], 1, "it is still the same");
    driver.create_snapshot(kept()).await.unwrap();
    assert_eq!(storage.read(disk, None).len() as u64, SIZE);
    driver.delete().await.unwrap();
    assert_eq!(storage.remains(disk), [""; 0]);
    driver.delete().await.unwrap();
    driver.create().await.unwrap();
    assert_eq!(storage.remains(disk), ["volume"]);
    assert!(storage.read(disk, None).iter().all(|byte| *byte == 0));
    driver.delete().await.unwrap();
}

async fn rolling_back_keeps_all_snapshots(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let names = [kept(), kept()];
    let mut contents = Vec::new();
    for (pattern, name) in (1..).zip(names) {
        storage.write(disk, pattern, 2 * MIB, 9 * MIB);
        contents.push(storage.read(disk, None));
        driver.create_snapshot(name).await.unwrap();
    }
    storage.write(disk, 3, 0, SIZE);
    for target in [0, 0, 1, 0] {
        driver.check_roll_back(names[target]).await.unwrap();
        roll_back(&*driver, names[target]).await.unwrap();
        assert!(storage.read(disk, None) == contents[target]);
    }
    let all = names.map(|name| name.to_string());
    assert_eq!(snapshots_among(&storage.remains(disk)), all);
    assert!(storage.read(disk, Some(names[1])) == contents[1]);
    driver.delete().await.unwrap();
}

async fn a_volume_that_has_grown_keeps_its_size_when_it_is_rolled_back(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, SIZE);
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    let content = storage.read(disk, None);

    let larger = Disk {
        size_bytes: SIZE + 12 * MIB,
        ..disk
    };
    storage.grow(disk, larger.size_bytes);
    storage.write(larger, 2, 0, larger.size_bytes);
    let driver = storage.driver(larger);
    let snapshot = driver.open_snapshot(name).await.unwrap();
    assert_eq!(snapshot.source().size_bytes(), SIZE);
    assert!(read_whole(snapshot).await == content);
    for _ in 0..2 {
        roll_back(&*driver, name).await.unwrap();
        let read = storage.read(larger, None);
        assert_eq!(read.len() as u64, larger.size_bytes);
        let (beginning, rest) = read.split_at(content.len());
        assert!(beginning == content);
        assert!(
            rest.iter().all(|byte| *byte == 0),
            "what was beyond is gone"
        );
    }
    driver.create_snapshot(kept()).await.unwrap();
    driver.delete().await.unwrap();
}

async fn a_volume_that_is_overwritten_with_less_holds_zeros_beyond_it(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, SIZE);
    let less = SIZE / 2;
    let opened = driver.overwrite().await.unwrap();
    for offset in (0..less).step_by(index(UNIT)) {
        opened.target().put(offset, unit_of(2)).await.unwrap();
    }
    opened.target().finish(less).await.unwrap();
    opened.close().await.unwrap();
    let read = storage.read(disk, None);
    let (beginning, rest) = read.split_at(index(less));
    assert!(beginning.iter().all(|byte| *byte == 2));
    assert!(rest.iter().all(|byte| *byte == 0));
    driver.delete().await.unwrap();
}

async fn a_snapshot_larger_than_its_volume_is_refused(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    let smaller = storage.driver(Disk {
        size_bytes: SIZE / 2,
        ..disk
    });
    let too_small = Code::TargetTooSmall;
    assert_eq!(code(smaller.check_roll_back(name).await), too_small);
    assert_eq!(code(roll_back(&*smaller, name).await), too_small);
    driver.delete().await.unwrap();
}

async fn a_staged_volume_does_not_exist_until_it_is_published(storage: &dyn Storage) {
    let disk = Disk::new(SIZE);
    let driver = storage.driver(disk);
    // The second attempt finds what the first has left.
    for pattern in [3, 4] {
        let new = driver.stage().await.unwrap();
        assert_eq!(new.target().size_bytes(), SIZE);
        new.target().put(MIB, unit_of(pattern)).await.unwrap();
        new.target().finish(SIZE).await.unwrap();
        assert!(!storage.remains(disk).contains(&"volume".into()));
        new.close().await.unwrap();
    }
    for _ in 0..2 {
        driver.publish().await.unwrap();
        assert_eq!(storage.remains(disk), ["volume"]);
    }
    let read = storage.read(disk, None);
    let (start, end) = (index(MIB), index(MIB + UNIT));
    assert_eq!(read.len() as u64, SIZE);
    assert!(read[start..end].iter().all(|byte| *byte == 4));
    assert!(
        read[..start]
            .iter()
            .chain(&read[end..])
            .all(|byte| *byte == 0)
    );
    driver.delete().await.unwrap();
}

async fn what_was_staged_in_vain_is_cleaned_up(storage: &dyn Storage) {
    let disk = Disk::new(SIZE);
    let driver = storage.driver(disk);
    for _ in 0..2 {
        let new = driver.stage().await.unwrap();
        new.target().put(0, unit_of(1)).await.unwrap();
        new.close().await.unwrap();
        driver.clean_up().await.unwrap();
        assert_eq!(storage.remains(disk), [""; 0]);
    }
    driver.clean_up().await.unwrap();
}
