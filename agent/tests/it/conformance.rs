//! What every driver promises, asked of each in the same way.
//!
//! A [`Storage`] is a driver's storage seen from behind: what a guest, an administrator or an
//! accident does to volumes. The promises are grouped, because not every driver can make all.

/// Runs promises one after the other, and says which.
macro_rules! keep {
    ($storage:expr, $($promise:ident),+ $(,)?) => {
        $(
            eprintln!("{}", stringify!($promise));
            crate::site::within($promise($storage)).await;
        )+
    };
}

mod error;
mod snapshot;
mod volume;
mod writer;

use bytes::Bytes;
use tidemark_agent::{
    driver::{Code, Driver, Failure, OpenSnapshot, SnapshotName, Touched},
    qcow2::buffer,
};
use uuid::Uuid;

pub use self::{error::errors, snapshot::snapshots, volume::volumes, writer::writers};
use crate::site::MIB;

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

fn kept() -> SnapshotName {
    SnapshotName::Kept(Uuid::now_v7())
}

async fn created(storage: &dyn Storage, size_bytes: u64) -> (Disk, Box<dyn Driver>) {
    let disk = Disk::new(size_bytes);
    let driver = storage.driver(disk);
    driver.create().await.unwrap();
    (disk, driver)
}

/// What a snapshot holds, whole.
async fn read_whole(snapshot: OpenSnapshot) -> Vec<u8> {
    let length = index(snapshot.source().size_bytes());
    let content = snapshot.source().read(0, buffer(length)).await;
    snapshot.finish().await.unwrap();
    content.unwrap().to_vec()
}

/// Rolls back, which has changed the volume unless it was refused.
async fn roll_back(driver: &dyn Driver, name: SnapshotName) -> Result<(), Failure> {
    let touched = Touched::default();
    let outcome = driver.roll_back(name, &touched).await;
    assert_eq!(touched.is_set(), outcome.is_ok(), "{outcome:?}");
    outcome
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
