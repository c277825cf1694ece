//! What every driver promises, asked of each in the same way.
//!
//! A [`Storage`] is a driver's storage seen from behind: what a guest, an administrator or an
//! accident does to volumes. The promises are grouped, because not every driver can make all.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tidemark_agent::driver::{Code, Driver, Failure, Retained, Server, SnapshotName};
use uuid::Uuid;

use crate::site::{MIB, within};

/// A volume by its id, and the size that the gateway believes it to have.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    pub id: Uuid,
    pub size_bytes: u64,
}

impl Disk {
    pub fn new(size_bytes: u64) -> Self {
        let id = Uuid::now_v7();
        Self { id, size_bytes }
    }
}

/// Storage with volumes on it, reached without the driver.
pub trait Storage {
    /// The driver of a volume.
    fn driver(&self, disk: Disk) -> Box<dyn Driver>;
    /// Fills a part of a volume with one byte.
    fn write(&self, disk: Disk, pattern: u8, offset: u64, length: u64);
    /// Discards a part of a volume, in units of 4 MiB.
    fn discard(&self, disk: Disk, offset: u64, length: u64);
    /// Where that begins which a first write at `offset` makes the storage keep.
    fn kept_from(&self, offset: u64) -> u64 {
        offset
    }
    /// All that a volume, or one of its snapshots, holds.
    fn read(&self, disk: Disk, snapshot: Option<SnapshotName>) -> Vec<u8>;
    /// Makes a volume larger.
    fn grow(&self, disk: Disk, size_bytes: u64);
    /// Removes a snapshot behind the driver's back.
    fn delete_snapshot(&self, disk: Disk, name: SnapshotName);
    /// Removes a volume behind the driver's back.
    fn remove(&self, disk: Disk);
    /// Everything on the storage, by names: "volume" for a disk's own image, and each of its
    /// snapshots by name; what else there is by any name.
    fn remains(&self, disk: Disk) -> Vec<String>;
}

const SIZE: u64 = 32 * MIB;
/// What the storage counts in: a cluster of qcow2.
const UNIT: u64 = 64 << 10;

/// Runs promises one after the other, and says which.
macro_rules! keep {
    ($storage:expr, $($promise:ident),+ $(,)?) => {
        $(
            eprintln!("{}", stringify!($promise));
            within($promise($storage)).await;
        )+
    };
}

/// Promises about snapshots of a volume that is there.
pub async fn snapshots(storage: &dyn Storage) {
    keep!(
        storage,
        snapshots_are_points_in_time,
        a_snapshot_can_be_taken_anew,
        deleting_a_snapshot_leaves_the_others,
        what_a_snapshot_alone_keeps_is_counted_exactly,
        a_snapshot_that_is_gone_is_said_to_be_gone,
        temporary_snapshots_are_cleaned_up,
        an_operation_may_begin_with_a_snapshot,
    );
}

/// Promises about making volumes, overwriting them and going back.
pub async fn volumes(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_is_created_and_deleted_any_number_of_times,
        rolling_back_keeps_all_snapshots,
        a_volume_that_has_grown_keeps_its_size_when_it_is_rolled_back,
        a_snapshot_larger_than_its_volume_is_refused,
        a_staged_volume_does_not_exist_until_it_is_published,
        what_was_staged_in_vain_is_cleaned_up,
    );
}

/// Promises about who may write, and about servers that die.
pub async fn writers(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_is_served_to_one_writer,
        a_server_that_dies_is_noticed_and_cleaned_up_after,
    );
}

/// Promises about what cannot be worked on.
pub async fn errors(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_that_is_gone_is_said_to_be_missing,
        a_volume_of_another_size_is_refused,
    );
}

fn kept() -> SnapshotName {
    SnapshotName::Kept(Uuid::now_v7())
}

async fn created(storage: &dyn Storage, size_bytes: u64) -> (Disk, Box<dyn Driver>) {
    let disk = Disk::new(size_bytes);
    let driver = storage.driver(disk);
    driver.create().await.unwrap();
    (disk, driver)
}

/// What a server serves, whole.
async fn served(server: Server) -> Vec<u8> {
    let length = index(server.client().size_bytes());
    let content = server.client().read(0, BytesMut::zeroed(length)).await;
    server.finish().await.unwrap();
    content.unwrap().to_vec()
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn unit_of(pattern: u8) -> Bytes {
    vec![pattern; index(UNIT)].into()
}

fn snapshots_among(remains: &[String]) -> Vec<String> {
    let snapshots = remains.iter().filter(|name| *name != "volume");
    snapshots.cloned().collect()
}

fn code<T>(outcome: Result<T, Failure>) -> Code {
    match outcome {
        Ok(_) => panic!("it should have failed"),
        Err(failure) => failure.code,
    }
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
    let mut servers = Vec::new();
    for (name, _) in &taken {
        servers.push(driver.serve_snapshot(*name).await.unwrap());
    }
    for (server, (name, content)) in servers.into_iter().zip(&taken) {
        assert!(server.client().is_read_only());
        assert!(served(server).await == *content, "served: {name}");
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
async fn what_a_snapshot_alone_keeps_is_counted_exactly(storage: &dyn Storage) {
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

/// What each snapshot alone holds: units with data of a write that no other state has there.
fn expected(states: &[(Uuid, Vec<u32>)], now: &[u32]) -> Vec<Retained> {
    let alone = |index: usize| {
        let (snapshot_id, state) = &states[index];
        let others = states
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let others: Vec<_> = others
            .map(|(_, (_, state))| state.as_slice())
            .chain([now])
            .collect();
        let is_alone = |unit: &usize| {
            state[*unit] != 0 && others.iter().all(|other| other[*unit] != state[*unit])
        };
        let units = (0..state.len()).filter(is_alone).count() as u64;
        Retained {
            snapshot_id: *snapshot_id,
            retained_bytes: units * UNIT,
        }
    };
    (0..states.len()).map(alone).collect()
}

async fn a_snapshot_that_is_gone_is_said_to_be_gone(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    storage.delete_snapshot(disk, name);
    let gone = Code::ItemNotAvailable;
    assert_eq!(code(driver.serve_snapshot(name).await), gone);
    assert_eq!(code(driver.check_roll_back(name).await), gone);
    assert_eq!(code(driver.roll_back(name).await), gone);
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
    for repair in [false, true] {
        driver.clean_up(repair).await.unwrap();
        assert_eq!(storage.remains(disk), ["volume".into(), name.to_string()]);
    }
    driver.delete().await.unwrap();
}

async fn an_operation_may_begin_with_a_snapshot(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let (older, newer) = (kept(), kept());
    storage.write(disk, 1, 0, SIZE);
    driver.begin_with_snapshot(older, false).await.unwrap();
    for repair in [false, true] {
        storage.write(disk, 2, 0, 8 * MIB);
        let content = storage.read(disk, None);
        let temporary = SnapshotName::Temporary(Uuid::now_v7());
        driver.create_snapshot(temporary).await.unwrap();
        let known = driver.begin_with_snapshot(newer, repair).await.unwrap();
        let names = [older, newer].map(|name| name.to_string());
        assert_eq!(snapshots_among(&storage.remains(disk)), names);
        assert!(storage.read(disk, Some(newer)) == content);
        let retained = driver.retained().await.unwrap();
        assert_eq!(retained.len(), 2);
        for known in known.unwrap_or_default() {
            assert!(retained.contains(&known), "{known:?} of {retained:?}");
        }
    }
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
        driver.roll_back(names[target]).await.unwrap();
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
    let snapshot = driver.serve_snapshot(name).await.unwrap();
    assert_eq!(snapshot.client().size_bytes(), SIZE);
    assert!(served(snapshot).await == content);
    for _ in 0..2 {
        driver.roll_back(name).await.unwrap();
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
    assert_eq!(code(smaller.roll_back(name).await), too_small);
    driver.delete().await.unwrap();
}

async fn a_staged_volume_does_not_exist_until_it_is_published(storage: &dyn Storage) {
    let disk = Disk::new(SIZE);
    let driver = storage.driver(disk);
    // The second attempt finds what the first has left.
    for pattern in [3, 4] {
        let server = driver.stage().await.unwrap();
        assert_eq!(server.client().size_bytes(), SIZE);
        let content = unit_of(pattern);
        server.client().write(MIB, content).await.unwrap();
        server.client().flush().await.unwrap();
        assert!(!storage.remains(disk).contains(&"volume".into()));
        server.finish().await.unwrap();
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
    for repair in [false, true] {
        let server = driver.stage().await.unwrap();
        let content = unit_of(1);
        server.client().write(0, content).await.unwrap();
        server.finish().await.unwrap();
        driver.clean_up(repair).await.unwrap();
        assert_eq!(storage.remains(disk), [""; 0]);
    }
    driver.clean_up(true).await.unwrap();
}

async fn a_volume_is_served_to_one_writer(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    driver.check_overwrite().await.unwrap();
    let first = driver.serve().await.unwrap();
    let write = |pattern: u8| {
        let content = unit_of(pattern);
        first.client().write(0, content)
    };
    write(5).await.unwrap();
    let second = storage.driver(disk);
    // Storage that cannot tell a dead user from a living one has to wait for a while.
    let (served, overwrite, roll_back, deleted) = tokio::join!(
        second.serve(),
        second.check_overwrite(),
        second.check_roll_back(name),
        second.delete(),
    );
    for outcome in [served.map(drop), overwrite, roll_back, deleted] {
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("in use"), "{failure}");
    }
    write(6).await.unwrap();
    first.client().flush().await.unwrap();
    first.finish().await.unwrap();
    assert_eq!(storage.read(disk, None)[0], 6);
    second.serve().await.unwrap().finish().await.unwrap();
    driver.delete().await.unwrap();
}

async fn a_server_that_dies_is_noticed_and_cleaned_up_after(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, SIZE);
    let temporary = SnapshotName::Temporary(Uuid::now_v7());
    driver.create_snapshot(temporary).await.unwrap();
    let new = Disk::new(SIZE);
    let target = storage.driver(new);
    let servers = [
        driver.serve_snapshot(temporary).await.unwrap(),
        target.stage().await.unwrap(),
    ];
    for server in &servers {
        let pid = i32::try_from(server.pid().unwrap()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        let buffer = BytesMut::zeroed(index(MIB));
        let read = tokio::time::timeout(Duration::from_secs(5), server.client().read(0, buffer));
        assert_eq!(
            Failure::from(read.await.unwrap().unwrap_err()).code,
            Code::StorageFailed
        );
    }
    drop(servers);
    driver.clean_up(false).await.unwrap();
    target.clean_up(false).await.unwrap();
    assert_eq!(storage.remains(disk), ["volume"]);
    assert_eq!(storage.remains(new), [""; 0]);
    driver.check_overwrite().await.unwrap();
    driver.delete().await.unwrap();
}

async fn a_volume_that_is_gone_is_said_to_be_missing(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.remove(disk);
    driver.clean_up(true).await.unwrap();
    let outcomes = [
        driver.create_snapshot(kept()).await,
        driver.begin_with_snapshot(kept(), true).await.map(drop),
        driver.check_roll_back(kept()).await,
        driver.check_overwrite().await,
        driver.serve().await.map(drop),
        driver.serve_snapshot(kept()).await.map(drop),
        driver.retained().await.map(drop),
    ];
    for outcome in outcomes {
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("is missing"), "{failure}");
        assert!(!failure.message.contains(&disk.id.to_string()), "{failure}");
    }
    driver.delete_snapshot(kept()).await.unwrap();
    driver.delete().await.unwrap();
    assert_eq!(storage.remains(disk), [""; 0]);
}

async fn a_volume_of_another_size_is_refused(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    for size_bytes in [SIZE / 2, 2 * SIZE] {
        let other = storage.driver(Disk { size_bytes, ..disk });
        let outcomes = [
            other.create_snapshot(kept()).await,
            other.begin_with_snapshot(kept(), false).await.map(drop),
            other.create().await,
        ];
        for outcome in outcomes {
            let failure = outcome.unwrap_err();
            let words = format!("{SIZE} bytes instead of {size_bytes}");
            assert_eq!(failure.code, Code::StorageFailed);
            assert!(failure.message.contains(&words), "{failure}");
        }
    }
    assert_eq!(storage.remains(disk), ["volume"]);
    driver.delete().await.unwrap();
}
