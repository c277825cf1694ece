//! Promises about snapshots of a volume that is there.

use tidemark_agent::driver::{Code, Retained, SnapshotName};
use uuid::Uuid;

use super::{
    SIZE, Storage, UNIT, code, created, index, kept, read_whole, roll_back, snapshots_among,
};
use crate::site::MIB;

/// All of them.
pub async fn snapshots(storage: &dyn Storage) {
    keep!(
        storage,
        snapshots_are_points_in_time,
        a_snapshot_can_be_taken_anew,
        deleting_a_snapshot_leaves_the_others,
        what_only_snapshots_keep_is_charged_to_the_newest_exactly,
        a_snapshot_that_is_gone_is_said_to_be_gone,
        temporary_snapshots_are_cleaned_up,
        an_operation_may_begin_with_a_snapshot,
    );
}

async fn snapshots_are_points_in_time(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let mut taken = Vec::new();
    for pattern in 1..=5 {
        storage.write(disk, pattern, u64::from(pattern) * MIB, 3 * MIB);
        let content = storage.read(disk, None);
        let name = kept();
        driver.create_snapshot(name).await.unwrap();
        taken.push((name, content));
    }
    storage.write(disk, 99, 0, SIZE);
    // All at once, as backups of one volume are.
    let mut open = Vec::new();
    for (name, _) in &taken {
        open.push(driver.open_snapshot(*name).await.unwrap());
    }
    for (snapshot, (name, content)) in open.into_iter().zip(&taken) {
        if let Some(server) = snapshot.server() {
            assert!(server.client().is_read_only());
        }
        assert!(read_whole(snapshot).await == *content, "opened: {name}");
        let read = storage.read(disk, Some(*name));
        assert!(read == *content, "on storage: {name}");
    }
    driver.delete().await.unwrap();
}

async fn a_snapshot_can_be_taken_anew(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    storage.write(disk, 7, 5 * MIB, MIB);
    let content = storage.read(disk, None);
    driver.create_snapshot(name).await.unwrap();
    assert!(storage.read(disk, Some(name)) == content);
    assert_eq!(storage.remains(disk), ["volume".into(), name.to_string()]);
    driver.delete().await.unwrap();
}

async fn deleting_a_snapshot_leaves_the_others(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let names = [kept(), kept(), kept()];
    let mut contents = Vec::new();
    for (pattern, name) in (1..).zip(names) {
        storage.write(disk, pattern, 0, 8 * MIB);
        contents.push(storage.read(disk, None));
        driver.create_snapshot(name).await.unwrap();
    }
    driver.delete_snapshot(names[1]).await.unwrap();
    driver.delete_snapshot(names[1]).await.unwrap();
    driver.delete_snapshot(kept()).await.unwrap();
    let left = [names[0], names[2]].map(|name| name.to_string());
    assert_eq!(snapshots_among(&storage.remains(disk)), left);
    for kept in [0, 2] {
        assert!(storage.read(disk, Some(names[kept])) == contents[kept]);
    }
    assert!(storage.read(disk, None) == contents[2]);
    driver.delete().await.unwrap();
}

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

/// Compared with a model that knows for each unit of the disk which write it holds.
async fn what_only_snapshots_keep_is_charged_to_the_newest_exactly(storage: &dyn Storage) {
    const GROUP: u64 = 4 * MIB / UNIT;
    let (disk, driver) = created(storage, SIZE).await;
    let units = index(SIZE / UNIT);
    let mut now = vec![0_u32; units];
    let mut states: Vec<(Uuid, Vec<u32>)> = Vec::new();
    let mut numbers = Numbers(42);
    let mut version = 0;
    for _ in 0..5 {
        for _ in 0..4 {
            if numbers.below(4) == 0 {
                let start = numbers.below(SIZE / UNIT / GROUP) * GROUP;
                storage.discard(disk, start * UNIT, GROUP * UNIT);
                now[index(start)..index(start + GROUP)].fill(0);
                continue;
            }
            let start = numbers.below(SIZE / UNIT - 40);
            let end = start + 1 + numbers.below(39);
            version += 1;
            let pattern = u8::try_from(version).unwrap();
            storage.write(disk, pattern, start * UNIT, (end - start) * UNIT);
            let kept_from = storage.kept_from(start * UNIT) / UNIT;
            let skipped = &mut now[index(kept_from)..index(start)];
            skipped
                .iter_mut()
                .filter(|held| **held == 0)
                .for_each(|held| *held = version);
            now[index(start)..index(end)].fill(version);
        }
        let id = Uuid::now_v7();
        driver
            .create_snapshot(SnapshotName::Kept(id))
            .await
            .unwrap();
        states.push((id, now.clone()));
        assert_eq!(driver.retained().await.unwrap(), expected(&states, &now));
    }
    storage.write(disk, 200, 0, SIZE);
    let all = vec![u32::MAX; units];
    assert_eq!(driver.retained().await.unwrap(), expected(&states, &all));
    let (gone, _) = states.remove(2);
    driver
        .delete_snapshot(SnapshotName::Kept(gone))
        .await
        .unwrap();
    assert_eq!(driver.retained().await.unwrap(), expected(&states, &all));
    driver.delete().await.unwrap();
}

/// What each snapshot is charged: units with data of a write that the disk no longer has, nor a newer snapshot.
fn expected(states: &[(Uuid, Vec<u32>)], now: &[u32]) -> Vec<Retained> {
    let charged = |index: usize| {
        let (snapshot_id, state) = &states[index];
        let newer = states[index + 1..]
            .iter()
            .map(|(_, state)| state.as_slice());
        let later: Vec<_> = newer.chain([now]).collect();
        let is_newest = |unit: &usize| {
            state[*unit] != 0 && later.iter().all(|other| other[*unit] != state[*unit])
        };
        let units = (0..state.len()).filter(is_newest).count() as u64;
        Retained {
            snapshot_id: *snapshot_id,
            retained_bytes: units * UNIT,
        }
    };
    (0..states.len()).map(charged).collect()
}

async fn a_snapshot_that_is_gone_is_said_to_be_gone(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    storage.delete_snapshot(disk, name);
    let gone = Code::ItemNotAvailable;
    assert_eq!(code(driver.open_snapshot(name).await), gone);
    assert_eq!(code(driver.check_roll_back(name).await), gone);
    assert_eq!(code(roll_back(&*driver, name).await), gone);
    assert_eq!(driver.retained().await.unwrap(), []);
    driver.delete_snapshot(name).await.unwrap();
    driver.delete().await.unwrap();
}

async fn temporary_snapshots_are_cleaned_up(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    for _ in 0..2 {
        let temporary = SnapshotName::Temporary(Uuid::now_v7());
        driver.create_snapshot(temporary).await.unwrap();
    }
    let listed = driver.retained().await.unwrap();
    assert_eq!(listed.len(), 1, "customers do not see temporary ones");
    for _ in 0..2 {
        driver.clean_up().await.unwrap();
        assert_eq!(storage.remains(disk), ["volume".into(), name.to_string()]);
    }
    driver.delete().await.unwrap();
}

async fn an_operation_may_begin_with_a_snapshot(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let (older, newer) = (kept(), kept());
    storage.write(disk, 1, 0, SIZE);
    driver.begin_with_snapshot(older).await.unwrap();
    for _ in 0..2 {
        storage.write(disk, 2, 0, 8 * MIB);
        let content = storage.read(disk, None);
        let temporary = SnapshotName::Temporary(Uuid::now_v7());
        driver.create_snapshot(temporary).await.unwrap();
        driver.begin_with_snapshot(newer).await.unwrap();
        let names = [older, newer].map(|name| name.to_string());
        assert_eq!(snapshots_among(&storage.remains(disk)), names);
        assert!(storage.read(disk, Some(newer)) == content);
    }
    driver.delete().await.unwrap();
}
